// GroupBuilder: turns the requests of one commit group into rows of one batch: it wraps keys, seals
// bodies in place, and knows which rows an outcome deletes and how. Private to storage; the
// committer's thread.
//
// Which delete: `envelope`, `body` and `outbox` rows are put once and deleted once, so
// SingleDelete, which lets put and delete vanish together when a memtable is flushed. `rcpt`, `key`
// and `meta` rows are rewritten, so Delete (a range of them, where old origins go). The two are
// never mixed in one family: RocksDB then loses or revives rows.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "storage/batch_builder.h"
#include "storage/body_streams.h"
#include "storage/database.h"
#include "storage/key_ring.h"
#include "storage/spool.h"

namespace ringpost::storage {

class GroupBuilder {
 public:
  GroupBuilder(KeyRing* ring, uint32_t incarnation);

  // Before the first group and after each reopen.
  void UseFamilies(Database& database);

  void Begin(WallTime now);
  // Adds the rows of a request, or sets its status: what is refused adds nothing that matters.
  void Add(CommitRequest* request);
  // The events of the whole group as one row; true where there was one.
  bool AddEvents(uint64_t sequence);

  // For the housekeeper's jobs and for recovery.
  void DeleteMessageRows(const MessageId& id, uint32_t chunks);
  void DeleteStream(const MessageId& id, uint32_t chunks);
  void DeleteOutboxRow(uint64_t sequence);
  // Those of messages that came before `time`.
  void DeleteOriginsBefore(WallTime time);
  // The report of an outcome whose group failed. The outcome may be in the log all the same, and
  // then the message is gone and the report must stay; so its rows are deleted only in the batch
  // that brings the outcome again, just before they are put again.
  void ExpectAgain(const MessageId& report) { expected_again_.insert(report); }
  void PutKeyRow(const MessageId& id, const WrappedKey& key);
  // Writes the format row again, as it is: a write that changes nothing.
  void TouchMeta();

  BatchBuilder& batch() { return batch_; }
  BodyStreams& streams() { return streams_; }
  bool key_memory_locked() const { return streams_.memory_locked() && scratch_keys_.locked(); }
  int64_t messages_added() const { return messages_added_; }  // by this group; less those completed

  // While a page of survivors is being wrapped again: ids completed meanwhile, whose key rows must
  // not be written any more. A reopen ends the recording: what an outcome of a group that failed
  // noted here did not happen. So whoever asked for it looks whether it is still on.
  void RecordCompletions();
  void StopRecording();
  bool recording() const { return recording_; }
  bool CompletedMeanwhile(const MessageId& id) const { return completed_.contains(id); }

 private:
  void AddAccept(CommitRequest* request);
  void AddChunk(CommitRequest* request);
  void AddDiscard(CommitRequest* request);
  void AddOutcome(CommitRequest* request);
  void AddMessage(NewMessage* message);
  Status TakeStream(NewMessage* message, WrappedKey* wrapped);
  void SealBody(NewMessage* message, const tls::Key& key);
  void SealChunk(const MessageId& id, uint32_t chunk, const tls::Aead& aead, size_t bytes,
                 tls::Sha256* digest);
  void PutEnvelope(const NewMessage& message, const WrappedKey& wrapped);
  void DeleteChunks(const MessageId& id, uint32_t chunks);
  uint32_t id(Family family) const { return ids_[static_cast<size_t>(family)]; }

  KeyRing* ring_;
  uint32_t incarnation_;
  std::array<uint32_t, kFamilies> ids_{};
  BatchBuilder batch_;
  BodyStreams streams_;
  LockedKeys scratch_keys_;
  WallTime now_;
  WallTime previous_epoch_started_;
  std::vector<std::string_view> parts_;  // of the chunk being sealed
  std::vector<const StoredEvent*> events_;
  int64_t messages_added_ = 0;
  bool recording_ = false;
  std::unordered_set<MessageId, MessageIdHash> completed_;
  std::unordered_set<MessageId, MessageIdHash> expected_again_;  // outcomes in the shards' hands
};

}  // namespace ringpost::storage
