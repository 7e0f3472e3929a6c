#include "gateway/mail/tls_sums.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "gateway/mail/tls_report_limits.h"

namespace ringpost::mail {
namespace {

using testing::ElementsAre;

TlsPolicy Sts() {
  TlsPolicy policy;
  policy.type = TlsPolicyType::kSts;
  policy.strings = {"version: STSv1", "mode: testing", "mx: *.mail.b.example", "max_age: 86400"};
  policy.mx_hosts = {"*.mail.b.example"};
  return policy;
}

TlsEvent Expired(const char* receiving = "192.0.2.25") {
  TlsEvent event;
  event.result = TlsResult::kCertificateExpired;
  event.sending_address = IpAddress::Parse("2001:db8::1");
  event.receiving_address = IpAddress::Parse(receiving);
  event.mx_host = "mx1.mail.b.example";
  event.helo = "mx1";
  event.reason = "X509_V_ERR_CERT_HAS_EXPIRED";
  return event;
}

TEST(TlsSumsTest, NamesAreThoseOfTheStandardAndLeadBack) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(TlsResult::kStsWebpkiInvalid); ++i) {
    auto result = static_cast<TlsResult>(i);
    EXPECT_EQ(TlsResultOf(NameOf(result)), result);
    names.insert(NameOf(result));
  }
  EXPECT_EQ(names.size(), 12u);
  EXPECT_EQ(NameOf(TlsResult::kStarttlsNotSupported), "starttls-not-supported");
  EXPECT_EQ(NameOf(TlsResult::kStsWebpkiInvalid), "sts-webpki-invalid");
  for (auto type : {TlsPolicyType::kTlsa, TlsPolicyType::kSts, TlsPolicyType::kNoPolicyFound}) {
    EXPECT_EQ(TlsPolicyTypeOf(NameOf(type)), type);
  }
  EXPECT_FALSE(TlsResultOf("fine"));
  EXPECT_FALSE(TlsPolicyTypeOf(""));
}

TEST(TlsSumsTest, SessionsAreCountedByDomainPolicyAndKind) {
  TlsDay day;
  TlsPolicy sts = Sts(), tlsa;
  tlsa.type = TlsPolicyType::kTlsa;
  tlsa.domain = "mx1.mail.b.example";
  tlsa.strings = {"3 1 1 00"};
  EXPECT_TRUE(day.Add("B.example.", &sts, {}));
  EXPECT_TRUE(day.Add("b.example", &sts, {}));
  EXPECT_TRUE(day.Add("b.example", &sts, Expired()));
  EXPECT_TRUE(day.Add("b.example", &sts, Expired()));
  EXPECT_TRUE(day.Add("b.example", &sts, Expired("192.0.2.26")));
  EXPECT_TRUE(day.Add("b.example", &tlsa, {}));
  EXPECT_TRUE(day.Add("c.example", nullptr, {.result = TlsResult::kStarttlsNotSupported}));
  EXPECT_EQ(day.domains(), 2u);
  const TlsPolicySums* sums = day.Find("b.EXAMPLE");
  ASSERT_TRUE(sums);
  ASSERT_EQ(sums->size(), 2u);
  EXPECT_EQ((*sums)[0].policy.domain, "b.example");
  EXPECT_EQ((*sums)[0].successful, 2u);
  EXPECT_EQ((*sums)[0].failed, 3u);
  EXPECT_THAT((*sums)[0].failures,
              ElementsAre(TlsFailureSum{Expired(), 2}, TlsFailureSum{Expired("192.0.2.26"), 1}));
  EXPECT_EQ((*sums)[1].policy, tlsa);
  EXPECT_EQ((*sums)[1].successful, 1u);
  EXPECT_TRUE((*sums)[1].failures.empty());
  const TlsPolicySum& none = day.Find("c.example")->at(0);
  EXPECT_EQ(none.policy.type, TlsPolicyType::kNoPolicyFound);
  EXPECT_EQ(none.policy.domain, "c.example");
  EXPECT_EQ(none.failed, 1u);
  EXPECT_EQ(day.Find("d.example"), nullptr);
}

TEST(TlsSumsTest, WhatStrangersSaidIsMadePrintableAndStillOneKind) {
  TlsDay day;
  TlsPolicy policy = Sts();
  policy.strings[1] = "mode:\x1b[31m\xff";
  TlsEvent event = Expired();
  event.helo = "a\r\nb\x80";
  event.reason = std::string(5000, 'x');
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(day.Add("b.example", &policy, event));
  const TlsPolicySums& sums = *day.Find("b.example");
  ASSERT_EQ(sums.size(), 1u);
  EXPECT_EQ(sums[0].policy.strings[1], "mode:?[31m?");
  ASSERT_EQ(sums[0].failures.size(), 1u);
  EXPECT_EQ(sums[0].failures[0].sessions, 3u);
  EXPECT_EQ(sums[0].failures[0].event.helo, "a??b?");
  EXPECT_EQ(sums[0].failures[0].event.reason.size(), limits::kTlsReasonBytesMax);
}

