#include "storage/message_reader.h"

#include "storage/record_encoding.h"
#include "storage/rocks_status.h"
#include "storage/rows.h"

namespace ringpost::storage {
namespace {

Status Lost(const MessageId& id, std::string_view what) {
  std::string text = "message " + id.ToString() + ": ";
  text.append(what);
  return MakeStatus(StatusCode::kDataLoss, text);
}

}  // namespace

StatusOr<std::string> MessageReader::ReadEnvelopeRow(const MessageId& id) {
  rocksdb::PinnableSlice value;
  rocksdb::Status status = database_.Get(Family::kEnvelope, id.key(), &value);
  if (!status.ok()) return FromRocks(status, "reading message " + id.ToString());
  return value.ToString();
}

Status MessageReader::ReadEnvelope(const MessageId& id, StoredEnvelope* envelope,
                                   std::vector<RecipientState>* recipients) {
  StatusOr<std::string> bytes = ReadEnvelopeRow(id);
  if (!bytes.ok()) return bytes.status();
  StatusOr<EnvelopeRow> row = DecodeEnvelopeRow(*bytes);
  if (!row.ok()) return row.status();
  StatusOr<StoredEnvelope> decoded = DecodeEnvelope(row->record);
  if (!decoded.ok()) return decoded.status();
  *envelope = *std::move(decoded);
  recipients->assign(envelope->recipients.size(), RecipientState());
  return ReadStates(id, recipients);
}

Status MessageReader::ReadOrigin(const MessageId& id, StoredOrigin* origin) {
  // The message first: it may be over between the two looks, and then what is kept is there.
  StatusOr<std::string> bytes = ReadEnvelopeRow(id);
  if (bytes.ok()) {
    StatusOr<EnvelopeRow> row = DecodeEnvelopeRow(*bytes);
    if (!row.ok()) return row.status();
    StatusOr<StoredEnvelope> envelope = DecodeEnvelope(row->record, Trace::kLeaveEmpty);
    if (envelope.ok()) *origin = OriginOf(*envelope);
    return envelope.status();
  }
  if (bytes.status().code() != StatusCode::kNotFound) return bytes.status();
  rocksdb::PinnableSlice value;
  rocksdb::Status status = database_.Get(Family::kMeta, OriginKey(id), &value);
  if (!status.ok()) return FromRocks(status, "reading what was kept of message " + id.ToString());
  StatusOr<StoredOrigin> decoded = DecodeOrigin(FromRocks(value));
  if (decoded.ok()) *origin = *std::move(decoded);
  return decoded.status();
}

Status MessageReader::ReadStates(const MessageId& id, std::vector<RecipientState>* recipients) {
  auto first = IndexedKey(id, 0), last = IndexedKey(id, UINT32_MAX);
  rocksdb::Slice upper = ToRocks(View(last));
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &upper;
  std::unique_ptr<rocksdb::Iterator> rows(
      database_.db().NewIterator(options, database_.handle(Family::kRcpt)));
  for (rows->Seek(ToRocks(View(first))); rows->Valid(); rows->Next()) {
    std::optional<IndexedId> key = ParseIndexedKey(FromRocks(rows->key()));
    if (!key || key->index >= recipients->size()) return Lost(id, "a state of no recipient");
    StatusOr<RecipientState> state = DecodeRecipientState(FromRocks(rows->value()));
    if (!state.ok()) return state.status();
    (*recipients)[key->index] = *state;
  }
  return FromRocks(rows->status(), "reading the states of message " + id.ToString());
}

Status MessageReader::ReadKey(const MessageId& id, tls::Key* key) {
  // Twice at most: between the reading of a wrapped key and its use the key may have been wrapped
  // again and the epoch retired. The new wrapping was there before that, so the second look finds
  // it.
  for (int attempt = 0; attempt < 2; ++attempt) {
    WrappedKey wrapped;
    rocksdb::PinnableSlice again;
    rocksdb::Status status = database_.Get(Family::kKey, id.key(), &again);
    if (status.ok()) {
      StatusOr<WrappedKey> row = DecodeKeyRow(FromRocks(again));
      if (!row.ok()) return row.status();
      wrapped = *row;
    } else if (status.IsNotFound()) {
      StatusOr<std::string> bytes = ReadEnvelopeRow(id);
      if (!bytes.ok()) return bytes.status();
      StatusOr<EnvelopeRow> row = DecodeEnvelopeRow(*bytes);
      if (!row.ok()) return row.status();
      wrapped = row->key;
    } else {
      return FromRocks(status, "reading the key of message " + id.ToString());
    }
    if (ring_.Unwrap(id, wrapped, key)) return OkStatus();
  }
  return Lost(id, "its key does not open");
}

Status MessageReader::ReadBody(const MessageId& id, uint32_t first, uint32_t count,
                               std::string* body) {
  tls::Key key;
  Status status = ReadKey(id, &key);
  if (!status.ok()) return status;
  tls::Aead aead(key);
  for (uint32_t chunk = first; chunk - first < count; ++chunk) {
    rocksdb::PinnableSlice sealed;
    status = ReadChunk(id, chunk, aead, &sealed, body);
    if (status.ok()) continue;
    tls::Wipe(body->data(), body->size());
    body->clear();
    return status;
  }
  return OkStatus();
}

Status MessageReader::ReadWholeBody(const MessageId& id, const StoredEnvelope& envelope,
                                    const VisitChunk& visit) {
  tls::Key key;
  Status status = ReadKey(id, &key);
  if (!status.ok()) return status;
  tls::Aead aead(key);
  tls::Sha256 digest;
  uint64_t bytes = 0;
  std::string plain;
  for (uint32_t chunk = 0; status.ok() && chunk < envelope.body_chunks; ++chunk) {
    rocksdb::PinnableSlice sealed;
    plain.clear();
    status = ReadChunk(id, chunk, aead, &sealed, &plain);
    if (!status.ok()) break;
    bytes += plain.size();
    digest.Update(FromRocks(sealed).substr(plain.size()));
    status = visit(FromRocks(sealed), plain);
  }
  tls::Wipe(plain.data(), plain.size());
  if (!status.ok()) return status;
  if (bytes == envelope.body_bytes && digest.Finish() == envelope.body_digest) return OkStatus();
  return Lost(id, "its chunks do not add up to its body");
}

Status MessageReader::ReadChunk(const MessageId& id, uint32_t chunk, const tls::Aead& aead,
                                rocksdb::PinnableSlice* sealed, std::string* body) {
  rocksdb::Status status = database_.Get(Family::kBody, View(IndexedKey(id, chunk)), sealed);
  if (status.IsNotFound()) return Lost(id, "chunk " + std::to_string(chunk) + " is missing");
  if (!status.ok()) return FromRocks(status, "reading the body of message " + id.ToString());
  if (sealed->size() < tls::kTagBytes) return Lost(id, "a chunk is cut short");
  size_t at = body->size();
  size_t plain = sealed->size() - tls::kTagBytes;
  if (body->capacity() < at + plain) {
    // Grown by hand: the string would leave an unwiped copy of what it holds behind.
    std::string grown;
    grown.reserve(at + plain);
    grown = *body;
    tls::Wipe(body->data(), body->size());
    body->swap(grown);
  }
  body->resize(at + plain);
  if (aead.Open(FromRocks(*sealed), View(ChunkContext(id, chunk)), ChunkNonce(chunk),
                body->data() + at)) {
    return OkStatus();
  }
  return Lost(id, "chunk " + std::to_string(chunk) + " does not open: damaged");
}

}  // namespace ringpost::storage
