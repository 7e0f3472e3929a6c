// Reports on TLS (RFC 8460): what a shard pays to record an outcome, what summing one costs, and
// what a report does.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/mail/tls_report.h"
#include "gateway/mail/tls_report_record.h"
#include "gateway/session/tls_outcomes.h"

namespace ringpost {
namespace {

constexpr WallTime kMidnight = WallTime(Millis(1'795'824'000'000));

mail::TlsPolicy Policy() {
  mail::TlsPolicy policy;
  policy.type = mail::TlsPolicyType::kSts;
  policy.strings = {"version: STSv1", "mode: enforce", "mx: *.mail.company-y.example",
                    "max_age: 86400"};
  policy.mx_hosts = {"*.mail.company-y.example"};
  return policy;
}

mail::TlsEvent Failure(int64_t number) {
  mail::TlsEvent event;
  event.result = mail::TlsResult::kCertificateExpired;
  event.receiving_address = IpAddress::Parse("192.0.2.25");
  event.mx_host = "mx" + std::to_string(number) + ".mail.company-y.example";
  event.reason = "certificate has expired";
  return event;
}

void BM_TlsOutcomeRecord(benchmark::State& state) {
  session::TlsOutcomes outcomes;
  auto policy = std::make_shared<const mail::TlsPolicy>(Policy());
  size_t waiting = 0;
  for (auto _ : state) {
    outcomes.Record({"company-y.example", policy, {}, kMidnight});
    if (++waiting < 10'000) continue;
    waiting = 0;
    state.PauseTiming();
    outcomes.Take([](const session::TlsOutcome&) {});
    state.ResumeTiming();
  }
  RP_CHECK(outcomes.lost() == 0);
}
BENCHMARK(BM_TlsOutcomeRecord);

void BM_TlsOutcomeSum(benchmark::State& state) {
  mail::TlsDay day;
  const mail::TlsPolicy policy = Policy();
  std::vector<std::string> domains;
  for (int i = 0; i < 10'000; ++i) domains.push_back("c" + std::to_string(i) + ".example");
  size_t next = 0;
  for (auto _ : state) {
    RP_CHECK(day.Add(domains[next], &policy, {}));
    next = (next + 1) % domains.size();
  }
}
BENCHMARK(BM_TlsOutcomeSum);

// With as many kinds of failure.
void BM_TlsReportBuild(benchmark::State& state) {
  mail::TlsDay day;
  const mail::TlsPolicy policy = Policy();
  for (int64_t i = 0; i < state.range(0); ++i) day.Add("company-y.example", &policy, Failure(i));
  day.Add("company-y.example", &policy, {});
  mail::TlsReportInput input{.organization = "Company-X",
                             .contact = "tls@company-x.example",
                             .submitter = "company-x.example",
                             .hostname = "mx1.company-x.example",
                             .domain = "company-y.example",
                             .begin = kMidnight,
                             .end = kMidnight + Seconds(86'400),
                             .sums = day.Find("company-y.example")};
  for (auto _ : state) {
    mail::TlsReport report = mail::BuildTlsReport(input);
    std::string compressed = mail::Gzip(report.json);
    benchmark::DoNotOptimize(mail::BuildTlsReportMail({.report = &report,
                                                       .compressed = compressed,
                                                       .from = "tls@company-x.example",
                                                       .to = "tls@company-y.example",
                                                       .submitter = input.submitter,
                                                       .hostname = input.hostname,
                                                       .domain = input.domain,
                                                       .now = kMidnight}));
  }
}
BENCHMARK(BM_TlsReportBuild)->Arg(0)->Arg(32)->Unit(benchmark::kMicrosecond);

void BM_TlsReportRecord(benchmark::State& state) {
  const std::vector<std::string> texts = {
      "v=TLSRPTv1; rua=mailto:reports@company-y.example,https://reports.company-y.example/v1"};
  for (auto _ : state) {
    mail::TlsReportRecord record = mail::ReadTlsReportRecord(texts);
    RP_CHECK(record.targets.size() == 2);
    benchmark::DoNotOptimize(record);
  }
}
BENCHMARK(BM_TlsReportRecord);

}  // namespace
}  // namespace ringpost