TEST(TlsSumsTest, KindsBeyondTheBoundAreSummedByResult) {
  TlsDay day;
  const int kMore = 200;
  for (int i = 0; i < kMore; ++i) {
    TlsEvent event = Expired();
    event.helo = std::to_string(i);
    EXPECT_TRUE(day.Add("b.example", nullptr, event));
  }
  EXPECT_TRUE(day.Add("b.example", nullptr, {.result = TlsResult::kDaneRequired}));
  const TlsPolicySum& sum = day.Find("b.example")->at(0);
  EXPECT_EQ(sum.failed, kMore + 1u);
  ASSERT_EQ(sum.failures.size(), limits::kTlsFailuresPerPolicyMax + 2);
  const TlsFailureSum& rest = sum.failures[limits::kTlsFailuresPerPolicyMax];
  EXPECT_EQ(rest.event, TlsEvent{.result = TlsResult::kCertificateExpired});
  EXPECT_EQ(rest.sessions, kMore - limits::kTlsFailuresPerPolicyMax);
  uint64_t all = 0;
  for (const TlsFailureSum& failure : sum.failures) all += failure.sessions;
  EXPECT_EQ(all, sum.failed);
}

TEST(TlsSumsTest, PoliciesAndBytesOfADomainAreBounded) {
  TlsDay day;
  TlsPolicy policy = Sts();
  size_t counted = 0;
  for (int i = 0; i < 100; ++i) {
    policy.strings[0] = std::to_string(i);
    counted += day.Add("b.example", &policy, {});
  }
  EXPECT_EQ(counted, limits::kTlsPoliciesPerDomainMax);
  policy.strings[0] = "5";
  EXPECT_TRUE(day.Add("b.example", &policy, {})) << "one that is there";
  policy.strings.assign(1000, std::string(10'000, 'y'));
  counted = 0;
  for (int i = 0; i < 10; ++i) {
    policy.strings[0] = std::to_string(i);
    counted += day.Add("c.example", &policy, {});
  }
  EXPECT_EQ(counted, 1u);
  std::string text = TlsSumsToText(*day.Find("c.example"));
  EXPECT_LT(text.size(), limits::kTlsBytesPerDomainMax);
}

TEST(TlsSumsTest, DomainsOfADayAreBounded) {
  TlsDay day;
  for (size_t i = 0; i < limits::kTlsDomainsPerDayMax; ++i) {
    ASSERT_TRUE(day.Add(std::to_string(i) + ".example", nullptr, {}));
  }
  EXPECT_FALSE(day.Add("one.more.example", nullptr, {}));
  EXPECT_FALSE(day.Put("one.more.example", {}));
  EXPECT_TRUE(day.Add("7.example", nullptr, {}));
  EXPECT_FALSE(day.Add("", nullptr, {}));
}

TEST(TlsSumsTest, ChangesAreTakenOnceAndComeBackWhereTheyCouldNotBeSaved) {
  TlsDay day;
  day.Add("a.example", nullptr, {});
  day.Add("b.example", nullptr, {});
  day.Add("a.example", nullptr, {});
  std::vector<std::string> one = day.TakeChanged(1);
  ASSERT_EQ(one.size(), 1u);
  std::vector<std::string> rest = day.TakeChanged(10);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_NE(one, rest);
  EXPECT_TRUE(day.TakeChanged(10).empty());
  day.Unsaved(one);
  EXPECT_EQ(day.TakeChanged(10), one);
  day.Add(rest[0], nullptr, {});
  EXPECT_EQ(day.TakeChanged(10), rest);
}

TEST(TlsSumsTest, TextLeadsBack) {
  TlsDay day;
  TlsPolicy sts = Sts();
  day.Add("b.example", &sts, Expired());
  day.Add("b.example", &sts, {});
  day.Add("b.example", nullptr, {.result = TlsResult::kStarttlsNotSupported});
  const TlsPolicySums& sums = *day.Find("b.example");
  auto read = TlsSumsFromText(TlsSumsToText(sums));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, sums);
  TlsDay loaded;
  EXPECT_TRUE(loaded.Put("b.example", *read));
  EXPECT_FALSE(loaded.Put("b.example", *read)) << "it is there already";
  EXPECT_TRUE(loaded.TakeChanged(9).empty()) << "the store has it";
  loaded.Add("b.example", &sts, Expired());
  EXPECT_EQ(loaded.Find("b.example")->at(0).failures[0].sessions, 2u);
}

TEST(TlsSumsTest, TextThatIsNoneIsNothing) {
  for (
      const char* text :
      {"", "{}", "[1]", "[{}]", R"([{"type":"x","domain":"b","successful":1,"failed":0}])",
       R"([{"type":"sts","domain":"","successful":1,"failed":0}])",
       R"([{"type":"sts","domain":"b","successful":-1,"failed":0}])",
       R"([{"type":"sts","domain":"b","successful":1}])",
       R"([{"type":"sts","domain":"b","successful":1,"failed":0,"strings":[1]}])",
       R"([{"type":"sts","domain":"b","successful":1,"failed":0,"strings":"x"}])",
       R"([{"type":"sts","domain":"b","successful":1,"failed":1,"failures":[{"result":"success","sessions":1}]}])",
       R"([{"type":"sts","domain":"b","successful":1,"failed":1,"failures":[{"result":"dane-required","sessions":1,"to":"x"}]}])"}) {
    EXPECT_FALSE(TlsSumsFromText(text)) << text;
  }
  EXPECT_TRUE(TlsSumsFromText("[]"));
  EXPECT_TRUE(TlsSumsFromText(R"([{"type":"sts","domain":"b","successful":1,"failed":0}])"));
}

}  // namespace
}  // namespace ringpost::mail
