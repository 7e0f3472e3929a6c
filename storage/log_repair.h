// LogRepair: turns the logs of a damaged store into ones that RocksDB reads to their end, and
// remembers which messages may be lost with what it leaves out. Private to storage; for
// DamagedStore's working copy.
//
// A record of a log is a commit group: many messages. Of one that is damaged the rows that read are
// kept: those before the damage, and those behind it from the first place on from which rows follow
// each other to the record's very end. Only what its checksum vouches for is kept.
//
// What an outcome deletes goes as a whole or not at all: of deletes in a damaged record those are
// kept that follow the delete of their envelope, which ends a message. One whose delete is lost
// comes out once more.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "gateway/base/message_id.h"

namespace ringpost::storage {

class LogRepair {
 public:
  // The logs of a store in the order they were written. Returns the log to be read in its place.
  // `on_gap`: a run of bytes that does not read.
  std::string Repair(std::string_view log,
                     const std::function<void(uint64_t begin, uint64_t end)>& on_gap);

  // Messages that what was left out speaks of, and that no later row says are over. Some may be
  // whole in the store all the same.
  const std::set<MessageId>& touched() const { return touched_; }
  // Messages that some row says are over: rows that are left of them speak of nothing lost.
  const std::set<MessageId>& ended() const { return ended_; }

 private:
  void TakeWhole(std::string_view batch);
  void End(const MessageId& id);
  bool OfEnded(std::string_view key) const;
  // The rows of a damaged record that read, as a batch; empty where there are none.
  std::string TakeDamaged(std::string_view head, std::string_view tail);
  void NameIdsIn(std::string_view bytes);

  uint64_t next_sequence_ = 0;  // of the database; 0: not known yet
  std::set<MessageId> touched_;
  std::set<MessageId> ended_;
};

}  // namespace ringpost::storage
