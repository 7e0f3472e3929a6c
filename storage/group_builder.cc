#include "storage/group_builder.h"

#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/base/limits.h"
#include "storage/record_encoding.h"
#include "storage/rows.h"

namespace ringpost::storage {
namespace {

std::string StreamMarker(const MessageId& id) {
  std::string key(1, kMetaStreamPrefix);
  return key.append(id.key());
}

// Walks the slices of a body and gives it out in pieces.
class BodyCursor {
 public:
  explicit BodyCursor(const SliceChain& body) : slices_(body.slices()) {}

  // The next `bytes` of the body as views; there are that many.
  void Take(size_t bytes, std::vector<std::string_view>* parts) {
    parts->clear();
    while (bytes > 0) {
      std::string_view rest = slices_[slice_].view().substr(offset_);
      std::string_view part = rest.substr(0, bytes);
      parts->push_back(part);
      bytes -= part.size();
      offset_ += part.size();
      if (part.size() == rest.size()) {
        ++slice_;
        offset_ = 0;
      }
    }
  }

 private:
  const std::vector<Slice>& slices_;
  size_t slice_ = 0;
  size_t offset_ = 0;
};

}  // namespace

GroupBuilder::GroupBuilder(KeyRing* ring, uint32_t incarnation)
    : ring_(ring), incarnation_(incarnation), streams_(limits::kBodyStreamsMax), scratch_keys_(1) {}

void GroupBuilder::UseFamilies(Database& database) {
  for (size_t i = 0; i < kFamilies; ++i) ids_[i] = database.id(static_cast<Family>(i));
  StopRecording();
}

void GroupBuilder::Begin(WallTime now) {
  batch_.Clear();
  events_.clear();
  messages_added_ = 0;
  now_ = now;
  previous_epoch_started_ = ring_->PreviousStarted();
}

void GroupBuilder::Add(CommitRequest* request) {
  request->status = OkStatus();
  switch (request->kind) {
    case CommitRequest::Kind::kAccept:
      return AddAccept(request);
    case CommitRequest::Kind::kChunk:
      return AddChunk(request);
    case CommitRequest::Kind::kDiscard:
      return AddDiscard(request);
    case CommitRequest::Kind::kOutcome:
      return AddOutcome(request);
  }
}

void GroupBuilder::AddAccept(CommitRequest* request) {
  NewMessage* message = request->message;
  RP_CHECK(message != nullptr);
  if (message->body_in_chunks) {
    WrappedKey wrapped;
    request->status = TakeStream(message, &wrapped);
    if (!request->status.ok()) return;
    PutEnvelope(*message, wrapped);
  } else {
    AddMessage(message);
  }
  for (const StoredEvent& event : request->events) events_.push_back(&event);
}

void GroupBuilder::AddMessage(NewMessage* message) {
  LockedKeys::Holder key = scratch_keys_.Take();
  *key = tls::Key::Random();
  SealBody(message, *key);
  PutEnvelope(*message, ring_->Wrap(message->id, *key));
}

Status GroupBuilder::TakeStream(NewMessage* message, WrappedKey* wrapped) {
  BodyStream* stream = streams_.Find(message->id);
  if (!stream) {
    return MakeStatus(StatusCode::kFailedPrecondition, "no chunk of this message is in the store");
  }
  message->envelope.body_chunks = stream->chunks;
  Status status;
  if (stream->refused) {
    status = MakeStatus(StatusCode::kUnavailable, "chunks of this message were lost or refused");
  } else if (stream->bytes != message->envelope.body_bytes) {
    status = MakeStatus(StatusCode::kFailedPrecondition,
                        "the chunks in the store do not add up to the body");
  }
  if (status.ok()) {
    message->envelope.body_digest = stream->digest.Finish();
    *wrapped = ring_->Wrap(message->id, *stream->key);
    batch_.Delete(id(Family::kMeta), StreamMarker(message->id));
  } else {
    DeleteStream(message->id, stream->chunks);
  }
  streams_.End(message->id);
  return status;
}

void GroupBuilder::SealBody(NewMessage* message, const tls::Key& key) {
  tls::Aead aead(key);
  tls::Sha256 digest;
  BodyCursor cursor(message->body);
  size_t left = message->body.size();
  uint32_t chunk = 0;
  for (; left > 0; ++chunk) {
    size_t bytes = std::min(left, limits::kBodyChunkBytesMax);
    cursor.Take(bytes, &parts_);
    SealChunk(message->id, chunk, aead, bytes, &digest);
    left -= bytes;
  }
  message->envelope.body_bytes = message->body.size();
  message->envelope.body_chunks = chunk;
  message->envelope.body_digest = digest.Finish();
}

void GroupBuilder::SealChunk(const MessageId& message, uint32_t chunk, const tls::Aead& aead,
                             size_t bytes, tls::Sha256* digest) {
  auto key = IndexedKey(message, chunk);
  batch_.PutFilled(id(Family::kBody), View(key), bytes + tls::kTagBytes, [&](char* place) {
    aead.Seal(parts_, View(ChunkContext(message, chunk)), ChunkNonce(chunk), place);
    digest->Update({place + bytes, tls::kTagBytes});
  });
  Count(Counter::kBodyBytesSealed, bytes);
}

void GroupBuilder::PutEnvelope(const NewMessage& message, const WrappedKey& wrapped) {
  char* place = batch_.PutSpace(id(Family::kEnvelope), message.id.key(),
                                kEnvelopeRowHeadBytes + EnvelopeBytes(message.envelope));
  ByteWriter out(place);
  WriteEnvelopeRowHead(incarnation_, wrapped, out);
  WriteEnvelope(message.envelope, out.at());
  ++messages_added_;
}

void GroupBuilder::AddChunk(CommitRequest* request) {
  BodyStream* stream = streams_.Find(request->id);
  size_t bytes = request->chunk.size();
  if (!stream && request->chunk_index == 0) {
    stream = streams_.Begin(request->id);
    if (!stream) {
      request->status = MakeStatus(StatusCode::kResourceExhausted,
                                   "too many large messages are coming in at once");
      return;
    }
    batch_.Put(id(Family::kMeta), StreamMarker(request->id), std::string_view("\1", 1));
  }
  if (!stream || stream->refused || stream->chunks != request->chunk_index || bytes == 0 ||
      bytes > limits::kBodyChunkBytesMax) {
    if (stream) stream->refused = true;
    request->status =
        MakeStatus(StatusCode::kFailedPrecondition, "a chunk out of order, empty or too large");
    return;
  }
  BodyCursor(request->chunk).Take(bytes, &parts_);
  SealChunk(request->id, request->chunk_index, tls::Aead(*stream->key), bytes, &stream->digest);
  ++stream->chunks;
  stream->bytes += bytes;
}

void GroupBuilder::AddDiscard(CommitRequest* request) {
  BodyStream* stream = streams_.Find(request->id);
  if (!stream) return;
  request->body_chunks = stream->chunks;
  DeleteStream(request->id, stream->chunks);
  streams_.End(request->id);
}

void GroupBuilder::AddOutcome(CommitRequest* request) {
  for (const StoredEvent& event : request->events) events_.push_back(&event);
  if (NewMessage* report = request->message) {
    if (expected_again_.erase(report->id) > 0) {
      DeleteMessageRows(report->id, report->envelope.body_chunks);
    }
    AddMessage(report);
  }
  if (!request->complete) {
    for (const RecipientUpdate& update : request->updates) {
      auto key = IndexedKey(request->id, update.recipient);
      batch_.Put(id(Family::kRcpt), View(key), EncodeRecipientState(update.state));
    }
    return;
  }
  DeleteMessageRows(request->id, request->body_chunks);
  if (request->origin) {
    batch_.Put(id(Family::kMeta), OriginKey(request->id), EncodeOrigin(OriginOf(*request->origin)));
  }
  for (uint32_t i = 0; i < request->recipients_total; ++i) {
    batch_.Delete(id(Family::kRcpt), View(IndexedKey(request->id, i)));
  }
  // A key row is written to what survived a whole epoch: what is younger, by a clock that was not
  // set back since, has none. The id is made a moment before the key is wrapped, or after an epoch
  // was dated and before it is in use.
  WallTime accepted = request->id.time();
  if (accepted > now_ ||
      accepted - previous_epoch_started_ < Seconds(limits::kKeyEpochSecondsMin / 2)) {
    batch_.Delete(id(Family::kKey), request->id.key());
  }
  --messages_added_;
  if (recording_) completed_.insert(request->id);
}

bool GroupBuilder::AddEvents(uint64_t sequence) {
  if (events_.empty()) return false;
  size_t bytes = kOutboxRowHeadBytes;
  for (const StoredEvent* event : events_) bytes += 4 + EventBytes(*event);
  char* place = batch_.PutSpace(id(Family::kOutbox), View(OutboxKey(sequence)), bytes);
  ByteWriter head(place);
  WriteOutboxRowHead(static_cast<uint32_t>(events_.size()), head);
  char* at = head.at();
  for (const StoredEvent* event : events_) {
    ByteWriter(at).U32(static_cast<uint32_t>(EventBytes(*event)));
    at = WriteEvent(*event, at + 4);
  }
  return true;
}

void GroupBuilder::DeleteMessageRows(const MessageId& message, uint32_t chunks) {
  batch_.SingleDelete(id(Family::kEnvelope), message.key());
  DeleteChunks(message, chunks);
}

void GroupBuilder::DeleteStream(const MessageId& message, uint32_t chunks) {
  batch_.Delete(id(Family::kMeta), StreamMarker(message));
  DeleteChunks(message, chunks);
}

void GroupBuilder::DeleteChunks(const MessageId& message, uint32_t chunks) {
  for (uint32_t i = 0; i < chunks; ++i) {
    batch_.SingleDelete(id(Family::kBody), View(IndexedKey(message, i)));
  }
}

void GroupBuilder::DeleteOutboxRow(uint64_t sequence) {
  batch_.SingleDelete(id(Family::kOutbox), View(OutboxKey(sequence)));
}

void GroupBuilder::DeleteOriginsBefore(WallTime time) {
  MessageId first;  // of all ids
  batch_.DeleteRange(id(Family::kMeta), OriginKey(first), OriginKey(MessageId::FirstOf(time)));
}

void GroupBuilder::PutKeyRow(const MessageId& message, const WrappedKey& key) {
  batch_.Put(id(Family::kKey), message.key(), EncodeKeyRow(key));
}

void GroupBuilder::TouchMeta() {
  char version[4];
  ByteWriter(version).U32(kFormatVersion);
  batch_.Put(id(Family::kMeta), kMetaFormat, {version, sizeof version});
}

void GroupBuilder::RecordCompletions() {
  recording_ = true;
  completed_.clear();
}

void GroupBuilder::StopRecording() {
  recording_ = false;
  completed_.clear();
}

}  // namespace ringpost::storage
