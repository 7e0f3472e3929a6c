// The requests of an import: records are put together to blocks, each one "identity put", or
// "domain import", that is done as a whole or not at all. Pure: no daemon, no file.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "gateway/base/limits.h"
#include "tools/ringpost/connection.h"
#include "tools/ringpost/document_reader.h"

namespace ringpost::cli {

// What a record of a block is called where it is refused.
struct ImportedRecord {
  DocumentSection section = DocumentSection::kAccounts;
  uint64_t number = 0;  // of its section, from 1
  std::string kind, name;
  // A password, a key, or its record: without, nobody can log in. Of a domain: the keys that sign.
  bool has_secret = false;
};

class ImportBlock {
 public:
  // Of a block's records, as JSON; a single record may be larger.
  static constexpr size_t kBytesMax = 1024 * 1024;
  static constexpr size_t kRecordsMax = limits::kIdentityRecordsMax;
  // Records whose password the daemon has to make a record of: each costs it tens of milliseconds,
  // and an answer is waited for only so long.
  static constexpr size_t kPasswordsMax = 50;

  explicit ImportBlock(bool dry_run) : dry_run_(dry_run) {}

  // False: it does not fit and nothing has happened; the block is to be sent and cleared first.
  bool Add(DocumentSection section, uint64_t number, const Json& record);
  bool empty() const { return records_.empty(); }
  const std::vector<ImportedRecord>& records() const { return records_; }
  // The request, with its line feed.
  std::string Line() const;
  void Clear();

  // A dry run: the daemon would add this account. What comes later may be of it; the daemon cannot
  // know, and is told.
  void AssumeAccount(const std::string& name);
  // More accounts are new than are kept: a dry run may then miss one.
  bool forgot_accounts() const { return forgot_accounts_; }

 private:
  // What is kept of the names of new accounts: some tens of MiB.
  static constexpr size_t kAssumedMax = 200'000;

  bool dry_run_;
  std::string text_;
  std::vector<ImportedRecord> records_;
  size_t passwords_ = 0;
  std::unordered_set<std::string> assumed_;  // in lower case: names are compared so
  std::unordered_set<std::string> needed_;   // of these, those that the block's records name
  bool forgot_accounts_ = false;
};

}  // namespace ringpost::cli
