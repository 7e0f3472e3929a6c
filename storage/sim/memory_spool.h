// MemorySpool: the Spool of the simulator. One thread, no clock, no disk: what the seed says
// happens.
//
// A request that is submitted is answered by a later Tick, after a delay in ticks drawn from the
// seed. Every synced answer makes what was submitted before it durable, as one log does; Crash
// forgets the rest, and whatever was in flight is never answered, though the first of it may have
// reached the disk. Faults come by rate or on demand: EIO fails a group and latches the spool until
// it has "reopened" some ticks later; ENOSPC lets the spool refuse what takes space, as below the
// floor; a stall answers nothing for a while, as a disk that hangs.
//
// Why no RocksDB under the simulation: RocksSpool has threads (committer, readers, RocksDB's own),
// and what they do when is the machine's choice and not the seed's, so a run could not be repeated.
// The real store over a file system that forgets what was not synced, at every sync point, is
// tests/unit/storage's matter (sync_dropping_file_system.h); this spool is what both stand in for,
// spool.h's promises.
//
// Requests are answered through their Inbox; the simulator drains those. Messages are kept as
// values, so bodies come back byte for byte; nothing is sealed here.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/random.h"
#include "storage/spool.h"

namespace ringpost::storage {

struct MemorySpoolFaults {
  uint32_t delay_ticks_max = 3;  // an answer comes 1 to this many ticks after the submit
  uint32_t io_error_one_in = 0;  // groups that fail; 0: none
  uint32_t io_error_lasts_ticks = 20;
  uint32_t no_space_one_in = 0;  // ticks at which space runs out; 0: none
  uint32_t no_space_lasts_ticks = 20;
  // Of a failed group's records, the share (in percent) that had reached the disk all the same.
  uint32_t failed_but_written_percent = 30;
  uint32_t stall_one_in = 0;  // ticks at which the disk begins to hang; 0: none
  uint32_t stall_lasts_ticks = 60;
  // At a crash, some of the first requests that waited are on the disk, and nobody was told.
  bool crash_keeps_some = false;

  // Not a fault but a bug, seeded to see that a simulation notices it: an answer says durable this
  // many ticks before it is true.
  uint32_t early_answer_ticks = 0;
};

class MemorySpool final : public Spool {
 public:
  explicit MemorySpool(uint64_t seed, MemorySpoolFaults faults = {});

  void Submit(CommitRequest* request) override;
  void Read(ReadRequest* request) override;
  void StartScan(std::vector<ScanTarget> targets) override;
  bool accepting() const override {
    return failed_ticks_ == 0 && no_space_ticks_ == 0 && !stall_noticed();
  }
  SpoolHealth health() const override;

  // One step of simulated time: commits a group of what is due, and posts answers.
  void Tick();
  // Nothing is waiting for a tick.
  bool idle() const { return commits_.empty() && reads_.empty() && scan_.empty(); }

  // The power goes: what no sync covered is forgotten, nothing in flight is answered. The next
  // StartScan sees what is left. Requests in flight are the caller's again.
  void Crash();
  // Closed and opened in order; nothing may be waiting. The next StartScan sees it all.
  void Restart();
  // The next group fails.
  void FailNextGroup() { fail_next_ = true; }

  // For oracles.
  using LookFn = std::function<void(const StoredEnvelope&, const std::vector<RecipientState>&)>;
  void ForEach(const LookFn& look) const;
  bool Has(const MessageId& id) const { return disk_.messages.contains(id); }
  size_t size() const { return disk_.messages.size(); }
  const std::vector<StoredEvent>& events() const { return disk_.events; }
  size_t open_streams() const { return disk_.streams.size(); }
  // Messages answered 4xx whose record had reached the disk when the spool went down with it.
  uint64_t suspects() const { return suspects_total_; }

 private:
  struct Message {
    StoredEnvelope envelope;
    std::vector<RecipientState> recipients;
    std::vector<std::string> chunks;
    uint64_t opening = 0;
  };
  struct Disk {
    std::map<MessageId, Message> messages;
    std::map<MessageId, std::vector<std::string>> streams;
    std::map<MessageId, StoredOrigin> origins;
    std::vector<StoredEvent> events;
  };
  struct DueCommit {
    CommitRequest* request;
    uint64_t due;
  };
  struct DueRead {
    ReadRequest* request;
    uint64_t due;
  };
  struct DuePage {
    ScanTarget target;
    std::vector<ScannedMessage> messages;
    bool last;
    uint64_t due;
  };

  // A stall is noticed when a third of it has gone by.
  bool stall_noticed() const {
    return stalled_ticks_ > 0 && stalled_ticks_ < faults_.stall_lasts_ticks * 2 / 3;
  }
  uint64_t DrawDue() { return tick_ + 1 + random_.Below(faults_.delay_ticks_max); }
  void CommitDue();
  void ServeDue();
  void FailGroup(const std::vector<CommitRequest*>& group);
  void Apply(CommitRequest* request);
  void ApplyAccept(NewMessage* message, Status* status);
  void ApplyChunk(CommitRequest* request);
  void ApplyOutcome(CommitRequest* request);
  void Serve(ReadRequest* request);
  void Reopen();

  Random random_;
  MemorySpoolFaults faults_;
  uint64_t tick_ = 0;
  uint64_t opening_ = 1;
  bool fail_next_ = false;
  uint32_t failed_ticks_ = 0;
  uint32_t no_space_ticks_ = 0;
  uint32_t stalled_ticks_ = 0;
  Disk disk_;
  std::deque<std::pair<uint64_t, MessageId>> unsynced_;  // early_answer_ticks: tick of the answer
  std::deque<DueCommit> commits_;
  std::deque<DueRead> reads_;
  std::deque<DuePage> scan_;
  std::vector<MessageId> suspects_;
  uint64_t suspects_total_ = 0;
};

}  // namespace ringpost::storage
