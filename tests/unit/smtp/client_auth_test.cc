// AUTH as ClientSession says it, beyond the transcripts of tests/golden/smtp_client/auth_*.txt:
// what a trace shows, what is left in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/base/limits.h"
#include "gateway/smtp/auth.h"
#include "gateway/smtp/base64.h"
#include "tests/unit/smtp/client_harness.h"

namespace ringpost::smtp {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::shared_ptr<const Credentials> Known(std::string user, std::string secret) {
  auto credentials = std::make_shared<Credentials>();
  credentials->user = std::move(user);
  credentials->secret = std::move(secret);
  return credentials;
}

TEST(Auth, PlainIsThatOfItsStandard) {  // RFC 4616 section 4, RFC 4954 section 4.5
  std::string out = "AUTH PLAIN ";
  AppendAuthPlain(*Known("test", "1234"), &out);
  EXPECT_EQ(out, "AUTH PLAIN AHRlc3QAMTIzNA==");
}

TEST(Auth, WhatMayBeAUserOrASecret) {
  EXPECT_TRUE(IsAuthUser("user@example.org"));
  EXPECT_TRUE(IsAuthSecret("p\xc3\xa4ss word"));
  for (std::string_view bad : {std::string_view(""), std::string_view("a\0b", 3),
                               std::string_view("a\r\nb"), std::string_view("\x7f")}) {
    EXPECT_FALSE(IsAuthUser(bad));
    EXPECT_FALSE(IsAuthSecret(bad));
  }
  EXPECT_TRUE(IsAuthUser(std::string(limits::kAuthUserBytesMax, 'u')));
  EXPECT_FALSE(IsAuthUser(std::string(limits::kAuthUserBytesMax + 1, 'u')));
  EXPECT_TRUE(IsAuthSecret(std::string(limits::kAuthSecretBytesMax, 's')));
  EXPECT_FALSE(IsAuthSecret(std::string(limits::kAuthSecretBytesMax + 1, 's')));
}

TEST(ClientAuth, ATraceShowsNoSecret) {
  std::string plain, user, secret;
  AppendAuthPlain(*Known("user@example.org", "sesame"), &plain);
  AppendBase64("user@example.org", &user);
  AppendBase64("sesame", &secret);
  for (bool login : {false, true}) {
    for (size_t length : {size_t{6}, size_t{900}}) {
      Client client;
      std::string seen;
      client.session.SetTrace(
          [](void* context, bool from_client, std::string_view line) {
            static_cast<std::string*>(context)
                ->append(from_client ? "> " : "< ")
                .append(line)
                .push_back('|');
          },
          &seen);
      client.session.UseAuth(
          Known("user@example.org", length == 6 ? "sesame" : std::string(length, 's')));
      client.session.Secured(true);
      client.Greet({login ? "AUTH LOGIN" : "AUTH PLAIN"});
      if (login || length != 6) client.Feed("334 one\r\n");
      if (login) client.Feed("334 two\r\n");
      client.Feed("235 2.7.0 welcome\r\n");
      EXPECT_TRUE(client.session.ready()) << seen;
      EXPECT_THAT(seen, HasSubstr("***|"));
      EXPECT_THAT(seen, HasSubstr(login         ? "> AUTH LOGIN|< 334 one|> ***|< 334 two|> ***|"
                                  : length == 6 ? "> AUTH PLAIN ***|< 235"
                                                : "> AUTH PLAIN|< 334 one|> ***|< 235"));
      for (const std::string& hidden : {plain, user, secret, std::string("c3Nzc3")}) {
        EXPECT_THAT(seen, Not(HasSubstr(hidden)));
      }
    }
  }
}

TEST(ClientAuth, TheOutputIsWipedOnceItIsSent) {
  Client client;
  client.session.UseAuth(Known("user@example.org", "a secret to look for"));
  client.session.Secured(true);
  client.Feed("220 mx.example.net ESMTP\r\n");
  client.session.ClearOutput();
  client.Feed("250-mx.example.net\r\n250 AUTH PLAIN\r\n");
  std::string& output = client.session.output();
  std::string sent = output;
  ASSERT_THAT(sent, HasSubstr("AUTH PLAIN AHV"));
  client.session.ClearOutput();
  EXPECT_TRUE(output.empty());
  // Within its capacity, so this may be looked at: nothing of it is there any more.
  output.resize(sent.size());
  EXPECT_EQ(output.find("AHV"), std::string::npos);
}

TEST(ClientAuth, WhatComesWithTheReplyToEhloEndsTheSession) {
  Client client;
  client.session.UseAuth(Known("user", "sesame"));
  client.session.Secured(true);
  client.Feed("220 mx.example.net ESMTP\r\n");
  client.TakeOutput();
  EXPECT_EQ(client.Feed("250-mx.example.net\r\n250 AUTH PLAIN\r\n235 2.7.0 welcome\r\n"),
            "failed ");
  EXPECT_EQ(client.TakeOutput(), "");
  EXPECT_FALSE(client.session.auth_refused());
}

TEST(ClientAuth, WhoseTroubleARefusalIs) {
  for (auto [reply, ours] : std::vector<std::pair<const char*, bool>>{{"535 5.7.8 no", true},
                                                                      {"534 5.7.9 no", true},
                                                                      {"538 5.7.11 no", true},
                                                                      {"504 5.5.4 no", true},
                                                                      {"432 4.7.12 no", true},
                                                                      {"454 4.7.0 no", false},
                                                                      {"421 4.3.2 no", false}}) {
    Client client;
    client.session.UseAuth(Known("user", "sesame"));
    client.session.Secured(true);
    client.Greet({"AUTH PLAIN"});
    EXPECT_EQ(client.Feed(std::string(reply) + "\r\n"), "failed ") << reply;
    EXPECT_EQ(client.session.auth_refused(), ours) << reply;
    EXPECT_EQ(client.session.failure().code, std::stoi(reply));
  }
}

}  // namespace
}  // namespace ringpost::smtp
