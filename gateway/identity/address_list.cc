#include "gateway/identity/address_list.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/smtp/address.h"
#include "gateway/smtp/idna.h"

namespace ringpost::identity {
namespace {

constexpr smtp::AddressRules kRules{.strict = false, .allow_utf8 = true};

// Keys of what an entry can be; '@' and '*' stand in no domain.
std::string AddressKey(const ListedAddress& address) {
  return address.domain + "@" + address.local_part;
}
std::string BelowKey(std::string_view domain) { return "*" + std::string(domain); }

// RFC 5321 section 4.1.2: "\"bob\"@" is "bob@".
std::string CanonicalLocalPart(std::string_view text) {
  if (!text.starts_with('"')) return ToLower(text);
  std::string plain;
  for (size_t at = 1; at + 1 < text.size(); ++at) {
    if (text[at] == '\\') ++at;
    plain.push_back(AsciiLower(text[at]));
  }
  return plain;
}

}  // namespace

ListedAddress ListedAddress::From(std::string_view address) {
  ListedAddress listed;
  auto mailbox = smtp::ParseMailbox(address, kRules);
  if (!mailbox) return listed;
  auto domain = smtp::CanonicalDomain(mailbox->domain);
  if (!domain) return listed;
  listed.local_part = CanonicalLocalPart(mailbox->local_part);
  listed.domain = std::move(*domain);
  listed.known = true;
  return listed;
}

std::optional<std::string> ListKey(std::string_view entry) {
  if (entry.starts_with("*@")) return std::nullopt;  // an address too, and never meant as one
  if (entry.find('@') != std::string_view::npos) {
    ListedAddress address = ListedAddress::From(entry);
    if (!address.known) return std::nullopt;
    return AddressKey(address);
  }
  bool below = entry.starts_with("*.");
  if (below) entry.remove_prefix(2);
  auto domain = smtp::CanonicalDomain(entry);
  bool good = domain && (domain->starts_with('[') ? !below && smtp::IsAddressLiteral(*domain)
                                                  : smtp::IsDomain(*domain, false));
  if (!good) return std::nullopt;
  return below ? BelowKey(*domain) : *domain;
}

std::string ListEntry(std::string_view key) {
  if (key.starts_with('*')) return "*." + std::string(key.substr(1));
  size_t at = key.find('@');
  if (at == std::string_view::npos) return std::string(key);
  std::string_view domain = key.substr(0, at), local = key.substr(at + 1);
  std::string plain = std::string(local) + "@" + std::string(domain);
  if (ListKey(plain) == key) return plain;
  std::string quoted = "\"";
  for (char c : local) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  return quoted + "\"@" + std::string(domain);
}

void ForEachListKey(const ListedAddress& address,
                    absl::FunctionRef<bool(std::string_view key)> each) {
  if (!each(AddressKey(address)) || !each(address.domain)) return;
  // "*sub.example.com" becomes "*example.com" in its own bytes.
  std::string below = "*" + address.domain;
  for (size_t dot = below.find('.'); dot != std::string::npos; dot = below.find('.', dot + 1)) {
    below[dot] = '*';
    if (!each(std::string_view(below).substr(dot))) return;
  }
}

StatusOr<AddressList> AddressList::Make(ListMode mode, const std::vector<std::string>& entries) {
  if (entries.size() > limits::kListEntriesMax) {
    return MakeStatus(
        StatusCode::kResourceExhausted,
        "a restrict list has at most " + std::to_string(limits::kListEntriesMax) + " entries");
  }
  std::vector<std::string> keys;
  keys.reserve(entries.size());
  for (const std::string& entry : entries) {
    auto key = ListKey(TrimSpace(entry));
    if (!key) {
      return MakeStatus(StatusCode::kInvalidArgument,
                        "a restrict list takes \"user@example.com\", \"example.com\" or "
                        "\"*.example.com\" (all below it), not \"" +
                            Printable(entry, limits::kPathBytesMax) + "\"");
    }
    keys.push_back(std::move(*key));
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  AddressList list;
  list.mode_ = mode;
  size_t bytes = 0;
  for (const std::string& key : keys) bytes += key.size();
  list.text_.reserve(bytes);
  list.starts_.reserve(keys.size());
  for (const std::string& key : keys) {
    list.starts_.push_back(static_cast<uint32_t>(list.text_.size()));
    list.text_ += key;
  }
  return list;
}

std::string_view AddressList::Key(size_t index) const {
  size_t end = index + 1 < starts_.size() ? starts_[index + 1] : text_.size();
  return std::string_view(text_).substr(starts_[index], end - starts_[index]);
}

bool AddressList::Has(std::string_view key) const {
  size_t low = 0, high = starts_.size();
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (Key(middle) < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < starts_.size() && Key(low) == key;
}

bool AddressList::Lists(const ListedAddress& address) const {
  if (starts_.empty()) return false;
  bool listed = false;
  ForEachListKey(address, [&](std::string_view key) {
    listed = Has(key);
    return !listed;
  });
  return listed;
}

bool AddressList::Allows(const ListedAddress& address) const {
  switch (mode_) {
    case ListMode::kOff:
      return true;
    case ListMode::kAllow:
      return address.known && Lists(address);
    case ListMode::kBlock:
      return address.known && !Lists(address);
  }
  return false;
}

}  // namespace ringpost::identity
