// tls_outcomes CONTROL_STORE DOMAIN DAYS_AGO: records what sessions with the domain's exchangers
// came to on that day, as shards do, and saves it where the gateway finds it when it starts.
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "gateway/app/console_log.h"
#include "gateway/app/tls_report_book.h"

namespace ringpost {
namespace {

void Record(session::TlsOutcomes* outcomes, const std::string& domain, WallTime at) {
  auto sts = std::make_shared<mail::TlsPolicy>();
  sts->type = mail::TlsPolicyType::kSts;
  sts->strings = {"version: STSv1", "mode: enforce", "mx: *." + domain, "max_age: 86400"};
  sts->mx_hosts = {"*." + domain};
  auto tlsa = std::make_shared<mail::TlsPolicy>();
  tlsa->type = mail::TlsPolicyType::kTlsa;
  tlsa->domain = "mx1." + domain;
  tlsa->strings = {"3 1 1 1F850A337E6DB9C609C522D136A475638CC43E1ED424F8EEC8513D747D1D085D"};
  mail::TlsEvent expired{.result = mail::TlsResult::kCertificateExpired,
                         .sending_address = IpAddress::Parse("192.0.2.1"),
                         .receiving_address = IpAddress::Parse("2001:db8::25"),
                         .mx_host = "mx1." + domain,
                         .helo = "mx1",
                         .reason = "certificate has expired"};
  for (int i = 0; i < 3; ++i) outcomes->Record({domain, sts, {}, at});
  for (int i = 0; i < 2; ++i) outcomes->Record({domain, sts, expired, at});
  outcomes->Record({domain, tlsa, {}, at});
}

int Run(const char* store_path, const std::string& domain, int days_ago) {
  auto store = storage::ControlStore::Open(store_path, nullptr);
  if (!store.ok()) {
    std::fprintf(stderr, "%s\n", std::string(MessageOf(store.status())).c_str());
    return 1;
  }
  app::ConsoleLog log;
  app::TlsReportBook book(store->get(), &log);
  WallTime now = ReadWallClock();
  book.Load(now);
  Record(book.outcomes(), domain, now - Seconds(86'400) * days_ago);
  book.Take();
  book.Save(now);
  return book.lost() == 0 ? 0 : 1;
}

}  // namespace
}  // namespace ringpost

int main(int argc, char** argv) {
  if (argc == 4) return ringpost::Run(argv[1], argv[2], std::atoi(argv[3]));
  std::fprintf(stderr, "usage: tls_outcomes CONTROL_STORE DOMAIN DAYS_AGO\n");
  return 2;
}
