// MX records of hostile servers: the input is a message. Whatever comes of it are hosts by name, in
// order, each once, not too many, and none of them we ourselves.
#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/base/ip_address.h"
#include "gateway/dns/dns_limits.h"
#include "gateway/dns/exchangers.h"
#include "gateway/dns/message.h"
#include "gateway/dns/name.h"

namespace ringpost::dns {
namespace {

using Outcome = Exchangers::Outcome;

const std::vector<std::string> kOwn = {"MX1.Ours.example.", "b.example"};

bool IsOurs(const std::string& host) { return host == "mx1.ours.example" || host == "b.example"; }

void CheckHosts(const Exchangers& found) {
  RP_CHECK(found.hosts.size() <= limits::kExchangersMax);
  std::set<std::string> names;
  for (const Exchanger& one : found.hosts) {
    RP_CHECK(IsHostName(one.host) && CanonicalName(one.host) == one.host);
    RP_CHECK(!IpAddress::Parse(one.host) && !IsOurs(one.host));
    RP_CHECK(names.insert(one.host).second);
  }
  RP_CHECK(std::is_sorted(
      found.hosts.begin(), found.hosts.end(),
      [](const Exchanger& a, const Exchanger& b) { return a.preference < b.preference; }));
}

// Nobody who is left is as bad as we are, or worse, nor worse than another that was left out.
void CheckAgainst(const Answer& answer, const Exchangers& found) {
  if (found.outcome != Outcome::kHosts) return;
  uint16_t worst = found.hosts.back().preference;
  for (const Record& record : answer.records) {
    if (IsOurs(record.value)) RP_CHECK(worst < record.preference);
  }
  if (found.implicit) RP_CHECK(found.hosts.size() == 1 && answer.records.empty());
  for (const Exchanger& one : found.hosts) {
    for (const Record& record : answer.records) {
      if (record.value == one.host) RP_CHECK(record.preference >= one.preference);
    }
  }
}

}  // namespace
}  // namespace ringpost::dns

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringpost::dns;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Message message;
  Question question{"a.example", RecordType::kMx};
  // What it says that it answers, so that its records are looked at.
  if (ReadMessage(bytes, &message) && !message.questions.empty()) {
    question.name = message.questions[0].name;
  }
  Answer answer = ReadAnswer(question, bytes);
  Exchangers found = ReadExchangers(answer, kOwn);
  RP_CHECK((found.outcome == Exchangers::Outcome::kHosts) == !found.hosts.empty());
  RP_CHECK(found.hosts.empty() == !found.words.empty());
  RP_CHECK(found.known() == answer.known());
  RP_CHECK(found.ttl_seconds >= limits::kExchangersTtlMin &&
           found.ttl_seconds <= limits::kExchangersTtlMax);
  CheckHosts(found);
  CheckAgainst(answer, found);
  return 0;
}
