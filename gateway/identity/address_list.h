// AddressList: a restrict list: whom a credential may send as, or to ([allow], [block], or off).
//
// An entry is an address ("user@example.com"), a domain ("example.com": its addresses, not those of
// its sub-domains) or a domain with all below it ("*.example.com": and not itself, as everywhere
// here; give both where both are meant). Domains are compared in their canonical form
// (smtp/idna.h), local parts without regard to ASCII case and to quotes that are not needed: a list
// that "Bob@" went around would be none.
//
// Threads: immutable once made; any.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/status.h"

namespace ringpost::identity {

enum class ListMode : uint8_t { kOff, kAllow, kBlock };

// An address as lists see it.
struct ListedAddress {
  // Of "local@domain". Not `known`: it has no canonical form, as a name without a domain has none;
  // no allow list allows that, and every block list blocks it.
  static ListedAddress From(std::string_view address);

  std::string local_part;
  std::string domain;
  bool known = false;
};

// An entry in canonical form, as the key of a list: "example.com@user", "example.com",
// "*example.com". Nothing: it is no entry.
std::optional<std::string> ListKey(std::string_view entry);
// The entry of a key, as it is written.
std::string ListEntry(std::string_view key);
// Calls `each` with the keys of the entries that list `address`, which is known: itself, its
// domain, all above it; until it says false.
void ForEachListKey(const ListedAddress& address,
                    absl::FunctionRef<bool(std::string_view key)> each);

class AddressList {
 public:
  // INVALID_ARGUMENT: an entry that is none, in words that name it. The same entry twice is one.
  // RESOURCE_EXHAUSTED: more than limits::kListEntriesMax.
  static StatusOr<AddressList> Make(ListMode mode, const std::vector<std::string>& entries);
  AddressList() = default;  // off

  bool Allows(const ListedAddress& address) const;
  ListMode mode() const { return mode_; }
  size_t size() const { return starts_.size(); }
  size_t bytes() const { return text_.capacity() + starts_.capacity() * sizeof(uint32_t); }

 private:
  bool Has(std::string_view key) const;
  bool Lists(const ListedAddress& address) const;
  std::string_view Key(size_t index) const;

  ListMode mode_ = ListMode::kOff;
  // The keys, sorted, one behind the other: a list of 10,000 is two blocks of memory.
  std::string text_;
  std::vector<uint32_t> starts_;
};

}  // namespace ringpost::identity
