// What needs no server: the rest is tests/e2e/test_dns_room.py's.
#include "gateway/dns/resolver.h"

#include <gtest/gtest.h>

namespace ringpost::dns {
namespace {

TEST(ResolverTest, SaysWhatItRefuses) {
  ResolverOptions options;
  options.trust_anchors_file = "no/such/file";
  Status status = Resolver::Create(options).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(MessageOf(status).find("no/such/file"), std::string_view::npos) << status;
}

TEST(ResolverTest, NobodyThere) {
  ResolverOptions options;
  options.stubs = {{"", *Endpoint::Parse("127.0.0.1:1")}};
  options.ask_millis = 200;
  auto resolver = *Resolver::Create(options);
  Answer answer = resolver->Ask({"a.example", RecordType::kTxt});
  EXPECT_FALSE(answer.known());
  EXPECT_FALSE(answer.words.empty());
  answer = resolver->Ask({"a b", RecordType::kTxt});
  EXPECT_FALSE(answer.known());
  std::vector<Question> many(100, {"b.example", RecordType::kMx});
  std::vector<Answer> answers = resolver->AskAll(many);
  ASSERT_EQ(answers.size(), many.size());
  for (const Answer& one : answers) EXPECT_FALSE(one.known());
}

}  // namespace
}  // namespace ringpost::dns
