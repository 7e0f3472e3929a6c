// What domains ask for of TLS with their mail exchangers, over the simulated network: MTA-STS,
// DANE, and REQUIRETLS; and what reports hear of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "gateway/session/tls_outcomes.h"
#include "gateway/smtp/base64.h"
#include "tests/unit/session/dispatcher_rig.h"
#include "tests/unit/session/scripted_dns.h"

namespace ringpost::session {
namespace {

using mail::TlsPolicyType;
using mail::TlsResult;
using ::testing::HasSubstr;

// Of the first certificate in a PEM text.
std::string Der(const std::string& pem) {
  size_t begin = pem.find("-----\n") + 6, end = pem.find("-----END");
  std::string text = pem.substr(begin, end - begin);
  std::erase(text, '\n');
  std::string bytes;
  EXPECT_TRUE(smtp::DecodeBase64(text, &bytes));
  return bytes;
}

std::shared_ptr<const tls::ClientContext> ClientThatTrusts(const std::string& authority,
                                                           bool verify) {
  std::string path = ::testing::TempDir() + "/ringpost-authority-XXXXXX";
  int fd = mkstemp(path.data());
  EXPECT_EQ(write(fd, authority.data(), authority.size()), static_cast<ssize_t>(authority.size()));
  close(fd);
  auto client = tls::MakeClient(verify, path);
  unlink(path.c_str());
  return client;
}

class DispatcherPolicies : public ::testing::Test {
 protected:
  DispatcherPolicies() {
    pem = tls::MakeSelfSigned({"mx1.example"}, tls::KeyKind::kEcdsa, tls::kNow, 30);
    trusted = tls::MakeServer({*tls::Certificate::Parse(pem.chain, pem.key, {}, tls::kNow)});
    rig.region.mail_lookup = &dns;
    rig.region.tls_any = ClientThatTrusts(pem.chain, false);
    rig.region.tls_verified = ClientThatTrusts(pem.chain, true);
    rig.region.tls_outcomes = &outcomes;
    dns.hosts = {{"mx1.example", "192.0.2.1"}, {"mx2.example", "192.0.2.2"}};
    dns.Has("one.example", {{10, "mx1.example"}, {20, "mx2.example"}});
    first.tls = second.tls = trusted;
    delivery::Route route;
    route.domain = "*";
    route.by_mx = true;
    rig.RouteTo(route);
  }
  ~DispatcherPolicies() override { rig.region.tls_outcomes = nullptr; }

