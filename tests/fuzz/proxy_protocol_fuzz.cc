// The PROXY protocol: what a header is does not depend on how much of it, or of what follows, has
// come.
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/smtp/proxy_protocol.h"

namespace ringpost::smtp {
namespace {

using State = ProxyHeader::State;

void Check(std::string_view bytes) {
  const ProxyHeader whole = ParseProxyHeader(bytes);
  if (whole.state == State::kNeedMore) RP_CHECK(bytes.size() < limits::kProxyHeaderBytesMax);
  if (whole.state != State::kParsed) {
    RP_CHECK(whole.consumed_bytes == 0 && !whole.source && !whole.destination);
  } else {
    RP_CHECK(whole.consumed_bytes > 0 && whole.consumed_bytes <= bytes.size());
    RP_CHECK(whole.consumed_bytes <= limits::kProxyHeaderBytesMax);
    RP_CHECK(whole.source.has_value() == whole.destination.has_value());
  }
  bool decided = false;
  for (size_t size = 0; size <= bytes.size() && size <= 600; ++size) {
    const std::string copy(bytes.substr(0, size));  // so that ASan sees its end
    const ProxyHeader part = ParseProxyHeader(copy);
    if (decided) RP_CHECK(part.state == whole.state);
    decided |= part.state != State::kNeedMore;
    if (part.state != State::kParsed) continue;
    RP_CHECK(size >= part.consumed_bytes && part.consumed_bytes == whole.consumed_bytes);
    RP_CHECK(part.source == whole.source && part.destination == whole.destination);
  }
}

}  // namespace
}  // namespace ringpost::smtp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ringpost::smtp::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
