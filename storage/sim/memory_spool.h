// MemorySpool: the Spool of the simulator. One thread, no clock, no disk: what the seed says
// happens.
//
// A request that is submitted is answered by a later Tick, after a delay in ticks drawn from the
// seed. Every synced answer makes what was submitted before it durable, as one log does; Crash
// forgets the rest, and whatever was in flight is never answered. Faults come by rate or on demand:
// EIO fails a group and latches the spool until it has "reopened" some ticks later; ENOSPC lets the
// spool refuse what takes space, as below the floor.
//
// Requests are answered through their Inbox; the simulator drains those. Messages are kept as
// values, so bodies come back byte for byte; nothing is sealed here.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
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
};

class MemorySpool final : public Spool {
 public:
  explicit MemorySpool(uint64_t seed, MemorySpoolFaults faults = {});

  void Submit(CommitRequest* request) override;
  void Read(ReadRequest* request) override;
  void StartScan(std::vector<ScanTarget> targets) override;
  bool accepting() const override { return failed_ticks_ == 0 && no_space_ticks_ == 0; }
  SpoolHealth health() const override;

  // One step of simulated time: commits a group of what is due, and posts answers.
  void Tick();
  // Nothing is waiting for a tick.
  bool idle() const { return commits_.empty() && reads_.empty() && scan_.empty(); }

  // The power goes: what no sync covered is forgotten, nothing in flight is answered. The next
  // StartScan sees what is left. Requests in flight are the caller's again.
  void Crash();
  // The next group fails.
  void FailNextGroup() { fail_next_ = true; }

  // For oracles.
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

  uint64_t DrawDue() { return tick_ + 1 + random_.Below(faults_.delay_ticks_max); }
  void CommitDue();
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
  Disk disk_;
  std::deque<DueCommit> commits_;
  std::deque<DueRead> reads_;
  std::deque<DuePage> scan_;
  std::vector<MessageId> suspects_;
  uint64_t suspects_total_ = 0;
};

}  // namespace ringpost::storage
