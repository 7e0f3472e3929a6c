// Https URLs as ACME servers give them (RFC 3986, RFC 9110 section 4.2.2), as far as they are
// followed: "https://", a host name or an address, perhaps a port, a path, perhaps a query. No user
// information, no fragment, nothing but visible ASCII, at most limits::kAcmeUrlBytesMax.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringpost::acme {

struct Url {
  std::string host;  // an IPv6 address without its brackets
  uint16_t port = 443;
  std::string target;     // "/path?query"
  std::string authority;  // as given: what the Host header field says
};

std::optional<Url> ParseUrl(std::string_view text);

}  // namespace ringpost::acme
