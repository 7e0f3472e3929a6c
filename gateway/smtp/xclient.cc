#include "gateway/smtp/xclient.h"

#include <algorithm>

#include "gateway/base/ip_address.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/smtp/xtext.h"

namespace ringpost::smtp {
namespace {

constexpr size_t kLoginBytesMax = limits::kPathBytesMax;

bool IsUnavailable(std::string_view value) {
  return EqualsIgnoreCase(value, "[UNAVAILABLE]") || EqualsIgnoreCase(value, "[TEMPUNAVAIL]");
}

bool IsVisible(std::string_view text, size_t bytes_max) {
  return text.size() <= bytes_max &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

// IPv6 addresses carry a tag here; it is taken off.
bool TakeAddress(std::string_view value, std::string* address) {
  constexpr std::string_view kTag = "IPV6:";
  bool tagged = StartsWithIgnoreCase(value, kTag);
  if (tagged) value.remove_prefix(kTag.size());
  bool colons = value.find(':') != std::string_view::npos;
  if (tagged != colons || !IpAddress::Parse(value)) return false;
  *address = value;
  return true;
}

bool IsPort(std::string_view value) {
  auto port = ParseDecimal(value);
  return port && *port >= 1 && *port <= 65535;
}

bool TakeAttribute(std::string_view name, std::string_view xtext, ServerSession::Xclient* xclient) {
  auto decoded = DecodeXtext(xtext, false);
  if (!decoded || decoded->empty()) return false;
  const std::string_view value = IsUnavailable(*decoded) ? std::string_view() : *decoded;
  auto is = [&](std::string_view known) { return EqualsIgnoreCase(name, known); };
  if (is("ADDR")) {
    // The unspecified address (RFC 4291 section 2.5.2): not that of the proxy, which may be
    // trusted.
    if (value.empty()) return xclient->address = "::", true;
    return TakeAddress(value, &xclient->address);
  }
  if (is("PORT")) return (value.empty() || IsPort(value)) && (xclient->port = value, true);
  if (is("NAME")) return IsVisible(value, limits::kDomainBytesMax) && (xclient->name = value, true);
  if (is("HELO")) return IsVisible(value, limits::kDomainBytesMax) && (xclient->helo = value, true);
  if (is("LOGIN")) return IsVisible(value, kLoginBytesMax) && (xclient->login = value, true);
  if (is("PROTO")) {
    bool known = EqualsIgnoreCase(value, "SMTP") || EqualsIgnoreCase(value, "ESMTP");
    return known && (xclient->protocol = value, true);
  }
  return is("DESTADDR") || is("DESTPORT");
}

}  // namespace

bool ParseXclient(std::string_view argument, ServerSession::Xclient* xclient) {
  if (argument.empty()) return false;
  ServerSession::Xclient merged = *xclient;
  while (!argument.empty()) {
    size_t end = std::min(argument.find(' '), argument.size());
    std::string_view word = argument.substr(0, end);
    argument = TrimSpace(argument.substr(end));
    size_t equals = word.find('=');
    if (equals == std::string_view::npos) return false;
    if (!TakeAttribute(word.substr(0, equals), word.substr(equals + 1), &merged)) return false;
  }
  *xclient = std::move(merged);
  return true;
}

}  // namespace ringpost::smtp
