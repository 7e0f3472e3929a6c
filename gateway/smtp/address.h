// Addresses and domains: the one parser for SMTP, logs, configuration and, later, the API.
//
// RFC 5321 section 4.1.2 (Path, Mailbox), RFC 6531 section 3.3 (UTF-8). Never a shell, never a
// lookup.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringpost::smtp {

struct MailboxView {
  std::string_view local_part;  // as written, quotes included
  std::string_view domain;      // as written; an address literal with its brackets
};

// Strict is RFC 5321 to the letter. Otherwise what is met in practice passes too: dots that lead,
// trail or double in the local part, and in the domain an underscore, a hyphen at either end of a
// label, a final dot.
struct AddressRules {
  bool strict = false;
  bool allow_utf8 = false;  // RFC 6531; whole UTF-8 only
};

// "local@domain" with the limits of RFC 5321 section 4.5.3.1 (64, 255, and 256 for the path, which
// counts its angle brackets). nullopt: not an address. No control character passes in either mode.
std::optional<MailboxView> ParseMailbox(std::string_view text, const AddressRules& rules);

// RFC 5321's Domain; with `allow_utf8` its labels may be U-labels (only checked to be whole UTF-8).
bool IsDomain(std::string_view text, bool allow_utf8);
// [192.0.2.1] or [IPv6:2001:db8::1]: the two kinds of address literal that mean something.
bool IsAddressLiteral(std::string_view text);
// The domain as a routing key: ASCII lower case, no trailing dot. (Mixed U-labels are left as they
// are.)
std::string DomainKey(std::string_view domain);

}  // namespace ringpost::smtp
