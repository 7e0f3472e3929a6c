#include "gateway/session/host_addresses.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "gateway/base/limits.h"

namespace ringpost::session {
namespace {

// Those that may be connected to. `refused` gets words of the first that may not.
std::vector<IpAddress> Usable(const dns::Answer& answer, const delivery::TargetAddresses& targets,
                              std::string* refused) {
  std::vector<IpAddress> usable;
  for (const dns::Record& record : answer.records) {
    std::optional<IpAddress> address = IpAddress::Parse(record.value);
    if (!address) continue;
    std::string_view why = targets.WhyNot(*address);
    if (why.empty()) {
      usable.push_back(*address);
    } else if (refused->empty()) {
      *refused = address->ToString() + " is " + std::string(why) + ", to which no mail is sent";
    }
  }
  return usable;
}

std::vector<IpAddress> InTurn(const std::vector<IpAddress>& v6, const std::vector<IpAddress>& v4) {
  std::vector<IpAddress> all;
  for (size_t i = 0; i < std::max(v6.size(), v4.size()); ++i) {
    for (const auto* family : {&v6, &v4}) {
      if (all.size() == limits::kAddressesPerHopMax) return all;
      if (i >= family->size()) continue;
      if (std::find(all.begin(), all.end(), (*family)[i]) == all.end()) {
        all.push_back((*family)[i]);
      }
    }
  }
  return all;
}

std::string FailureWords(const dns::Answer& answer) {
  if (answer.failure != dns::Answer::Failure::kBogus) return answer.words;
  return "the answer is bogus (DNSSEC): " + answer.words;
}

// Why there are no addresses: what was refused, and what is not known.
std::string Why(const dns::Answer& v6, const dns::Answer& v4, std::string refused) {
  std::string why = std::move(refused);
  for (const dns::Answer* answer : {&v4, &v6}) {
    if (answer->known()) continue;
    std::string words = FailureWords(*answer);
    if (why.find(words) == why.npos) why += (why.empty() ? "" : "; ") + words;
  }
  if (!why.empty()) return why;
  return v4.outcome == dns::Answer::Outcome::kNoName ? "there is no such name"
                                                     : "the name has no address";
}

}  // namespace

HostAddresses ReadHostAddresses(const dns::Answer& v6, const dns::Answer& v4,
                                const delivery::TargetAddresses& targets) {
  HostAddresses found;
  std::string refused;
  std::vector<IpAddress> of_v6 = Usable(v6, targets, &refused);
  found.addresses = InTurn(of_v6, Usable(v4, targets, &refused));
  if (!found.addresses.empty()) return found;
  found.no_address = v6.known() && v4.known() && refused.empty();
  found.error = Why(v6, v4, std::move(refused));
  return found;
}

}  // namespace ringpost::session
