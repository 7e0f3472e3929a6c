// Spool: the durable home of messages between 250 and their last outcome. Two implementations:
// RocksSpool (rocks_spool.h) and MemorySpool (sim/memory_spool.h, for the simulator).
//
// A shard fills a request, submits it, and gets it back through its own Inbox: `run` is called on
// the shard's thread with `status` set. Requests are owned by the submitter and stay where they are
// until then; so do the bytes they point to. Nothing here blocks a shard. How many are in flight is
// the submitter's to bound (limits.h).
//
// Group commit: everything submitted while one group is being synced forms the next. A
// CommitRequest with lazy = true may wait kLazyCommitMillis for company. Requests of one message
// are committed in the order in which they were submitted; those of different messages may overtake
// each other (big bodies wait their turn).
//
// A disk that hangs: a group that takes longer than kStoreStallSeconds makes accepting() false
// until it has returned; what was submitted waits.
//
// Failure: after a failed write or sync the spool stops (health().accepting == false, requests come
// back UNAVAILABLE), is closed and reopened in process; ids of groups that failed are deleted by
// the first synced batch. RESOURCE_EXHAUSTED: below the free-space floor. Both are 4xx to clients.
//
// Threads: Submit, Read, health from any thread; callbacks on the thread that drains `reply_to`.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/durable.h"
#include "gateway/base/inbox.h"
#include "gateway/base/slice.h"
#include "gateway/base/status.h"
#include "storage/records.h"

namespace ringpost::storage {

// A whole message to store. Small: the body is here. Large: its chunks went ahead as ChunkRequests
// under the same id, and this record commits them.
struct NewMessage {
  MessageId id;
  StoredEnvelope envelope;  // body_chunks and body_digest are filled by the spool
  SliceChain body;  // empty where chunks went ahead; kept by the shard until the request is back
  bool body_in_chunks = false;  // then envelope.body_bytes is what they must add up to
};

struct RecipientUpdate {
  uint32_t recipient = 0;
  RecipientState state;
};

struct CommitRequest : Posted {
  enum class Kind : uint8_t {
    kAccept,  // `message`: a 250 hangs on it
    kChunk,  // `chunk` of message `id`, number `chunk_index` from 0 in order: not synced by itself.
             // At most kBodyChunkBytesMax. Once one is refused the message is: discard it
    kDiscard,  // forget the chunks of `id`: the client went away or was refused. Not after its
               // kAccept
    kOutcome,  // `updates` and `events` of message `id`; `complete` deletes the message. `message`
               // may hold a report (a bounce) that enters the spool in the same batch, or be null
  };
  Kind kind = Kind::kAccept;
  bool lazy = false;
  Inbox* reply_to = nullptr;

  MessageId id;
  NewMessage* message = nullptr;
  uint32_t chunk_index = 0;
  SliceChain chunk;
  std::vector<RecipientUpdate> updates;
  std::vector<StoredEvent> events;
  bool complete = false;
  // kOutcome with complete: how many rcpt rows there may be. 0 where no update of this message was
  // ever committed (delivered at the first attempt): each row costs a tombstone.
  uint32_t recipients_total = 0;
  uint32_t body_chunks =
      0;  // kOutcome with complete: how many body rows; the spool's own use otherwise
  // kOutcome with complete: what kOrigin reads for limits::kOriginKeptSeconds from now on; null:
  // nothing. It lives until the request is back.
  const StoredEnvelope* origin = nullptr;

  // Set by the spool before it posts the request back.
  Status status;
  std::optional<Durable> durable;  // kAccept: present when status is OK
};

struct ReadRequest : Posted {
  enum class Kind : uint8_t {
    kEnvelope,  // envelope and states of the recipients
    kBody,      // chunks [chunk_first, chunk_first + chunk_count), opened, into `body`
    kOrigin,    // where its bounces go, whether it is still here or over
  };
  Kind kind = Kind::kEnvelope;
  Inbox* reply_to = nullptr;
  MessageId id;
  uint32_t chunk_first = 0;
  uint32_t chunk_count = 0;

  Status status;  // NOT_FOUND: no such message; DATA_LOSS: it does not open
  StoredEnvelope envelope;
  std::vector<RecipientState> recipients;
  std::string body;  // plain; wiped by whoever owns the request
  StoredOrigin origin;
};

// One message found by the scan at start.
struct ScannedMessage {
  MessageId id;
  StoredEnvelope envelope;  // trace left empty
  std::vector<RecipientState> recipients;
};

// The scan at start: pages of messages, posted to the shards that are their homes by
// HomeOf(shards). Mail that is accepted while it runs is not seen twice: the scan covers what was
// there when the spool opened.
struct ScanPage : Posted {
  std::vector<ScannedMessage> messages;
  bool last = false;  // nothing more for this shard
  Status status;      // in the last page: what kept the scan from its end, in words, or OK
  // The scan's own: counts the page as gone when it is deleted. A shard that has not deleted
  // kScanPagesInFlightMax pages makes the scan wait for it.
  std::shared_ptr<void> slot;
};
struct ScanTarget {
  Inbox* inbox = nullptr;
  // Makes the page to fill, with its `run` set. Called on the scanning thread. The shard deletes
  // the page.
  ScanPage* (*make_page)(void* context) = nullptr;
  void* context = nullptr;
};

struct SpoolHealth {
  bool accepting = true;
  std::string reason;  // in words, when it is not
  uint64_t free_bytes = 0;
  uint64_t messages = 0;  // estimate
  uint64_t memtable_bytes = 0;
  uint64_t block_cache_bytes = 0;
  uint64_t flushed_bytes = 0;  // that left the memtables for table and blob files since the start
  uint64_t wal_bytes = 0;
  uint64_t backlog_requests = 0;   // submitted and not yet in a group
  uint64_t commit_p50_micros = 0;  // of synced groups: write and sync
  uint64_t commit_p99_micros = 0;
  bool key_memory_locked = true;  // false: RLIMIT_MEMLOCK is too low, keys may reach the swap
};

class Spool {
 public:
  virtual ~Spool() = default;
  virtual void Submit(CommitRequest* request) = 0;
  virtual void Read(ReadRequest* request) = 0;
  // Once, after the shards run. `targets` has one entry per shard.
  virtual void StartScan(std::vector<ScanTarget> targets) = 0;
  // Cheap: one relaxed load. False: answer 452 4.3.1 before the body is taken.
  virtual bool accepting() const = 0;
  virtual SpoolHealth health() const = 0;
  // health().free_bytes, as cheap as accepting(). All bits set: not known.
  virtual uint64_t free_bytes() const { return health().free_bytes; }
};

}  // namespace ringpost::storage
