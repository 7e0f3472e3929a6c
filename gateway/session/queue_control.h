// What an operator asks of a shard's queue, as plain data: `ringpost queue ...`, suspend and
// resume.
//
// The control server makes one QueueCommand per shard and posts it; the shard's Dispatcher fills
// the answer and posts it back to `reply_to`, where `done` runs: at once or later, because
// addresses and states of messages that wait are read from the spool, and a large queue is walked
// in steps. Nobody else touches the command meanwhile. Answers are bounded: lists come in pages.
//
// Hold, release, delete and bounce are stored before the answer comes; entries that are being
// delivered at that moment are left alone and not counted, except by retry, which has what it asks
// for. Held messages do not expire. Suspensions live in memory: a restart forgets them.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/inbox.h"
#include "gateway/base/message_id.h"
#include "gateway/base/time.h"

namespace ringpost::session {

// Which queue entries: every field that is set must match.
struct QueueFilter {
  std::optional<MessageId> id;
  std::string recipient_domain;
  std::string next_hop;  // as routes name it: "127.0.0.1:2626"
  std::string sender;    // whole reverse-path; "<>" for the null one
  bool held_only = false;
};

// One message at one next hop.
struct QueueEntryView {
  MessageId id;
  std::string sender;
  std::vector<std::string> recipients;  // those still open; at most kQueueViewRecipientsMax
  uint32_t recipients_open = 0;
  std::string next_hop;
  std::string state;  // queued, deferred, held, delivering, suspended
  uint16_t attempts = 0;
  WallTime received, next_attempt, deadline;
  uint64_t bytes = 0;
  std::string last_reply;
};

struct QueueSummaryRow {
  std::string domain;
  std::string next_hop;
  uint64_t queued = 0, deferred = 0, held = 0, delivering = 0;
  bool suspended = false;
  std::optional<WallTime> oldest;
};

struct Suspension {
  std::string domain;  // either may be empty, not both
  std::string next_hop;
  WallTime until;  // the epoch: until it is resumed
};

// How far a command is; any thread may look while the shard works on it.
struct QueueProgress {
  std::atomic<uint64_t> steps{0};  // grows for as long as it gets on
  std::atomic<uint64_t> affected{0};
};

struct QueueCommand : Posted {
  enum class Op : uint8_t {
    kSummary,
    kList,
    kShow,
    kRetry,
    kHold,
    kRelease,
    kDelete,
    kBounce,
    kSuspend,
    kResume,
    kSuspensions,
  };
  Op op = Op::kSummary;
  QueueFilter filter;
  Suspension suspension;
  uint32_t limit = 100;
  std::optional<MessageId> after;     // kList: continue behind this one
  std::string reason;                 // kBounce: goes into the report
  QueueProgress* progress = nullptr;  // written meanwhile; may be null

  // The answer.
  Inbox* reply_to = nullptr;
  void (*done)(QueueCommand*) = nullptr;  // runs on reply_to's thread
  std::vector<QueueSummaryRow> rows;
  std::vector<QueueEntryView> entries;
  std::vector<Suspension> suspensions;
  uint64_t affected = 0;
  std::string error;
};

}  // namespace ringpost::session
