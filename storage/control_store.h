// ControlStore: the small store of what belongs to the gateway and not to a message: records by
// key, each sealed. It holds the ACME account, certificates' keys and chains, accounts and what is
// theirs. A region's suppressions are in another of the kind, under the region's path.
//
// A RocksDB of its own with the store's key beside it (FORMAT.md). Values are sealed with
// AES-256-GCM and bound to their key, so that a record cannot be put in another's place; keys are
// not sealed, and hold no secrets. A put or a delete has returned once it is on stable storage.
//
// Fails closed: it does not open where the directory is open to others, where its store.key is
// missing, another store's or readable by others, or where the log has a damaged middle; a record
// that does not open is an error and not an absence. After a failed write it is closed, and opened
// again by the next call.
//
// What Get and ForEach give out may be secret: the caller wipes it.
//
// Threads: any, one at a time; every call may wait for the disk. Not for shards.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/base/status.h"
#include "gateway/tls/aead.h"

namespace ringpost::storage {

struct Engine;

class ControlStore {
 public:
  static constexpr uint64_t kMemtableBytes = 1024 * 1024;

  // `path` is a directory of its own, made (0700) where its parent exists. `log`: what RocksDB
  // says; may be null; outlives the store. `memtable_bytes`: what lies in memory before it is
  // flushed; more where there are millions of records.
  static StatusOr<std::unique_ptr<ControlStore>> Open(const std::string& path, Log* log,
                                                      uint64_t memtable_bytes = kMemtableBytes);
  ~ControlStore();
  ControlStore(const ControlStore&) = delete;
  ControlStore& operator=(const ControlStore&) = delete;

  // Nothing: there is no such record. DATA_LOSS: it does not open.
  StatusOr<std::optional<std::string>> Get(std::string_view key);
  // INVALID_ARGUMENT beyond limits::kControlKeyBytesMax and kControlValueBytesMax, or without a
  // key.
  Status Put(std::string_view key, std::string_view value);
  // Of what is not there: nothing happens.
  Status Delete(std::string_view key);
  // All of them or none, in their order; bounded as Put. One wait for the disk.
  struct Change {
    std::string key;
    std::optional<std::string> value;  // nothing: it is deleted
  };
  Status Write(const std::vector<Change>& changes);
  // Each record whose key begins with `prefix`, in the order of the keys. Ends at the first that
  // does not open: DATA_LOSS. `each` must not call the store.
  using EachFn = std::function<void(std::string_view key, const std::string& value)>;
  Status ForEach(std::string_view prefix, const EachFn& each);
  // The same from the first key behind `after` on, until `each` says false: a page. Backwards: from
  // the last one in front of `after` (empty: of all) to the first.
  enum class Order : uint8_t { kForwards, kBackwards };
  using EachUntilFn = std::function<bool(std::string_view key, const std::string& value)>;
  Status ForEachUntil(std::string_view prefix, std::string_view after, Order order,
                      const EachUntilFn& each);

 private:
  friend class ControlStoreTesting;  // storage/sim
  struct Database;

  explicit ControlStore(std::unique_ptr<Engine> engine);
  static StatusOr<std::unique_ptr<ControlStore>> OpenWith(std::unique_ptr<Engine> engine);
  Status OpenDatabase();
  Status CheckFormat();
  Status CheckKey(bool fresh);
  Status EnsureOpen();
  Status Failed(const Status& status);
  std::string Seal(std::string_view key, std::string_view value) const;
  StatusOr<std::string> Unseal(std::string_view key, std::string_view sealed) const;

  std::unique_ptr<Engine> engine_;
  std::mutex mutex_;
  std::unique_ptr<Database> database_;  // null: closed after a failed write
  std::unique_ptr<tls::Aead> aead_;
};

}  // namespace ringpost::storage
