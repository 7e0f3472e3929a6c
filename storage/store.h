// Store: the open Database behind a gate, so that the committer can close and reopen it while
// readers, the scan and the housekeeper come and go. Private to storage.
//
// Readers hold a Use for one bounded piece of work and no longer: a reopen waits for them, but for
// a Reclaim, which it cancels. The committer, the only one that closes, uses database() without
// one.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "storage/database.h"
#include "storage/engine.h"

namespace ringpost::storage {

class Store {
 public:
  explicit Store(const Engine& engine) : engine_(engine) {}

  class Use {
   public:
    // Null while the store is closed.
    Database* operator->() const { return database_; }
    explicit operator bool() const { return database_ != nullptr; }
    Database& operator*() const { return *database_; }

   private:
    friend class Store;
    Use(std::shared_mutex& gate, const std::unique_ptr<Database>& database)
        : lock_(gate), database_(database.get()) {}
    std::shared_lock<std::shared_mutex> lock_;
    Database* database_;
  };
  Use Open() const { return Use(gate_, database_); }

  // First opening: also counts the incarnation up, synced. Later ones keep it.
  Status OpenDatabase();
  void CloseDatabase();
  Database* database() { return database_.get(); }

  const Engine& engine() const { return engine_; }
  // Which opening of the store by a process this is; rows of older ones are what the scan finds.
  uint32_t incarnation() const { return incarnation_; }

 private:
  Status CountIncarnation(Database& database);

  const Engine& engine_;
  mutable std::shared_mutex gate_;
  std::unique_ptr<Database> database_;
  uint32_t incarnation_ = 0;
};

}  // namespace ringpost::storage
