// DomainPatterns: what is said of domains by name ("example.com"), of all below one
// ("*.example.com": not of itself), or of all ("*"). The most specific wins: exact, then the
// longest wildcard, then "*". Domains are compared by their A-labels (smtp/idna.h), however either
// is written.
//
// Threads: immutable once filled; any.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace ringpost::delivery {

class DomainPatterns {
 public:
  enum class Added : uint8_t { kYes, kTwice, kNoDomain };
  // `pattern` as smtp::DomainKey makes it; `number` is what Find gives.
  Added Add(std::string_view pattern, size_t number);
  // `domain_key` as smtp::DomainKey makes it; an address literal with its brackets matches "*" or
  // exactly.
  std::optional<size_t> Find(std::string_view domain_key) const;

 private:
  std::optional<size_t> FindCanonical(std::string_view domain) const;

  std::map<std::string, size_t, std::less<>> exact_;
  std::map<std::string, size_t, std::less<>> below_;  // "example.com" of "*.example.com"
  std::optional<size_t> all_;
};

}  // namespace ringpost::delivery
