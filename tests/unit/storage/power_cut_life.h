// PowerCutLife: one store on a disk whose power goes, and what the store has promised so far. What
// Verify finds against the promise it says in words.
//
// The promises: what was given a Durable is there, whole, until its completion was asked for; what
// was answered OK to have completed stays gone; a completion and the report it brings come together
// or not at all; a recipient's attempts are not forgotten; whatever is there at all is whole; of
// what is gone and of bodies that never came to their end no chunk is left.
//
// One thread at a time.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "storage/sim/rocks_spool_testing.h"
#include "storage/sim/sync_dropping_file_system.h"
#include "tests/unit/storage/spool_harness.h"

namespace ringpost::storage {

struct PowerCutPlan {
  uint64_t seed = 1;
  bool sync = true;        // false: the committer does not sync
  bool turn_keys = false;  // let key epochs pass, and wait for the keys of what is there to follow
};

class PowerCutLife {
 public:
  explicit PowerCutLife(const PowerCutPlan& plan);

  // Null: it did not open, as refusal() says.
  std::unique_ptr<RocksSpool> Open();
  // Stores, streams, defers and completes until the power goes or all is done.
  void Work(RocksSpool* spool, int messages);
  // The power goes, if it has not yet, the program ends, and the power is back.
  void LosePower(std::unique_ptr<RocksSpool>* spool);
  // The program dies, if it has not yet at a sync that was planned to be its last.
  void Die(std::unique_ptr<RocksSpool>* spool);
  // Opens the store and looks. Empty: nothing is against a promise.
  std::string Verify();

  SyncDroppingFileSystem& disk() { return *disk_; }
  const std::string& refusal() const { return refusal_; }
  size_t durable() const;  // messages that were given one

 private:
  enum class Settled : uint8_t { kNo, kPerhaps, kYes };
  struct Message {
    std::string body;
    uint32_t chunks = 1;
    bool durable = false;
    Settled settled = Settled::kNo;
    uint16_t attempts = 0;  // of the first recipient, answered OK
    uint16_t attempts_tried = 0;
    std::optional<MessageId> report;  // that its completion brings
  };

  void TakeIn(RocksSpool* spool, int number);
  void BeginAndGiveUp(RocksSpool* spool);
  void DeferOne(RocksSpool* spool);
  void CompleteOne(RocksSpool* spool);
  void TurnKeys(RocksSpool* spool);
  // After a failure the store opens itself again, unless the power is off.
  void WaitUntilAccepting(RocksSpool* spool);
  MessageId* PickWaiting();
  std::string VerifyFound(RocksSpool* spool, const ScannedMessage& found);
  std::string VerifyGone(const MessageId& id, const Message& message,
                         const std::map<MessageId, ScannedMessage>& found);

  const PowerCutPlan plan_;
  TempDir dir_;
  std::shared_ptr<SyncDroppingFileSystem> disk_;
  Random random_;
  TestShard shard_;
  std::atomic<int64_t> ahead_{0};
  std::map<MessageId, Message> messages_;
  MessageId picked_;
  std::string refusal_;
};

}  // namespace ringpost::storage
