// What needs no server that answers: the rest is tests/e2e/test_dns_room.py's.
#include "gateway/dns/resolver.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/time.h"

namespace ringpost::dns {
namespace {

// A socket that takes questions and never answers.
class SilentServer {
 public:
  SilentServer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage storage{};
    socklen_t length = Endpoint::Parse("127.0.0.1:0")->ToSockaddr(&storage);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&storage), length), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&storage), &length), 0);
    endpoint_ = *Endpoint::FromSockaddr(storage);
  }
  ~SilentServer() { ::close(socket_); }
  const Endpoint& endpoint() const { return endpoint_; }

 private:
  int socket_;
  Endpoint endpoint_;
};

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
  EXPECT_TRUE(answer.failure == Answer::Failure::kServfail ||
              answer.failure == Answer::Failure::kTimeout);
  answer = resolver->Ask({"a b", RecordType::kTxt});
  EXPECT_FALSE(answer.known());
  EXPECT_EQ(answer.failure, Answer::Failure::kMalformed);
  std::vector<Question> many(100, {"b.example", RecordType::kMx});
  std::vector<Answer> answers = resolver->AskAll(many);
  ASSERT_EQ(answers.size(), many.size());
  for (const Answer& one : answers) EXPECT_FALSE(one.known());
}

// Questions that nobody waits for any more must not come back into those that are asked later, nor
// into a resolver that is gone.
TEST(ResolverTest, WaitsNoLongerThanItIsAllowed) {
  SilentServer silent;
  ResolverOptions options;
  options.forwarders = {silent.endpoint()};
  options.ask_millis = 150;
  auto resolver = *Resolver::Create(options);
  for (int round = 0; round < 5; ++round) {
    std::vector<Question> questions;
    for (int i = 0; i < 20; ++i) {
      questions.push_back({"n" + std::to_string(20 * round + i) + ".example", RecordType::kTxt});
    }
    MonoTime begin = ReadMonoClock();
    for (const Answer& answer : resolver->AskAll(questions)) {
      EXPECT_FALSE(answer.known());
      EXPECT_EQ(answer.words, "no answer within 150 ms");
      EXPECT_EQ(answer.failure, Answer::Failure::kTimeout);
    }
    EXPECT_GE(ReadMonoClock() - begin, Millis(150));
    EXPECT_LT(ReadMonoClock() - begin, Seconds(10));
  }
}

}  // namespace
}  // namespace ringpost::dns