  void Policy(dns::StsMode mode, std::vector<std::string> mx, const char* domain = "one.example") {
    auto held = std::make_shared<HeldStsPolicy>();
    held->domain = domain;
    held->policy = {mode, std::move(mx), 86'400};
    dns.policies[domain] = {StsVerdict::Outcome::kPolicy, held, StsFailure::kNone, ""};
  }
  // The domain's MX records are signed, and `host` has these.
  void Tlsa(const std::string& host, dns::TlsaSet::Outcome outcome, std::string certificate = "") {
    dns.domains["one.example"].secure = true;
    dns::TlsaSet set;
    set.outcome = outcome;
    if (outcome == dns::TlsaSet::Outcome::kUsable) {
      auto policy = std::make_shared<DanePolicy>();
      policy->base_domain = host;
      policy->names = {host};
      policy->records = {{3, 0, 0, std::move(certificate)}};
      set.policy = policy;
      set.base_domain = host;
    }
    dns.tlsa[host] = set;
  }
  void NoTlsaElsewhere() { dns.tlsa["mx2.example"].outcome = dns::TlsaSet::Outcome::kNone; }
  void Send(const std::string& domain = "one.example", bool require_tls = false) {
    Sent sent;
    sent.to = {"a@" + domain};
    sent.require_tls = require_tls;
    rig.Send(sent);
  }
  bool Logged(std::string_view event, size_t count = 1) {
    return rig.RunUntil([&] { return rig.log.Of(event).size() >= count; });
  }
  std::string Last(std::string_view event, std::string_view field) {
    auto lines = rig.log.Of(event);
    return lines.empty() ? "" : RecordingLog::Field(lines.back(), field);
  }
  struct Recorded {
    std::string domain;
    TlsPolicyType type = TlsPolicyType::kNoPolicyFound;
    TlsResult result = TlsResult::kSuccess;
    std::string mx;
    bool operator==(const Recorded&) const = default;
  };
  std::vector<Recorded> Outcomes() {
    std::vector<Recorded> all;
    outcomes.Take([&](const TlsOutcome& one) {
      auto type = one.policy ? one.policy->type : TlsPolicyType::kNoPolicyFound;
      all.push_back({one.domain, type, one.event.result, one.event.mx_host});
    });
    return all;
  }

  ScriptedDns dns;  // these two outlive the dispatcher
  TlsOutcomes outcomes;
  tls::PemPair pem;
  std::shared_ptr<const tls::ServerContext> trusted;
  DispatcherRig rig{1};
  ScriptedHop first{&rig.world, "192.0.2.1:25"}, second{&rig.world, "192.0.2.2:25"};
};

TEST_F(DispatcherPolicies, UnderAPolicyMailGoesToWhoProvesThatHeIsTheHost) {
  Policy(dns::StsMode::kEnforce, {"mx1.example"});
  Send();
  ASSERT_TRUE(Logged("delivered"));
  EXPECT_THAT(Last("delivered", "tls"), HasSubstr("verified"));
  EXPECT_EQ(Outcomes(), (std::vector<Recorded>{{"one.example", TlsPolicyType::kSts,
                                                TlsResult::kSuccess, "mx1.example"}}));
}

TEST_F(DispatcherPolicies, AHostThatThePolicyDoesNotNameIsNotTried) {
  Policy(dns::StsMode::kEnforce, {"mx1.example"});
  first.SetUp(false);
  Send();
  ASSERT_TRUE(Logged("deferred"));
  EXPECT_EQ(second.connections, 0);
  Policy(dns::StsMode::kEnforce, {"*.elsewhere.example"}, "two.example");
  dns.Has("two.example", {{10, "mx1.example"}});
  Send("two.example");
  ASSERT_TRUE(Logged("deferred", 2));
  EXPECT_EQ(Last("deferred", "dsn"), "4.7.5");
  EXPECT_THAT(Last("deferred", "reply"), HasSubstr("MTA-STS"));
  std::vector<Recorded> all = Outcomes();
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all.back(), (Recorded{"two.example", TlsPolicyType::kSts, TlsResult::kValidationFailure,
                                  "mx1.example"}));
}

TEST_F(DispatcherPolicies, UnderAPolicyNothingLeavesForWhoProvesNothing) {
  Policy(dns::StsMode::kEnforce, {"mx2.example"});  // whose certificate is mx1's
  Send();
  ASSERT_TRUE(Logged("deferred"));
  EXPECT_TRUE(second.messages.empty());
  EXPECT_EQ(Outcomes().at(0), (Recorded{"one.example", TlsPolicyType::kSts,
                                        TlsResult::kCertificateHostMismatch, "mx2.example"}));
  second.tls = nullptr;
  rig.RunFor(Seconds(3600));
  EXPECT_TRUE(second.messages.empty()) << "nor in clear";
  EXPECT_EQ(Outcomes().back().result, TlsResult::kStarttlsNotSupported);
}

TEST_F(DispatcherPolicies, APolicyThatIsTriedOutIsReportedAlone) {
  Policy(dns::StsMode::kTesting, {"mx1.example"});
  first.tls = nullptr;
  Send();
  ASSERT_TRUE(Logged("delivered"));
  EXPECT_EQ(first.messages.size(), 1u);
  first.SetUp(false);
  Send();
  ASSERT_TRUE(Logged("delivered", 2));
  EXPECT_EQ(second.messages.size(), 1u);
  EXPECT_EQ(Outcomes(),
            (std::vector<Recorded>{{"one.example", TlsPolicyType::kSts,
                                    TlsResult::kStarttlsNotSupported, "mx1.example"},
                                   {"one.example", TlsPolicyType::kSts,
                                    TlsResult::kCertificateHostMismatch, "mx2.example"}}));
  EXPECT_EQ(Last("tls_policy_failed", "policy"), "sts");
}

// Field lesson: one domain's policy must not hold up the mail of another at the same hosts.
TEST_F(DispatcherPolicies, APolicyIsItsDomainsAlone) {
  dns.Has("two.example", {{10, "mx1.example"}, {20, "mx2.example"}});
  Policy(dns::StsMode::kEnforce, {"*.elsewhere.example"});
  Send("one.example");
  Send("two.example");
  ASSERT_TRUE(Logged("delivered"));
  EXPECT_EQ(Last("delivered", "to"), "a@two.example");
  EXPECT_EQ(Last("deferred", "to"), "a@one.example");
}

TEST_F(DispatcherPolicies, APolicyThatIsGoneIsForgotten) {
  Policy(dns::StsMode::kEnforce, {"*.elsewhere.example"});
  Send();
  ASSERT_TRUE(Logged("deferred"));
  dns.policies.clear();
  ASSERT_TRUE(Logged("delivered"));
  EXPECT_EQ(first.messages.size(), 1u);
}

TEST_F(DispatcherPolicies, APolicyThatCannotBeHadIsReported) {
  dns.policies["one.example"] = {StsVerdict::Outcome::kFetchFailed, nullptr, StsFailure::kWebPki,
                                 "expired"};
  Send();
  ASSERT_TRUE(Logged("delivered"));
  EXPECT_EQ(Outcomes().at(0).result, TlsResult::kStsWebpkiInvalid);
  EXPECT_EQ(Last("sts_policy_not_had", "reason"), "expired");
}

TEST_F(DispatcherPolicies, UnderDaneTheCertificateIsTheOneInTheDns) {
  Tlsa("mx1.example", dns::TlsaSet::Outcome::kUsable, Der(pem.chain));
  NoTlsaElsewhere();
  Send();
  ASSERT_TRUE(Logged("delivered"));
  EXPECT_EQ(first.messages.size(), 1u);
  EXPECT_THAT(Last("delivered", "tls"), HasSubstr("verified by DANE"));
  EXPECT_EQ(Outcomes().at(0),
            (Recorded{"one.example", TlsPolicyType::kTlsa, TlsResult::kSuccess, "mx1.example"}));
}

// Neither in clear, nor where a policy of MTA-STS would let it pass (RFC 8461 section 2).
TEST_F(DispatcherPolicies, ADaneThatFailsIsFinal) {
  dns.Has("one.example", {{10, "mx1.example"}});
  Tlsa("mx1.example", dns::TlsaSet::Outcome::kUsable, "another");
  Policy(dns::StsMode::kEnforce, {"mx1.example"});
  Send();
  ASSERT_TRUE(Logged("deferred"));
  first.tls = nullptr;
  rig.RunFor(Seconds(3600));
  EXPECT_TRUE(first.messages.empty());
  std::vector<Recorded> all = Outcomes();
  EXPECT_EQ(all.front(), (Recorded{"one.example", TlsPolicyType::kTlsa,
                                   TlsResult::kCertificateNotTrusted, "mx1.example"}));
  EXPECT_EQ(all.back().result, TlsResult::kStarttlsNotSupported);
}

TEST_F(DispatcherPolicies, AnExchangerWithoutDaneIsHeldToThePolicy) {
  dns.Has("one.example", {{10, "mx1.example"}});
  Tlsa("mx1.example", dns::TlsaSet::Outcome::kNone);
  Policy(dns::StsMode::kEnforce, {"mx1.example"});
  Send();
  ASSERT_TRUE(Logged("delivered"));
  EXPECT_EQ(Outcomes().at(0).type, TlsPolicyType::kSts);
}

TEST_F(DispatcherPolicies, RecordsThatCannotBeUsedAskForTls) {
  dns.Has("one.example", {{10, "mx1.example"}});
  Tlsa("mx1.example", dns::TlsaSet::Outcome::kUnusable);
  first.tls = nullptr;
  Send();
  ASSERT_TRUE(Logged("deferred"));
  EXPECT_TRUE(first.messages.empty());
  first.tls = tls::MakeServer({tls::MakeCertificate({"anybody.example"})});
  ASSERT_TRUE(Logged("delivered"));
  EXPECT_EQ(Outcomes().back().result, TlsResult::kTlsaInvalid);
}

TEST_F(DispatcherPolicies, WhereRecordsCannotBeHadTheOtherExchangerIsTried) {
  Tlsa("mx1.example", dns::TlsaSet::Outcome::kFailure);
  NoTlsaElsewhere();
  Send();
  ASSERT_TRUE(Logged("delivered"));
  EXPECT_EQ(first.connections, 0);
  EXPECT_EQ(second.messages.size(), 1u);
  EXPECT_EQ(Outcomes().at(0).result, TlsResult::kDnssecInvalid);
}

// Whoever keeps the answer away gains nothing by it.
TEST_F(DispatcherPolicies, ThatThereWereNoRecordsIsNotBelievedFurther) {
  dns.Has("one.example", {{10, "mx1.example"}});
  Tlsa("mx1.example", dns::TlsaSet::Outcome::kNone);
  first.tls = nullptr;
  Send();
  ASSERT_TRUE(Logged("delivered"));
  dns.tlsa["mx1.example"].outcome = dns::TlsaSet::Outcome::kFailure;
  rig.RunFor(Seconds(limits::kHostAnswerSeconds + 400));  // connections have rested and gone
  Send();
  ASSERT_TRUE(Logged("deferred"));
  EXPECT_THAT(Last("deferred", "reply"), HasSubstr("TLSA"));
  EXPECT_EQ(first.messages.size(), 1u);
}

TEST_F(DispatcherPolicies, ARecordThatItWasHeldToStaysGood) {
  dns.Has("one.example", {{10, "mx1.example"}});
  Tlsa("mx1.example", dns::TlsaSet::Outcome::kUsable, Der(pem.chain));
  Send();
  ASSERT_TRUE(Logged("delivered"));
  dns.tlsa["mx1.example"] = dns::TlsaSet();
  rig.RunFor(Seconds(limits::kHostAnswerSeconds + 400));
  Send();
  ASSERT_TRUE(Logged("delivered", 2));
  EXPECT_THAT(Last("delivered", "tls"), HasSubstr("verified by DANE"));
}

TEST_F(DispatcherPolicies, DomainsWithAndWithoutDnssecShareNothing) {
  dns.Has("two.example", {{10, "mx1.example"}, {20, "mx2.example"}});
  Tlsa("mx1.example", dns::TlsaSet::Outcome::kUsable, "another");
  NoTlsaElsewhere();
  Send("one.example");
  Send("two.example");
  ASSERT_TRUE(Logged("delivered", 2));
  ASSERT_EQ(first.messages.size(), 1u) << "where DANE does not hold";
  EXPECT_EQ(first.messages[0].recipients.at(0), "a@two.example");
  EXPECT_EQ(second.messages.size(), 1u);
}

TEST_F(DispatcherPolicies, RequireTlsGoesOnlyWhereAllIsProven) {
  first.extensions.push_back("REQUIRETLS");
  dns.Has("example.com", {{10, "mx2.example"}});  // for reports
  Send("one.example", true);                      // no policy, and the MX is not signed
  ASSERT_TRUE(Logged("bounced"));
  EXPECT_EQ(Last("bounced", "dsn"), "5.7.10");
  dns.Has("two.example", {{10, "mx1.example"}});
  Policy(dns::StsMode::kEnforce, {"mx1.example"}, "two.example");
  Send("two.example", true);
  ASSERT_TRUE(Logged("delivered"));
  EXPECT_THAT(first.messages.back().from, HasSubstr("REQUIRETLS"));
  first.extensions.pop_back();
  rig.RunFor(Seconds(400));
  Send("two.example", true);
  ASSERT_TRUE(Logged("bounced", 2));
  EXPECT_EQ(Last("bounced", "dsn"), "5.7.30");
  EXPECT_EQ(first.messages.size(), 1u);
}

TEST_F(DispatcherPolicies, WithoutAPolicyWhatCameOfTlsIsReportedToo) {
  second.tls = nullptr;
  Send();
  ASSERT_TRUE(Logged("delivered"));
  first.SetUp(false);
  Send();
  ASSERT_TRUE(Logged("delivered", 2));
  EXPECT_EQ(Outcomes(), (std::vector<Recorded>{{"one.example", TlsPolicyType::kNoPolicyFound,
                                                TlsResult::kSuccess, "mx1.example"},
                                               {"one.example", TlsPolicyType::kNoPolicyFound,
                                                TlsResult::kStarttlsNotSupported, "mx2.example"}}));
}

}  // namespace
}  // namespace ringpost::session
