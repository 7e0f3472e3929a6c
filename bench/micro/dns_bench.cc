// What the DNS room and sender domains cost: an answer read, a domain's MX made of it, a host's
// TLSA records, a policy of MTA-STS, a zone file per domain, a domain's record from and to JSON, a
// return path made and verified.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/dns/answer.h"
#include "gateway/dns/dane_lookup.h"
#include "gateway/dns/exchangers.h"
#include "gateway/dns/message.h"
#include "gateway/dns/mta_sts.h"
#include "gateway/dns/name.h"
#include "gateway/dns/zone_file.h"
#include "gateway/identity/sender_domain.h"
#include "gateway/identity/sender_domain_json.h"
#include "gateway/mail/return_path.h"

namespace ringpost {
namespace {

const WallTime kNow = WallFromMillis(1'764'000'000'000);

std::string KeyText() { return "v=DKIM1; k=rsa; p=" + std::string(392, 'A'); }

void AppendRecord(const dns::Record& record, std::string* message) {
  std::string data;
  dns::AppendRecordData(record, &data);
  dns::AppendNameOnWire(record.owner, message);
  dns::AppendU16(static_cast<uint16_t>(record.type), message);
  dns::AppendU16(dns::kClassIn, message);
  dns::AppendU32(record.ttl_seconds, message);
  dns::AppendU16(static_cast<uint16_t>(data.size()), message);
  *message += data;
}

// An alias and the key behind it: what a check reads four times a domain.
void BM_DnsReadAnswer(benchmark::State& state) {
  const dns::Question question{"k3x5qwoatj._domainkey.customer.example", dns::RecordType::kTxt};
  const std::string target = "ab2cd3ef4gh5i.dkim.gw.example";
  std::string message;
  for (uint16_t word : {0x1234, 0x8180, 1, 2, 0, 0}) dns::AppendU16(word, &message);
  dns::AppendNameOnWire(question.name, &message);
  dns::AppendU16(static_cast<uint16_t>(question.type), &message);
  dns::AppendU16(dns::kClassIn, &message);
  AppendRecord({question.name, dns::RecordType::kCname, 60, 0, target}, &message);
  AppendRecord({target, dns::RecordType::kTxt, 60, 0, KeyText()}, &message);
  for (auto _ : state) {
    dns::Answer answer = dns::ReadAnswer(question, message);
    RP_CHECK(answer.records.size() == 1);
    benchmark::DoNotOptimize(answer);
  }
}
BENCHMARK(BM_DnsReadAnswer);

// So many MX of a domain, the worst first; five are what big domains have, 512 what a message may.
void BM_DnsReadExchangers(benchmark::State& state) {
  const std::vector<std::string> own_names = {"mx1.gw.example", "mx2.gw.example"};
  dns::Answer answer;
  answer.question = {"customer.example", dns::RecordType::kMx};
  answer.outcome = dns::Answer::Outcome::kRecords;
  for (int64_t i = state.range(0); i > 0; --i) {
    answer.records.push_back({answer.question.name, dns::RecordType::kMx, 300,
                              static_cast<uint16_t>(10 * i),
                              "mx" + std::to_string(i) + ".customer.example"});
  }
  for (auto _ : state) {
    dns::Exchangers found = dns::ReadExchangers(answer, own_names);
    RP_CHECK(!found.hosts.empty());
    benchmark::DoNotOptimize(found);
  }
}
BENCHMARK(BM_DnsReadExchangers)->Arg(1)->Arg(5)->Arg(512);

// A host's TLSA records, from its addresses on: so many of them, by an alias that is secure.
void BM_DnsDaneLookup(benchmark::State& state) {
  const std::string host = "mx.customer.example", end = "mx.hoster.example";
  auto answer = [&](const dns::Question& question) {
    dns::Answer made;
    made.question = question;
    made.outcome = dns::Answer::Outcome::kRecords;
    made.security = dns::Answer::Security::kSecure;
    return made;
  };
  dns::Answer a = answer({host, dns::RecordType::kA});
  a.aliases = {{host, end}};
  a.records = {{end, dns::RecordType::kA, 300, 0, "192.0.2.1"}};
  const dns::Answer aaaa = dns::FailedAnswer({host, dns::RecordType::kAaaa}, "no answer");
  dns::Answer tlsa = answer({"_25._tcp." + end, dns::RecordType::kTlsa});
  for (int64_t i = 0; i < state.range(0); ++i) {
    tlsa.records.push_back({tlsa.question.name, dns::RecordType::kTlsa, 300, 0,
                            "\3\1\1" + std::string(32, static_cast<char>(i))});
  }
  for (auto _ : state) {
    dns::DaneLookup lookup({host, 25, {"customer.example"}}, a, aaaa);
    RP_CHECK(lookup.next() != nullptr);
    lookup.Take(tlsa);
    RP_CHECK(lookup.found().policy != nullptr);
    benchmark::DoNotOptimize(lookup);
  }
}
BENCHMARK(BM_DnsDaneLookup)->Arg(1)->Arg(2)->Arg(512);

// A policy of so many hosts, read and asked about one; ten are what the biggest have.
void BM_DnsReadStsPolicy(benchmark::State& state) {
  std::string body = "version: STSv1\r\nmode: enforce\r\nmax_age: 604800\r\n";
  for (int64_t i = 0; i < state.range(0); ++i) {
    body += "mx: *.mx" + std::to_string(i) + ".provider.example\r\n";
  }
  for (auto _ : state) {
    StatusOr<dns::StsPolicy> policy = dns::ParseStsPolicy(body);
    RP_CHECK(policy.ok() && policy->Allows("a.mx0.provider.example"));
    benchmark::DoNotOptimize(*policy);
  }
}
BENCHMARK(BM_DnsReadStsPolicy)->Arg(1)->Arg(10)->Arg(200);

// The operator's zone of so many domains, whole.
void BM_DnsZoneFile(benchmark::State& state) {
  dns::ZoneHead head;
  head.zone = "gw.example";
  head.primary = "ns1.gw.example";
  head.mailbox = "hostmaster.gw.example";
  head.name_servers = {"ns1.gw.example"};
  std::vector<dns::Record> records;
  for (int64_t i = 0; i < state.range(0); ++i) {
    identity::SenderDomain domain =
        *identity::NewSenderDomain("c" + std::to_string(i) + ".example", 1, false, kNow);
    for (size_t slot = 0; slot < 2; ++slot) domain.slots[slot].state = identity::KeyState::kWaiting;
    std::vector<std::string> keys(2, KeyText());
    for (dns::Record& record : identity::ZoneRecords(domain, "gw.example", keys,
                                                     {{{10, "mx.example"}}, "v=spf1 -all"}, 300)) {
      records.push_back(std::move(record));
    }
  }
  for (auto _ : state) {
    StatusOr<std::string> text = dns::WriteZoneFile(head, records);
    RP_CHECK(text.ok());
    benchmark::DoNotOptimize(*text);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_DnsZoneFile)->Arg(10'000)->Unit(benchmark::kMillisecond);

void BM_SenderDomainJson(benchmark::State& state) {
  const identity::SenderDomain domain =
      *identity::NewSenderDomain("customer.example", 1, true, kNow);
  for (auto _ : state) {
    StatusOr<identity::SenderDomain> read =
        identity::SenderDomainFromJson(identity::SenderDomainToJson(domain));
    RP_CHECK(read.ok());
    benchmark::DoNotOptimize(*read);
  }
}
BENCHMARK(BM_SenderDomainJson);

constexpr std::string_view kReturnPathName = "rp7x.example.com";

void BM_ReturnPathMake(benchmark::State& state) {
  const tls::Key secret = tls::Key::Random();
  const mail::ReturnPathKey key{0, &secret};
  for (auto _ : state)
    benchmark::DoNotOptimize(mail::MakeReturnPath(key, kReturnPathName, MessageId{}, kNow));
}
BENCHMARK(BM_ReturnPathMake);

void BM_ReturnPathVerify(benchmark::State& state) {
  const tls::Key secret = tls::Key::Random();
  const mail::ReturnPathKey key{0, &secret};
  const std::string local_part = mail::MakeReturnPath(key, kReturnPathName, MessageId{}, kNow);
  for (auto _ : state) {
    mail::ReturnPathResult result =
        mail::VerifyReturnPath(local_part, kReturnPathName, {&key, 1}, kNow);
    RP_CHECK(result.verdict == mail::ReturnPathVerdict::kValid);
    benchmark::DoNotOptimize(result);
  }
}
BENCHMARK(BM_ReturnPathVerify);

}  // namespace
}  // namespace ringpost
