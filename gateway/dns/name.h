// Domain names of the DNS (RFC 1034 section 3.1), as text.
//
// In canonical form: lower case, labels joined by dots, no dot at the end; the root is "". Here a
// label has letters, digits, hyphens and underscores (RFC 8552): what we publish and ask for needs
// no more. A name that is read from a message may hold any byte; those that are none of these come
// out as "\DDD" (RFC 1035 section 5.1), so that they are like no name of ours, and harmless in a
// log.
//
// Threads: functions; any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gateway/base/ip_address.h"

namespace ringpost::dns {

// In either case, with no dot at the end; at least one label.
bool IsName(std::string_view name);
// Of letters, digits and hyphens alone, no hyphen at an end of a label (RFC 1123 section 2.1).
bool IsHostName(std::string_view name);
// In lower case and without the dot at its end.
std::string CanonicalName(std::string_view name);
// "a.b" and "b" are at or below "b". Both in canonical form; all is below the root.
bool IsAtOrBelow(std::string_view name, std::string_view zone);
// Where the PTR record of an address is: "1.2.0.192.in-addr.arpa" (RFC 1035 section 3.5), or 32
// digits and "ip6.arpa" (RFC 3596 section 2.5).
std::string ReverseName(const IpAddress& address);
// "a" and "b.c": "a.b.c".
std::string JoinNames(std::string_view below, std::string_view above);

// Length and bytes of each label and the root's zero, as a message has them. `name` is one, or "".
void AppendNameOnWire(std::string_view name, std::string* out);
// Reads the name at `*at` of a whole message, pointers followed (RFC 1035 section 4.1.4), and moves
// `*at` behind it. False: there is none.
[[nodiscard]] bool ReadName(std::string_view message, size_t* at, std::string* name);

}  // namespace ringpost::dns
