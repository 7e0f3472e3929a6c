// AUTH as a client sees it: who is let in, who is not, and that nobody learns which names there
// are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/base/counters.h"
#include "tests/unit/session/inbound_tls_client.h"
#include "tests/unit/session/login_rig.h"

namespace ringpost::session {
namespace {

using identity::CredentialStatus;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kRight = "a right password";
constexpr std::string_view kOk = "235 2.7.0 ";
constexpr std::string_view kWrong = "535 5.7.8 The user name or the password is wrong\r\n";
constexpr std::string_view kBody = "From: a@client.example\r\nSubject: hello\r\n\r\nHello\r\n";
constexpr uint32_t kNobody = UINT32_MAX;

using Mechanism = std::string (LoginRig::*)(reactor::SimPeer&, std::string_view, std::string_view);
constexpr Mechanism kMechanisms[] = {&LoginRig::Plain, &LoginRig::Login, &LoginRig::Scram};

// Of all threads.
uint64_t Iterations() { return SpilledCount(Counter::kPasswordIterations); }

TEST(InboundLogin, RightWrongAndUnknown) {
  for (Mechanism mechanism : kMechanisms) {
    LoginRig login;
    auto say = [&](std::string_view name, std::string_view password) {
      auto client = login.rig.Greeted();
      return (login.*mechanism)(*client, name, password);
    };
    EXPECT_THAT(say("tim", kRight), StartsWith(kOk));
    EXPECT_THAT(say("TIM", kRight), StartsWith(kOk));
    EXPECT_EQ(say("tim", "a wrong password"), kWrong);
    EXPECT_EQ(say("tom", kRight), kWrong);
  }
}

TEST(InboundLogin, WhereNobodyCanBeAsked) {
  InboundRig rig;
  rig.policy().smtp.auth = smtp::Auth::kAlsoInClear;
  auto client = rig.Greeted();
  EXPECT_THAT(rig.Say(*client, LoginRig::PlainLine("tim", kRight)), StartsWith("454 4.7.0 "));
}

TEST(InboundLogin, MailGoesOnUnderTheLogin) {
  LoginRig login;
  login.rig.policy().smtp.auth_required = true;
  auto client = login.rig.Greeted();
  EXPECT_THAT(login.rig.Say(*client, "MAIL FROM:<a@client.example>"), StartsWith("530 5.7.0 "));
  EXPECT_THAT(login.Plain(*client, "Tim", kRight), StartsWith(kOk));
  EXPECT_THAT(login.rig.Send(*client, kBody), StartsWith("250 "));
  EXPECT_THAT(login.LastLine("accepted"), HasSubstr("\"login\":\"tim\""));
  EXPECT_THAT(login.LastLine("accepted"), HasSubstr("\"protocol\":\"ESMTPA\""));
}

TEST(InboundLogin, OfScramTheClientHasTheLastWord) {
  LoginRig login;
  auto client = login.rig.Greeted();
  EXPECT_THAT(login.ScramProof(*client, "tim", kRight), StartsWith("334 "));
  EXPECT_THAT(login.Say(*client, "*"), StartsWith("501 "));
  EXPECT_THAT(login.rig.Send(*client, kBody), StartsWith("250 "));
  EXPECT_THAT(login.LastLine("accepted"), Not(HasSubstr("login")));
  EXPECT_THAT(login.Scram(*client, "tim", kRight), StartsWith(kOk));
  EXPECT_THAT(login.rig.Send(*client, kBody), StartsWith("250 "));
  EXPECT_THAT(login.LastLine("accepted"), HasSubstr("\"login\":\"tim\""));
}

TEST(InboundLogin, AFailureIsLogged) {
  LoginRig login;
  auto client = login.rig.Greeted();
  login.Plain(*client, "t\xc2\x9bm", "not to be seen");
  const std::string line = login.LastLine("auth");
  EXPECT_THAT(line, HasSubstr("\"client\":\"192.0.2.9\",\"listener\":\"192.0.2.1:25\""));
  EXPECT_THAT(line, HasSubstr("\"code\":535,\"reason\":\"wrong name or password\""));
  EXPECT_THAT(line, Not(HasSubstr("seen")));
  EXPECT_EQ(login.rig.log.Count("auth"), 1u);
}

// Who has shown the password may know; nobody else.
TEST(InboundLogin, BlockedAndElsewhere) {
  for (Mechanism mechanism : kMechanisms) {
    LoginRig login(
        {{.id = 1, .name = "blocked", .password = "p1", .status = CredentialStatus::kBlocked},
         {.id = 2, .name = "suspended", .password = "p2", .suspended = true},
         {.id = 3, .name = "elsewhere", .password = "p3", .network = "198.51.100.0/24"},
         {.id = 4, .name = "here", .password = "p4", .network = "192.0.2.0/24"},
         {.id = 5, .name = "sandbox", .password = "p5", .status = CredentialStatus::kSandbox}});
    auto say = [&](std::string_view name, std::string_view password) {
      auto client = login.rig.Greeted();
      std::string reply = (login.*mechanism)(*client, name, password);
      EXPECT_EQ(login.rig.Send(*client, kBody).substr(0, 3), "250");
      bool in = login.LastLine("accepted").find("\"login\"") != std::string::npos;
      EXPECT_EQ(in, reply.starts_with(kOk)) << name;
      return reply;
    };
    EXPECT_THAT(say("blocked", "p1"), StartsWith("535 5.7.13 "));
    EXPECT_THAT(say("suspended", "p2"), StartsWith("535 5.7.13 "));
    EXPECT_THAT(say("elsewhere", "p3"), StartsWith("535 5.7.1 "));
    EXPECT_THAT(say("elsewhere", "p3"), HasSubstr("192.0.2.9"));
    EXPECT_THAT(say("here", "p4"), StartsWith(kOk));
    EXPECT_THAT(say("sandbox", "p5"), StartsWith(kOk));
    for (auto name : {"blocked", "suspended", "elsewhere"}) EXPECT_EQ(say(name, "p"), kWrong);
  }
}

TEST(InboundLogin, AUserWithoutAPassword) {
  LoginRig login({{.id = 7, .name = "tim"}});
  for (Mechanism mechanism : kMechanisms) {
    auto client = login.rig.Greeted();
    EXPECT_EQ((login.*mechanism)(*client, "tim", "x"), kWrong);
  }
}

TEST(InboundLogin, ARightPasswordIsKnownForAWhile) {
  LoginRig login;
  for (int i = 0; i < 3; ++i) {
    const uint64_t before = Iterations();
    auto client = login.rig.Greeted();
    EXPECT_THAT(login.Plain(*client, "tim", kRight), StartsWith(kOk));
    EXPECT_EQ(Iterations() - before, i == 0 ? LoginRig::kIterations : 0);
  }
  EXPECT_EQ(login.passwords.asked().size(), 1u);
  const uint64_t before = Iterations();
  auto client = login.rig.Greeted();
  EXPECT_EQ(login.Plain(*client, "tim", "a right passwore"), kWrong);
  EXPECT_EQ(Iterations() - before, LoginRig::kIterations);
}

// What the first and the following tries cost, of a wrong password and of a name that nobody has.
TEST(InboundLogin, UnknownNamesCostWhatOthersDo) {
  for (Mechanism mechanism : kMechanisms) {
    LoginRig login;
    login.passwords.Set(7, kRight, limits::kPasswordIterationsDefault);
    for (int i = 0; i < 3; ++i) {
      std::vector<uint64_t> work;
      std::vector<size_t> reads;
      for (auto name : {"tim", "tom"}) {
        auto client = login.rig.Greeted();
        const uint64_t before = Iterations();
        const size_t read = login.passwords.asked().size();
        EXPECT_EQ((login.*mechanism)(*client, name, "a wrong password"), kWrong);
        work.push_back(Iterations() - before);
        reads.push_back(login.passwords.asked().size() - read);
      }
      EXPECT_EQ(work[0], work[1]);
      EXPECT_EQ(work[0], limits::kPasswordIterationsDefault);  // SCRAM: the client's, and only that
      EXPECT_EQ(reads[0], reads[1]);
      EXPECT_EQ(reads[0], i == 0 ? 1u : 0u);
    }
    EXPECT_EQ(login.passwords.asked(), (std::vector<uint32_t>{7, kNobody}));
  }
}

TEST(InboundLogin, AnUnknownNameHasOneSalt) {
  LoginRig login;
  login.passwords.Set(7, kRight, limits::kPasswordIterationsDefault);
  auto salt = [&](std::string_view name) {
    auto client = login.rig.Greeted();
    std::string first = login.ScramFirst(*client, name);
    return first.substr(first.find(",s="));
  };
  EXPECT_EQ(salt("tom"), salt("Tom"));
  EXPECT_NE(salt("tom"), salt("ted"));
  login.ChangeDirectory();
  EXPECT_EQ(salt("tom"), salt("tom"));
  EXPECT_EQ(salt("tim").size(), salt("tom").size());
  EXPECT_THAT(salt("tom"), ::testing::EndsWith(",i=100000"));
}

TEST(InboundLogin, OurTroubleIsNoRefusal) {
  LoginRig login;
  login.passwords.Fail(MakeStatus(StatusCode::kDataLoss, "a record that does not open"));
  auto client = login.rig.Greeted();
  EXPECT_THAT(login.Plain(*client, "tim", kRight), StartsWith("454 4.7.0 "));
  EXPECT_THAT(login.LastLine("auth"), HasSubstr("a record that does not open"));
  EXPECT_THAT(login.ScramFirst(*client, "tom"), StartsWith("454 4.7.0 "));
  login.passwords.Fail(OkStatus());
  EXPECT_THAT(login.Plain(*client, "tim", kRight), StartsWith(kOk)) << "nothing was kept of it";
}

TEST(InboundLogin, GuessesHaveToWait) {
  Counters counters;
  CountersScope scope(&counters);
  for (auto name : {"tim", "tom"}) {
    LoginRig login;
    for (uint32_t i = 0; i < limits::kLoginFailuresFreePerPair; ++i) {
      auto client = login.rig.Greeted();
      EXPECT_EQ((login.*kMechanisms[i % 3])(*client, name, "a wrong password"), kWrong);
    }
    const uint64_t delayed = counters.Get(Counter::kAuthInDelayed);
    for (Mechanism mechanism : {&LoginRig::Plain, &LoginRig::Scram}) {
      auto client = login.rig.Greeted();
      EXPECT_THAT((login.*mechanism)(*client, name, kRight), StartsWith("454 4.7.0 "));
    }
    EXPECT_THAT(login.LastLine("auth"), HasSubstr("too soon"));
    EXPECT_EQ(counters.Get(Counter::kAuthInDelayed) - delayed, 2u);
    auto elsewhere = login.rig.Greeted("192.0.2.77");
    const bool there = std::string_view(name) == "tim";
    EXPECT_THAT(login.Plain(*elsewhere, name, kRight), StartsWith(there ? kOk : kWrong));
    login.rig.RunFor(Seconds(limits::kLoginDelaySecondsFirst));
    auto client = login.rig.Greeted();
    EXPECT_THAT(login.Plain(*client, name, kRight), StartsWith(there ? kOk : kWrong));
  }
}

// The cache would otherwise answer guesses without delay.
TEST(InboundLogin, WhatIsKnownWaitsToo) {
  LoginRig login;
  auto first = login.rig.Greeted();
  EXPECT_THAT(login.Plain(*first, "tim", kRight), StartsWith(kOk));
  for (uint32_t i = 0; i < limits::kLoginFailuresFreePerPair; ++i) {
    auto client = login.rig.Greeted();
    EXPECT_EQ(login.Plain(*client, "tim", "a wrong password"), kWrong);
  }
  auto client = login.rig.Greeted();
  EXPECT_THAT(login.Plain(*client, "tim", kRight), StartsWith("454 4.7.0 "));
}

TEST(InboundLogin, Counted) {
  Counters counters;
  CountersScope scope(&counters);
  LoginRig login(
      {{.id = 1, .name = "blocked", .password = "p1", .status = CredentialStatus::kBlocked},
       {.id = 7, .name = "tim", .password = std::string(kRight)}});
  for (Mechanism mechanism : kMechanisms) {
    for (auto name : {"tim", "tom", "blocked"}) {
      auto client = login.rig.Greeted();
      (login.*mechanism)(*client, name, name[0] == 'b' ? "p1" : kRight);
    }
  }
  EXPECT_EQ(counters.Get(Counter::kAuthIn), 9u);
  EXPECT_EQ(counters.Get(Counter::kAuthInRefused), 6u);
  EXPECT_EQ(counters.Get(Counter::kAuthInDelayed), 0u);
  EXPECT_EQ(counters.Get(Counter::kAuthInBusy), 0u);
}

TEST(InboundLogin, XclientForgets) {
  for (auto said :
       {"XCLIENT ADDR=192.0.2.66", "XCLIENT ADDR=192.0.2.5", "XCLIENT NAME=x.example"}) {
    LoginRig login;
    login.rig.policy().smtp_xclient = login.rig.policy().smtp;
    login.rig.policy().smtp_xclient.xclient = true;
    auto balancers = std::make_shared<identity::NetworkList>();
    balancers->Add(*IpNetwork::Parse("192.0.2.5"));
    login.rig.policy().xclient_peers = balancers;
    auto client = login.rig.Greeted("192.0.2.5");
    EXPECT_THAT(login.Plain(*client, "tim", kRight), StartsWith(kOk));
    EXPECT_THAT(login.Say(*client, said), StartsWith("220 "));
    login.Say(*client, "EHLO c.example");
    EXPECT_THAT(login.rig.Send(*client, kBody), StartsWith("250 "));
    EXPECT_THAT(login.LastLine("accepted"), Not(HasSubstr("login")));
    EXPECT_THAT(login.Plain(*client, "tim", kRight), StartsWith(kOk)) << "it may log in again";
    EXPECT_THAT(login.rig.Send(*client, kBody), StartsWith("250 "));
    EXPECT_THAT(login.LastLine("accepted"), HasSubstr("\"login\":\"tim\""));
  }
}

TEST(InboundLogin, AfterXclientTheClientIsAnother) {
  LoginRig login({{.id = 7, .name = "tim", .password = "p", .network = "192.0.2.66"}});
  login.rig.policy().smtp_xclient = login.rig.policy().smtp;
  login.rig.policy().smtp_xclient.xclient = true;
  auto balancers = std::make_shared<identity::NetworkList>();
  balancers->Add(*IpNetwork::Parse("192.0.2.5"));
  login.rig.policy().xclient_peers = balancers;
  auto client = login.rig.Greeted("192.0.2.5");
  EXPECT_THAT(login.Plain(*client, "tim", "p"), StartsWith("535 5.7.1 "));
  EXPECT_THAT(login.Say(*client, "XCLIENT ADDR=192.0.2.66"), StartsWith("220 "));
  EXPECT_THAT(login.Plain(*client, "tim", "p"), StartsWith(kOk));
}

TEST(InboundLogin, StartTlsForgets) {
  LoginRig login;
  OfferStartTls(&login.rig);
  TlsClient client(&login.rig);
  client.ClearReply();
  client.Clear("EHLO client.example");
  EXPECT_THAT(login.Plain(client.peer(), "tim", kRight), StartsWith(kOk));
  EXPECT_THAT(client.Clear("STARTTLS"), StartsWith("220 "));
  ASSERT_TRUE(client.Secure());
  EXPECT_THAT(client.Say("EHLO client.example"), HasSubstr("AUTH PLAIN"));
  EXPECT_THAT(client.SendMail(kBody), StartsWith("250 "));
  EXPECT_THAT(login.LastLine("accepted"), Not(HasSubstr("login")));
}

}  // namespace
}  // namespace ringpost::session
