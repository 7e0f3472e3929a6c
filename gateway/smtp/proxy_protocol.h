// The PROXY protocol, versions 1 and 2 (haproxy's proxy-protocol.txt), sans-IO. From listed peers
// only: that is the caller's to check.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "gateway/base/ip_address.h"

namespace ringpost::smtp {

struct ProxyHeader {
  enum class State { kNeedMore, kParsed, kMalformed } state = State::kNeedMore;
  size_t consumed_bytes = 0;       // when parsed
  std::optional<Endpoint> source;  // none for LOCAL and UNKNOWN: the real peer stands
  std::optional<Endpoint> destination;
};

// `bytes` is all that has come of the connection so far; at most 536 bytes are looked at.
ProxyHeader ParseProxyHeader(std::string_view bytes);

}  // namespace ringpost::smtp
