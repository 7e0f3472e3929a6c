// Housekeeper: the store's background thread. It empties the outbox, turns key epochs, watches free
// space, paces what RocksDB writes in the background, sweeps what streams left behind at a crash
// and forgets where bounces of messages go that are too old for any. Private to storage.
//
// The outbox: one row per commit group, numbered. The mover reads on from the last row it moved,
// with that as the lower bound and the committer's end as the upper, so it never walks over the
// tombstones of rows it has deleted. Nothing stands behind it yet: what it has read it drops.
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "storage/committer.h"
#include "storage/key_ring.h"
#include "storage/rewrapper.h"
#include "storage/space_guard.h"
#include "storage/store.h"
#include "storage/waker.h"

namespace ringpost::storage {

class Housekeeper {
 public:
  Housekeeper(Store* store, KeyRing* ring, Committer* committer, SpaceGuard* space);
  ~Housekeeper();  // Stop

  // `orphans`: streams that were open when the last process ended.
  void Start(std::vector<MessageId> orphans);
  void Stop();

 private:
  void Run();
  void MoveOutbox();
  // True: there was a whole page, and there may be more.
  bool MovePage();
  void TurnKeys();
  void SweepOrphans();
  void ForgetOrigins();
  // How many chunk rows of the stream there are; nothing where the store is closed.
  std::optional<uint32_t> CountChunks(const MessageId& id);
  // At most one line of a kind in kReportEvery: what keeps failing is tried several times a second.
  void Report(std::string_view event, const Status& status);

  Store* store_;
  KeyRing* ring_;
  Committer* committer_;
  SpaceGuard* space_;
  Rewrapper rewrapper_;
  std::vector<MessageId> orphans_;
  uint64_t outbox_from_ = 0;
  uint64_t seen_reopens_ = 0;
  MonoTime retire_at_;   // not before
  MonoTime origins_at_;  // when old ones are looked for again
  std::map<std::string, MonoTime, std::less<>> reported_;
  std::atomic<bool> stopping_{false};
  Waker waker_;
  std::thread thread_;
};

}  // namespace ringpost::storage
