// What the outbound side holds in memory while it works: LiveMessage, Transaction, Outcome. Plain
// data of the Dispatcher's core; each is pooled, so that a message costs few allocations.
//
// A LiveMessage exists between its 250 and the end of its first attempts (body included, within
// limits), and again around every later attempt. All else the queue keeps of a message is its
// entries: see delivery/queue_entry.h, whose cookie is the LiveMessage's number.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "gateway/base/slice.h"
#include "gateway/base/worker_pool.h"
#include "gateway/delivery/queue_entry.h"
#include "gateway/mail/dkim_body_hash.h"
#include "gateway/mail/dsn.h"
#include "gateway/session/signing_keys.h"
#include "gateway/smtp/client_session.h"
#include "storage/spool.h"

namespace ringpost::session {

class DispatcherCore;
class OutboundConnection;
struct Outcome;
struct Transaction;
struct QueueJob;

struct LiveMessage {
  struct Recipient {
    delivery::Slot slot = delivery::kNone;  // kNone: settled
    bool delay_reported = false;
  };

  uint32_t number = 0;
  std::unique_ptr<storage::NewMessage> message;
  absl::InlinedVector<Recipient, 2> recipients;
  uint32_t open = 0;         // recipients that are not settled
  bool body_here = false;    // message->body is the body
  bool rows_stored = false;  // of recipients: what must be deleted with the message
  bool unsigned_told =
      false;                // the log knows that it goes out without the signature it should have
  uint64_t held_bytes = 0;  // counted against the budget
  uint32_t users = 0;       // transactions and outcomes that refer to it
  uint32_t outcomes = 0;    // not stored yet, with those that are not submitted yet
  // Outcomes of one message are stored one after the other: the first is with the spool.
  Outcome* outcomes_head = nullptr;
  Outcome* outcomes_tail = nullptr;

  const MessageId& id() const { return message->id; }
  const storage::StoredEnvelope& envelope() const { return message->envelope; }
  // As a next hop sees it.
  uint64_t wire_bytes() const { return envelope().trace.size() + envelope().body_bytes; }
};

struct BodyRead : storage::ReadRequest {
  Transaction* transaction = nullptr;
  bool in_flight = false;
  bool arrived = false;
};

// The signatures of one transaction: what a worker needs to make them, and what came of it. While
// it is out its transaction lives, and with that all it refers to.
struct SignatureJob : WorkerPool::Job {
  SignatureJob() = default;
  ~SignatureJob();
  SignatureJob(const SignatureJob&) = delete;
  SignatureJob& operator=(const SignatureJob&) = delete;
  void Make();

  Transaction* transaction = nullptr;
  bool out = false;    // with the workers
  std::string header;  // a copy: the message may leave memory meanwhile
  mail::DkimDigest body_hash{};
  std::string_view reencoded;  // not empty: the whole message, in the place of these two
  std::string domain;
  uint32_t keys_number = 0;  // of the domain's keys, as the shard knows them
  std::shared_ptr<SigningKeys> keys;
  WallTime now;
  // Empty: no key is active any more.
  StatusOr<std::string> fields;
  bool unread = false;  // the disk did not give the keys: it may, another time
};

// Some recipients of one message on their way through one connection.
struct Transaction {
  enum class Stage : uint8_t { kIdle, kLoading, kGathering, kSigning, kSending, kOver };

  DispatcherCore* core = nullptr;
  Stage stage = Stage::kIdle;
  LiveMessage* live = nullptr;
  OutboundConnection* connection = nullptr;
  std::vector<delivery::Slot> slots;
  std::vector<uint32_t> numbers;            // of the recipients, in the order of the transaction
  std::vector<smtp::Recipient> recipients;  // as long as it ever was, so that strings are reused
  std::string reverse_path;                 // as the next hop is told
  smtp::OutgoingMail mail;

  // The body, where it is read from the spool.
  std::array<BodyRead, limits::kBodyChunksAheadMax> reads;
  uint32_t next_request = 0;
  uint32_t next_write = 0;
  uint32_t reads_in_flight = 0;
  bool body_wanted = false;
  std::string gathered;     // the whole message, to be re-encoded
  smtp::Reply no_encoding;  // the answer where that cannot be; code 0: it goes on unchanged
  Slice reencoded;

  std::unique_ptr<SignatureJob> signing;  // null: nothing is to be signed, or it is
  std::string signatures;                 // fields that go before the message; may be none

  // It cannot go: what is on its way comes back to it.
  bool awaits_answers() const { return reads_in_flight > 0 || (signing && signing->out); }
};

// What became of some recipients, on its way to the spool.
struct Outcome : storage::CommitRequest {
  enum class Then : uint8_t { kRemove, kDefer, kHold, kReady };
  struct Change {
    delivery::Slot slot = delivery::kNone;
    Then then = Then::kRemove;
    WallTime due;
    uint32_t recipients = 0;  // that stay open
    uint16_t attempts = 0;
    uint16_t reply_code = 0;
    smtp::EnhancedCode enhanced;
  };

  DispatcherCore* core = nullptr;
  LiveMessage* live = nullptr;  // null: the entry alone was enough
  Outcome* next_of_message = nullptr;
  absl::InlinedVector<Change, 2> changes;
  std::vector<mail::DsnRecipient> report_on;
  std::unique_ptr<storage::NewMessage> report;
  QueueJob* job = nullptr;  // an operator waits for it
};

}  // namespace ringpost::session
