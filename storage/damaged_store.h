// DamagedStore: a store opened to be read as far as it can be, for the tools. Private to storage.
//
// The store itself is opened read-only where that works. Where it does not (a damaged log or
// manifest), a working copy is opened instead: table and blob files are hard links or copies, the
// logs are written anew without what is damaged (LogRepair), and RocksDB's repair is the last
// resort. What was left out is collected.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/key_ring.h"
#include "storage/log_repair.h"
#include "storage/store_tools.h"

namespace ringpost::storage {

class DamagedStore {
 public:
  explicit DamagedStore(const SpoolOptions& options) : engine_(options) {}
  ~DamagedStore();  // removes the working copy

  // `work_dir`: where a working copy may be made; empty: none, only what opens read-only.
  Status Open(const std::string& work_dir, StoreReport* report);

  Database& database() { return *database_; }
  KeyRing& keys() { return *ring_; }
  const Engine& engine() const { return engine_; }

 private:
  Status OpenCopy(const std::string& work_dir, StoreReport* report);
  // All but the logs.
  Status CopyFiles(const std::string& to);
  Status RepairLogs(const std::string& to, LogRepair* repair, StoreReport* report);
  // Messages that the logs, or states of recipients, speak of and the copy does not hold.
  Status NameLostMessages(const LogRepair& repair, StoreReport* report);
  bool HasEnvelope(const MessageId& id);

  Engine engine_;
  std::string copy_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<KeyRing> ring_;
};

// Adds to the report's list, bounded.
void AddDamage(StoreReport* report, std::string where, std::string_view what);

}  // namespace ringpost::storage
