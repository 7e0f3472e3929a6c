// KeyRing: the epoch keys of a spool, in locked memory and in KeySlots.
//
// Every message has a key of its own, wrapped (60 bytes) by the key of the epoch it was stored in.
// An epoch lasts SpoolOptions::key_epoch. After two, the keys of messages that are still here are
// wrapped again under the current epoch (Rewrapper) and the old epoch's key is wiped here and
// overwritten on the disk: whatever still holds the sealed body of a settled message (log, table
// file, free block) holds nothing that opens it.
//
// Threads: all functions from any thread; one lock, held for a wrap or an unwrap, and by BeginEpoch
// and Retire for a sync. Those two are called by one thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "gateway/base/status.h"
#include "storage/engine.h"
#include "storage/key_slots.h"
#include "storage/locked_keys.h"
#include "storage/rows.h"

namespace ringpost::storage {

class KeyRing {
 public:
  // Reads the store's key and the slots. To serve, it also begins an epoch where the last one is
  // over; to read, it writes nothing, and only Unwrap may be used.
  enum class Mode : uint8_t { kServe, kRead };
  static StatusOr<std::unique_ptr<KeyRing>> Open(const Engine& engine, Mode mode);

  WrappedKey Wrap(const MessageId& id, const tls::Key& key);
  // False: the epoch is gone, or the wrapping was forged or damaged.
  [[nodiscard]] bool Unwrap(const MessageId& id, const WrappedKey& wrapped, tls::Key* key);

  bool EpochOver(WallTime now) const;
  // RESOURCE_EXHAUSTED: every slot is taken; the current epoch goes on.
  Status BeginEpoch(WallTime now);
  uint32_t current_epoch() const;
  // When the epoch before the current one began (the current one, where it is the only one). What
  // was wrapped since is under one of these two, so it was never wrapped again.
  WallTime PreviousStarted() const;
  bool empty() const;  // no slot opened
  bool Knows(uint32_t epoch) const;
  // Epochs that are ready to go: all but the current one and the one before it.
  std::vector<uint32_t> Outlived() const;
  // The caller has made sure that nothing that is still needed is wrapped by it.
  Status Retire(uint32_t epoch);
  // Frees the slots that do not open. The caller has made sure that every message has a key here.
  Status FreeDamaged();

  bool memory_locked() const { return keys_.locked() && wrappers_.locked(); }
  uint32_t damaged_slots() const;

 private:
  using Wrappers = LockedPool<tls::KeyWrapper>;
  struct Epoch {
    uint32_t slot = 0;
    WallTime started;
    Wrappers::Holder wrapper;
  };
  explicit KeyRing(Seconds epoch_length);
  Status OpenSlots(const Engine& engine, Mode mode);
  uint32_t NextNumber() const;

  const Seconds epoch_length_;
  // Before the holders below, which give back to them.
  LockedKeys keys_;
  Wrappers wrappers_;
  LockedKeys::Holder store_key_;
  mutable std::mutex mutex_;
  std::unique_ptr<KeySlots> slots_;
  std::map<uint32_t, Epoch> epochs_;  // the last is the current one
  std::vector<KeySlots::Damaged> damaged_;
};

}  // namespace ringpost::storage
