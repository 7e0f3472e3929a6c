// Which hosts take a domain's mail, by the answer to the question for its MX records (RFC 5321
// section 5.1, RFC 7505, RFC 2181 section 10.3).
//
// It knows names alone: their addresses, and whether a host has one at all, are found out by who
// connects. That the target of an MX is an alias (which RFC 2181 section 10.3 forbids) cannot be
// seen here, and is let pass. Hosts of one preference stay in the order of the answer; RFC 5321 has
// the sender turn them.
//
// A failure says nothing of the domain: it is no reason to give mail back.
//
// Threads: values and functions; any.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gateway/dns/answer.h"

namespace ringpost::dns {

struct Exchanger {
  uint16_t preference = 0;  // the lowest is tried first
  std::string host;         // canonical (name.h), and a host name

  auto operator<=>(const Exchanger&) const = default;
};

struct Exchangers {
  enum class Outcome : uint8_t {
    kHosts,     // there are some
    kNullMx,    // the domain takes no mail (RFC 7505)
    kNoDomain,  // NXDOMAIN
    kLoop,      // we ourselves are the best one: whoever is left is worse than we are
    kNoHost,    // every MX names something that is no host
    // Nothing is known:
    kServfail,
    kTimeout,
    kBogus,
    kMalformed,
  };

  Outcome outcome = Outcome::kServfail;
  std::vector<Exchanger> hosts;  // by preference, each once; of kHosts alone
  bool implicit = false;         // there is no MX, so the domain itself is the host
  bool secure = false;           // the answer was validated, absence too
  uint32_t ttl_seconds = 0;      // for which it may be kept
  std::string words;             // why there are no hosts

  // The DNS has said so, and would say so again.
  bool known() const { return outcome <= Outcome::kNoHost; }
};

// `mx` answers a question for MX records; aliases of the domain are followed in it already. Hosts
// of `own_names` (in either case, with a dot at the end or without) are we ourselves; they and
// whoever has the same or a higher number are left out. Of more than limits::kExchangersMax the
// best stay.
Exchangers ReadExchangers(const Answer& mx, std::span<const std::string> own_names);

}  // namespace ringpost::dns
