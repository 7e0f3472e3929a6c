// The addresses of a host that a stranger's MX names, from what the DNS says of it, in the order in
// which to try them: IPv6 and IPv4 in turn, IPv6 first (as RFC 8305 section 4 has it), so that a
// family that does not work costs one attempt and not all of them.
//
// Threads: values and functions; any.
#pragma once

#include <string>
#include <vector>

#include "gateway/base/ip_address.h"
#include "gateway/delivery/target_addresses.h"
#include "gateway/dns/answer.h"

namespace ringpost::session {

struct HostAddresses {
  std::vector<IpAddress> addresses;  // each once, limits::kAddressesPerHopMax of them
  std::string error;                 // in words, where there are none
  bool no_address = false;           // the DNS says so, of both families
};

// Of the answers to AAAA and A. What `targets` refuses is left out, and named in the error where
// nothing is left. One family's failure is no error while the other has addresses.
HostAddresses ReadHostAddresses(const dns::Answer& v6, const dns::Answer& v4,
                                const delivery::TargetAddresses& targets);

}  // namespace ringpost::session
