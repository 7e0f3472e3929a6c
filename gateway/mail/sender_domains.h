// SenderDomains: what shards go by of each customer's domain: whose it is, under which name its
// bounces come in and where, and whether it has keys that sign.
//
// Made for a hundred thousand: one is a row of 16 bytes, its names, and its place in a set of
// numbers. What is published for it is identity/sender_domain.h, its keys signing_keys.h.
//
// Immutable: a change makes another (5 ms for a hundred thousand). Threads: immutable once made;
// any. What Find gives points into it.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::mail {

class SenderDomains {
 public:
  struct Domain {
    std::string_view label;  // <label>.<domain> is its return paths' name
    uint32_t account = 0;
    uint16_t region = 0;  // of ReturnPaths' regions: where its bounces come in; 15 bits
    bool works = false;   // DNS leads there: bounces would arrive
    // 0: none is active. Another number whenever others are.
    uint32_t keys = 0;
    bool operator==(const Domain&) const = default;
  };

  class Builder {
   public:
    Builder();
    // Begins with all that is in `from`, at the same places.
    explicit Builder(const SenderDomains& from);
    Builder(Builder&& from) = default;
    ~Builder();
    // Adds or replaces it. `name`: A-labels in lower case (smtp/idna.h).
    void Put(std::string_view name, const Domain& domain);
    void Remove(std::string_view name);
    std::shared_ptr<const SenderDomains> Build() &&;

   private:
    std::unique_ptr<SenderDomains> made_;
  };

  std::optional<Domain> Find(std::string_view name) const;
  // A domain's place stays its own for as long as it is there, in those that are made of this one
  // as well. Less than places().
  std::optional<size_t> PlaceOf(std::string_view name) const;
  std::string_view NameAt(size_t place) const;  // empty: nobody's
  size_t places() const { return rows_.size(); }
  size_t size() const { return by_name_.size(); }
  size_t bytes() const;  // that it takes, nearly

 private:
  struct Row {
    uint32_t name_at = 0;  // the label is behind the name
    uint8_t name_bytes = 0;
    uint8_t label_bytes = 0;
    uint16_t region : 15 = 0;
    uint16_t works : 1 = 0;
    uint32_t account = 0;
    uint32_t keys = 0;
  };
  // The set keeps the numbers of rows alone, and looks at them.
  struct NameHash {
    using is_transparent = void;
    const SenderDomains* domains;
    size_t operator()(std::string_view name) const;
    size_t operator()(uint32_t row) const { return (*this)(domains->NameAt(row)); }
  };
  struct NameEqual {
    using is_transparent = void;
    const SenderDomains* domains;
    bool operator()(uint32_t a, uint32_t b) const { return a == b; }
    bool operator()(uint32_t row, std::string_view name) const {
      return domains->NameAt(row) == name;
    }
    bool operator()(std::string_view name, uint32_t row) const { return (*this)(row, name); }
  };

  SenderDomains();

  std::vector<Row> rows_;
  std::vector<uint32_t> free_;  // rows that are nobody's
  std::string names_;
  absl::flat_hash_set<uint32_t, NameHash, NameEqual> by_name_;
};

}  // namespace ringpost::mail
