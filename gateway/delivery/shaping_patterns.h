// Patterns of domains and hosts for shaping rules: which of many rules fit a name.
//
// DomainPatterns finds the one most specific; here every rule that fits is wanted, in the file's
// order.
//
// Threads: immutable once filled; any.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace ringpost::delivery {

// "Example.COM." as "example.com", "*.Bücher.example" as "*.xn--bcher-kva.example", "*", an address
// (of a next hop). nullopt: no pattern.
std::optional<std::string> CanonicalPattern(std::string_view pattern);
// A domain by its A-labels, where it is not so written.
std::string CanonicalDomainName(std::string_view domain_key);
// Both canonical.
bool FitsPattern(std::string_view pattern, std::string_view name);
bool FitsOneOf(std::span<const std::string> patterns, std::string_view name);
// False for no names at all.
bool AllFit(std::span<const std::string> patterns, std::span<const std::string> names);

class PatternIndex {
 public:
  // Canonical; numbers in rising order.
  void Add(std::string_view pattern, uint32_t number);
  // Adds the numbers of all patterns that `name` fits, in rising order, each once.
  void Collect(std::string_view name, std::vector<uint32_t>* numbers) const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Map = absl::flat_hash_map<std::string, std::vector<uint32_t>, Hash, std::equal_to<>>;
  Map exact_;
  Map below_;  // "example.com" of "*.example.com"
  std::vector<uint32_t> all_;
};

}  // namespace ringpost::delivery
