// The parts of `load` that have no socket: messages and replies.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "bench/load/auth_plain.h"
#include "bench/load/hash_set.h"
#include "bench/load/message_maker.h"
#include "bench/load/reply_reader.h"

namespace ringpost::bench {
namespace {

TEST(HashSetTest, CountsEachOnce) {
  HashSet seen;
  for (uint64_t round = 0; round < 2; ++round) {
    for (uint64_t i = 0; i < 10'000; ++i) {
      EXPECT_EQ(seen.Insert(i), round == 0);             // all in one part
      EXPECT_EQ(seen.Insert(~i << 40 | i), round == 0);  // in many
    }
  }
  EXPECT_EQ(seen.size(), 20'000u);
}

// RFC 4616 section 4: "tim", "tanstaaftanstaaf", and lengths that base64 fills up otherwise.
TEST(AuthPlainTest, IsACommandWithItsInitialResponse) {
  EXPECT_EQ(AuthPlain("tim", "tanstaaftanstaaf"), "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n");
  EXPECT_EQ(AuthPlain("a", "b"), "AUTH PLAIN AGEAYg==\r\n");
  EXPECT_EQ(AuthPlain("a", "\xff\xfe"), "AUTH PLAIN AGEA//4=\r\n");
}

TEST(AuthPlainTest, TheFirstColonEndsTheName) {
  std::string command;
  ASSERT_TRUE(ParseAuthPlain("tim:a:b", &command));
  EXPECT_EQ(command, AuthPlain("tim", "a:b"));
  for (const char* bad : {"", "tim", "tim:", ":password"}) {
    EXPECT_FALSE(ParseAuthPlain(bad, &command)) << bad;
  }
}

TEST(MessageMakerTest, MessagesHaveTheSizeAndTheirOwnIds) {
  LoadOptions options;
  options.sizes = {{4096, 1}};
  options.recipients = 2;
  const MessageMaker maker(options);
  Message one, two;
  maker.Make(0, &one);
  maker.Make(1, &two);
  EXPECT_EQ(one.id, maker.run_id() + "-0");
  EXPECT_NE(one.id, two.id);
  EXPECT_NE(one.header.find("X-Ringpost-Bench-Id: " + one.id + "\r\n"), std::string::npos);
  EXPECT_TRUE(one.header.ends_with("\r\n\r\n"));
  EXPECT_TRUE(one.body.ends_with("\r\n"));
  EXPECT_NEAR(static_cast<double>(one.header.size() + one.body.size()), 4096, 128);
  EXPECT_EQ(one.rcpts[1], "RCPT TO:<user1@sink.example>\r\n");
}

TEST(MessageMakerTest, NoLineOfABodyBeginsWithADotOrIsTooLong) {
  LoadOptions options;
  options.sizes = {{1, 1}, {100, 1}, {1'000, 1}, {102'400, 1}};
  const MessageMaker maker(options);
  for (uint64_t i = 0; i < 64; ++i) {
    Message message;
    maker.Make(i, &message);
    size_t at = 0;
    while (at < message.body.size()) {
      const size_t end = message.body.find("\r\n", at);
      ASSERT_NE(end, std::string_view::npos);
      EXPECT_LT(end - at, 998u);
      EXPECT_NE(message.body[at], '.');
      at = end + 2;
    }
  }
}

TEST(MessageMakerTest, SizesComeInTheSharesAskedFor) {
  LoadOptions options;
  options.sizes = {{1'000, 3}, {10'000, 1}};
  const MessageMaker maker(options);
  std::map<size_t, int> seen;
  for (uint64_t i = 0; i < 4'000; ++i) {
    Message message;
    maker.Make(i, &message);
    ++seen[message.body.size()];
  }
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_NEAR(seen.begin()->second, 3'000, 100);
}

TEST(MessageMakerTest, SendersAndDomainsGoAllTheWayRound) {
  LoadOptions options;
  options.senders = 10;
  options.domains = 15;
  const MessageMaker maker(options);
  std::map<std::string, int> senders, domains;
  for (uint64_t i = 0; i < 150; ++i) {
    Message message;
    maker.Make(i, &message);
    ++senders[message.mail];
    ++domains[message.recipients[0]];
  }
  EXPECT_EQ(senders.size(), 10u);
  EXPECT_EQ(domains.size(), 15u);
}

TEST(ReplyReaderTest, MultilineRepliesAreOne) {
  ReplyReader reader;
  reader.Append("250-a\r\n250-b\r\n250 c\r\n35");
  const auto first = reader.Next();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->code, 250);
  EXPECT_EQ(first->text, "250 c");
  EXPECT_FALSE(reader.Next().has_value());
  reader.Append("4 go on\r\n");
  EXPECT_EQ(reader.Next()->code, 354);
  EXPECT_FALSE(reader.broken());
}

TEST(ReplyReaderTest, WhatIsNoReplyBreaksIt) {
  ReplyReader reader;
  reader.Append("hello\r\n");
  EXPECT_FALSE(reader.Next().has_value());
  EXPECT_TRUE(reader.broken());
}

}  // namespace
}  // namespace ringpost::bench
