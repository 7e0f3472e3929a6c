// Addresses and domains: the one parser for SMTP, logs, configuration and, later, the API.
//
// RFC 5321 section 4.1.2 (Path, Mailbox), RFC 6531 section 3.3 (UTF-8). Never a shell, never a lookup.
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

struct AddressRules {
  bool strict = false;     // RFC 5321 to the letter
  bool allow_utf8 = false;
};

// "local@domain" with the limits of RFC 5321 (64, 255, 256). nullopt: not an address.
std::optional<MailboxView> ParseMailbox(std::string_view text, const AddressRules& rules);
bool IsDomain(std::string_view text, bool allow_utf8);
bool IsAddressLiteral(std::string_view text);
// The domain as a routing key: ASCII lower case, no trailing dot. (Mixed U-labels are left as they are.)
std::string DomainKey(std::string_view domain);

}  // namespace ringpost::smtp
