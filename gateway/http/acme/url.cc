#include "gateway/http/acme/url.h"

#include <algorithm>

#include "gateway/base/ip_address.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::acme {
namespace {

bool IsHostText(std::string_view host) {
  return !host.empty() && host.size() <= limits::kDomainBytesMax &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return IsAlpha(c) || IsDigit(c) || c == '-' || c == '.' || c == '_';
         });
}

// Without its port, which is taken into `port`; nothing where that is wrong.
std::optional<std::string_view> WithoutPort(std::string_view authority, uint16_t* port) {
  size_t colon = authority.rfind(':');
  size_t bracket = authority.rfind(']');
  bool none =
      colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket);
  if (none) return authority;
  auto number = ParseDecimal(authority.substr(colon + 1));
  if (!number || *number == 0 || *number > UINT16_MAX) return std::nullopt;
  *port = static_cast<uint16_t>(*number);
  return authority.substr(0, colon);
}

}  // namespace

std::optional<Url> ParseUrl(std::string_view text) {
  bool visible = std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!visible || text.size() > limits::kAcmeUrlBytesMax ||
      !StartsWithIgnoreCase(text, "https://") || text.find('#') != std::string_view::npos) {
    return std::nullopt;
  }
  text.remove_prefix(8);
  size_t end = std::min(text.find_first_of("/?"), text.size());
  Url url;
  url.authority = std::string(text.substr(0, end));
  auto host = WithoutPort(url.authority, &url.port);
  if (!host) return std::nullopt;
  if (host->starts_with('[') && host->ends_with(']')) {
    std::string_view inside = host->substr(1, host->size() - 2);
    if (inside.find(':') == std::string_view::npos || !IpAddress::Parse(inside)) {
      return std::nullopt;
    }
    url.host = std::string(inside);
  } else {
    if (!IsHostText(*host)) return std::nullopt;
    url.host = ToLower(*host);
  }
  url.target = std::string(text.substr(end));
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

}  // namespace ringpost::acme
