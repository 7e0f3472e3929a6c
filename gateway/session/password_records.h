// PasswordRecords: the records of passwords that a shard has at hand, so that not every login waits
// for a worker to read one. By name, in any case of ASCII letters as one; names that nobody has are
// kept as others are, so that how long an answer takes does not tell them apart.
//
// What is kept is of one version of the directory (ShardIdentity::version): with another all of it
// is forgotten, since a password may have been changed, or a name gone to somebody else.
//
// Bounded by limits::kPasswordRecordsKeptMax. Threads: one shard's own.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/identity/password_record.h"

namespace ringpost::session {

class PasswordRecords {
 public:
  // Null: not at hand. Lives until the next call.
  const identity::PasswordRecord* Find(std::string_view name, uint64_t version);
  void Keep(std::string_view name, uint64_t version, const identity::PasswordRecord& record);
  size_t size() const { return records_.size(); }

 private:
  void GoTo(uint64_t version);

  uint64_t version_ = 0;
  absl::flat_hash_map<std::string, identity::PasswordRecord> records_;
  std::vector<std::string> order_;  // of their coming; once it is full, round and round
  size_t oldest_ = 0;
};

}  // namespace ringpost::session
