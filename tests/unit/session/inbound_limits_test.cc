// How much a client may send: quotas and rates as it sees them, and what is counted of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/session/login_rig.h"

namespace ringpost::session {
namespace {

using identity::QuotaTable;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kBody = "From: a@client.example\r\nSubject: hello\r\n\r\nHello\r\n";
constexpr std::string_view kForged = "From: a@other.example\r\nSubject: hello\r\n\r\nHello\r\n";
constexpr uint32_t kTim = 7;

LoginUser TimWith(uint32_t daily, uint32_t monthly = 0,
                  identity::CredentialStatus status = identity::CredentialStatus::kAllowed) {
  LoginUser user = LoginRig::Tim().front();
  user.settings.daily_quota = daily;
  user.settings.monthly_quota = monthly;
  user.status = status;
  return user;
}

struct Quotas {
  explicit Quotas(const LoginUser& user) : login({user}) { client = LoggedIn(); }
  std::unique_ptr<reactor::SimPeer> LoggedIn() {
    auto peer = login.rig.Greeted();
    EXPECT_THAT(login.Plain(*peer, "tim", "a right password"), StartsWith("235 "));
    return peer;
  }
  std::string Say(std::string_view line) { return login.rig.Say(*client, line); }
  std::string Mail() { return Say("MAIL FROM:<a@client.example>"); }
  std::string Rcpt() { return Say("RCPT TO:<b@example.net>"); }
  uint32_t Used() {
    return login.rig.shared.quotas
        .UseOf(QuotaTable::Kind::kCredential, kTim, login.rig.io.wall_now())
        .day;
  }
  LoginRig login;
  std::unique_ptr<reactor::SimPeer> client;
};

TEST(InboundLimits, AQuotaIsOfRecipients) {
  Quotas quotas(TimWith(2));
  EXPECT_THAT(quotas.Mail(), StartsWith("250 "));
  EXPECT_THAT(quotas.Rcpt(), StartsWith("250 "));
  EXPECT_THAT(quotas.Rcpt(), StartsWith("250 "));
  std::string refused = quotas.Rcpt();
  EXPECT_THAT(refused, StartsWith("450 4.7.1 The daily quota of this credential, 2 recipients, is "
                                  "used up. It begins anew on "));
  EXPECT_THAT(refused, HasSubstr(" at 00:00 UTC. Try again then"));
  EXPECT_THAT(quotas.Say("DATA"), StartsWith("354 "));
  EXPECT_THAT(quotas.Say(std::string(kBody) + "."), StartsWith("250 "));
  EXPECT_EQ(quotas.Used(), 2u);
  EXPECT_EQ(quotas.login.rig.shared.outcomes.Of(kTim, quotas.login.rig.io.wall_now()).accepted, 2u);
  EXPECT_THAT(quotas.Mail(), StartsWith("250 "));
  EXPECT_THAT(quotas.Rcpt(), StartsWith("450 4.7.1 "));
}

TEST(InboundLimits, AMonthsQuotaIsSaidAsOne) {
  Quotas quotas(TimWith(5, 1));
  quotas.Mail();
  EXPECT_THAT(quotas.Rcpt(), StartsWith("250 "));
  EXPECT_THAT(quotas.Rcpt(), StartsWith("450 4.7.1 The monthly quota of this credential, 1 "));
}

TEST(InboundLimits, WhatIsNotAcceptedIsGivenBack) {
  Quotas quotas(TimWith(1));
  for (const char* ends : {"RSET", "EHLO client.example"}) {
    quotas.Mail();
    EXPECT_THAT(quotas.Rcpt(), StartsWith("250 ")) << ends;
    auto other = quotas.LoggedIn();
    quotas.login.rig.Say(*other, "MAIL FROM:<a@client.example>");
    EXPECT_THAT(quotas.login.rig.Say(*other, "RCPT TO:<b@example.net>"), StartsWith("450 "))
        << ends;
    EXPECT_THAT(quotas.Say(ends), StartsWith("250"));
    EXPECT_THAT(quotas.login.rig.Say(*other, "RCPT TO:<b@example.net>"), StartsWith("250 "))
        << ends;
    EXPECT_THAT(quotas.login.rig.Say(*other, "RSET"), StartsWith("250 "));
  }
  // Refused at the end of data.
  quotas.Mail();
  EXPECT_THAT(quotas.Rcpt(), StartsWith("250 "));
  EXPECT_THAT(quotas.Say("DATA"), StartsWith("354 "));
  EXPECT_THAT(quotas.Say(std::string(kForged) + "."), StartsWith("550 "));
  auto other = quotas.LoggedIn();
  quotas.login.rig.Say(*other, "MAIL FROM:<a@client.example>");
  EXPECT_THAT(quotas.login.rig.Say(*other, "RCPT TO:<b@example.net>"), StartsWith("250 "));
  // The connection is lost.
  other->Close();
  quotas.login.Run();
  quotas.Mail();
  EXPECT_THAT(quotas.Rcpt(), StartsWith("250 "));
  EXPECT_EQ(quotas.Used(), 0u);
}

TEST(InboundLimits, ANewAccountRamps) {
  LoginUser user = TimWith(5);
  user.ramp = {2, 14, identity::UtcDay(WallFromMillis(0))};
  Quotas quotas(user);
  user.ramp.begins = identity::UtcDay(quotas.login.rig.io.wall_now());
  quotas.login.SetUsers({user});
  quotas.Mail();
  EXPECT_THAT(quotas.Rcpt(), StartsWith("250 "));
  EXPECT_THAT(quotas.Rcpt(), StartsWith("250 "));
  EXPECT_THAT(quotas.Rcpt(), StartsWith("450 4.7.1 This account is new: its limit of today, 2 "));
  EXPECT_THAT(quotas.Say("DATA"), StartsWith("354 "));
  EXPECT_THAT(quotas.Say(std::string(kBody) + "."), StartsWith("250 "));
  EXPECT_EQ(quotas.Used(), 2u);  // what the ramp refused is not the credential's
  --user.ramp.begins;            // its second day
  quotas.login.SetUsers({user});
  quotas.Mail();
  EXPECT_THAT(quotas.Rcpt(), StartsWith("250 "));
  EXPECT_THAT(quotas.Rcpt(), StartsWith("250 "));
  EXPECT_THAT(quotas.Rcpt(), StartsWith("450 4.7.1 This account is new: its limit of today, 4 "));
  user.ramp.begins -= 14;
  quotas.login.SetUsers({user});
  EXPECT_THAT(quotas.Say("RSET"), StartsWith("250 "));
  quotas.Mail();
  for (int i = 0; i < 3; ++i) EXPECT_THAT(quotas.Rcpt(), StartsWith("250 "));
  EXPECT_THAT(quotas.Rcpt(), StartsWith("450 4.7.1 The daily quota"));
}

TEST(InboundLimits, TheSandboxCountsToQuotasAndNotForTheBrake) {
  Quotas quotas(TimWith(1, 0, identity::CredentialStatus::kSandbox));
  EXPECT_THAT(quotas.login.rig.Send(*quotas.client, kBody), StartsWith("250 "));
  EXPECT_EQ(quotas.Used(), 1u);
  EXPECT_EQ(quotas.login.rig.shared.outcomes.Of(kTim, quotas.login.rig.io.wall_now()).accepted, 0u);
  quotas.Mail();
  EXPECT_THAT(quotas.Rcpt(), StartsWith("450 4.7.1 "));
}

TEST(InboundLimits, AListenersRateIsForAllWhoComeByIt) {
  LoginRig login;
  login.rig.policy().rate = {2, Seconds(3600)};
  login.rig.policy().rate_id = 99;
  auto client = login.rig.Greeted();  // on no list but the operator's
  EXPECT_THAT(login.rig.Send(*client, kBody), StartsWith("250 "));
  auto other = login.rig.Greeted();
  EXPECT_THAT(login.Plain(*other, "tim", "a right password"), StartsWith("235 "));
  EXPECT_THAT(login.rig.Send(*other, kBody), StartsWith("250 "));
  EXPECT_THAT(login.rig.Say(*other, "MAIL FROM:<a@client.example>"),
              StartsWith("450 4.7.1 Too many messages by this listener for its rate limit. Try "
                         "again in 1800 seconds"));
  EXPECT_THAT(login.rig.Say(*client, "MAIL FROM:<a@client.example>"), StartsWith("450 4.7.1 "));
}

// What the credential's rate refuses is not taken of the listener's.
TEST(InboundLimits, TheListenersRateIsGivenBack) {
  LoginUser user = LoginRig::Tim().front();
  user.settings.rate = {1, Seconds(3600)};
  LoginRig login({user});
  login.rig.policy().rate = {2, Seconds(3600)};
  auto client = login.rig.Greeted();
  EXPECT_THAT(login.Plain(*client, "tim", "a right password"), StartsWith("235 "));
  EXPECT_THAT(login.rig.Send(*client, kBody), StartsWith("250 "));
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(login.rig.Say(*client, "MAIL FROM:<a@client.example>"),
                HasSubstr("of this credential"));
  }
  auto other = login.rig.Greeted();
  EXPECT_THAT(login.rig.Say(*other, "MAIL FROM:<a@client.example>"), StartsWith("250 "));
}

}  // namespace
}  // namespace ringpost::session
