#include "gateway/smtp/address.h"

#include <array>

#include "gateway/base/ip_address.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::smtp {
namespace {

constexpr size_t kLabelBytesMax = 63;  // RFC 1035 section 2.3.4

constexpr std::array<bool, 256> MakeAtext() {
  std::array<bool, 256> atext{};
  for (char c = 'a'; c <= 'z'; ++c) atext[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) atext[static_cast<unsigned char>(c)] = true;
  for (char c = '0'; c <= '9'; ++c) atext[static_cast<unsigned char>(c)] = true;
  for (char c : std::string_view("!#$%&'*+-/=?^_`{|}~"))
    atext[static_cast<unsigned char>(c)] = true;
  return atext;
}
constexpr std::array<bool, 256> kAtext = MakeAtext();  // RFC 5322 section 3.2.3

bool IsHigh(char c) { return static_cast<unsigned char>(c) >= 0x80; }

// Dot-string = Atom *("." Atom). Returns its length, 0 where none begins `text`.
size_t DotStringLength(std::string_view text, const AddressRules& rules) {
  size_t at = 0;
  bool after_dot = true;
  for (; at < text.size(); ++at) {
    char c = text[at];
    if (c == '.') {
      if (after_dot && rules.strict) return 0;
      after_dot = true;
    } else if (kAtext[static_cast<unsigned char>(c)] || (rules.allow_utf8 && IsHigh(c))) {
      after_dot = false;
    } else {
      break;
    }
  }
  return after_dot && rules.strict ? 0 : at;
}

// Quoted-string = DQUOTE *QcontentSMTP DQUOTE. Returns its length with both quotes, 0 where it is
// not one.
size_t QuotedStringLength(std::string_view text, bool allow_utf8) {
  for (size_t at = 1; at < text.size(); ++at) {
    char c = text[at];
    if (c == '"') return at + 1;
    if (c == '\\') {
      // quoted-pairSMTP = "\" %d32-126: never a byte above, not even with UTF-8.
      ++at;
      if (at == text.size() || text[at] < 0x20 || text[at] > 0x7E) return 0;
    } else if (!(c >= 0x20 && c <= 0x7E) && !(allow_utf8 && IsHigh(c))) {
      return 0;
    }
  }
  return 0;
}

bool IsLabelByte(char c, bool lenient, bool allow_utf8) {
  return IsAlpha(c) || IsDigit(c) || c == '-' || (lenient && c == '_') || (allow_utf8 && IsHigh(c));
}

bool CheckDomain(std::string_view text, bool lenient, bool allow_utf8) {
  if (text.size() > limits::kDomainBytesMax) return false;
  if (lenient && text.ends_with('.')) text.remove_suffix(1);
  if (text.empty()) return false;
  size_t label_start = 0;
  bool high = false;
  for (size_t at = 0; at <= text.size(); ++at) {
    if (at < text.size() && text[at] != '.') {
      if (!IsLabelByte(text[at], lenient, allow_utf8)) return false;
      high |= IsHigh(text[at]);
      continue;
    }
    size_t size = at - label_start;
    if (size == 0 || size > kLabelBytesMax) return false;
    if (!lenient && (text[label_start] == '-' || text[at - 1] == '-')) return false;
    label_start = at + 1;
  }
  return !high || IsUtf8(text);
}

}  // namespace

std::optional<MailboxView> ParseMailbox(std::string_view text, const AddressRules& rules) {
  if (text.empty() || text.size() + 2 > limits::kPathBytesMax) return std::nullopt;
  size_t local =
      text[0] == '"' ? QuotedStringLength(text, rules.allow_utf8) : DotStringLength(text, rules);
  if (local == 0 || local > limits::kLocalPartBytesMax) return std::nullopt;
  if (local >= text.size() || text[local] != '@') return std::nullopt;
  MailboxView mailbox{text.substr(0, local), text.substr(local + 1)};
  if (rules.allow_utf8 && !IsUtf8(mailbox.local_part)) return std::nullopt;
  bool domain = mailbox.domain.starts_with('[')
                    ? IsAddressLiteral(mailbox.domain)
                    : CheckDomain(mailbox.domain, !rules.strict, rules.allow_utf8);
  if (!domain) return std::nullopt;
  return mailbox;
}

bool IsDomain(std::string_view text, bool allow_utf8) {
  return CheckDomain(text, /*lenient=*/false, allow_utf8);
}

bool IsAddressLiteral(std::string_view text) {
  if (text.size() < 3 || text.front() != '[' || text.back() != ']') return false;
  text = text.substr(1, text.size() - 2);
  constexpr std::string_view kTag = "IPv6:";
  bool tagged = StartsWithIgnoreCase(text, kTag);
  if (tagged) text.remove_prefix(kTag.size());
  // Decided by its look, since an IPv4-mapped IPv6 address is an IPv6 address here.
  bool colons = text.find(':') != std::string_view::npos;
  return tagged == colons && IpAddress::Parse(text).has_value();
}

std::string DomainKey(std::string_view domain) {
  if (domain.ends_with('.')) domain.remove_suffix(1);
  return ToLower(domain);
}

}  // namespace ringpost::smtp
