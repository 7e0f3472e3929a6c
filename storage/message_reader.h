// Reads one message out of an open database: envelope, states, body. Private to storage.
//
// Used by the readers, by the tools, and (for keys) by the rewrapper. Blocks on the disk.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/key_ring.h"
#include "storage/spool.h"

namespace ringpost::storage {

class MessageReader {
 public:
  MessageReader(Database* database, KeyRing* ring) : database_(*database), ring_(*ring) {}

  // NOT_FOUND: no such message. DATA_LOSS: its rows do not decode.
  Status ReadEnvelope(const MessageId& id, StoredEnvelope* envelope,
                      std::vector<RecipientState>* recipients);
  // Appends the opened chunks to `body`. DATA_LOSS: one is missing or does not open; then `body` is
  // wiped.
  Status ReadBody(const MessageId& id, uint32_t first, uint32_t count, std::string* body);
  Status ReadKey(const MessageId& id, tls::Key* key);
  // NOT_FOUND: it is neither here nor was kept.
  Status ReadOrigin(const MessageId& id, StoredOrigin* origin);
  // All of a body, a chunk at a time, sealed and opened, checked against the count, the size and
  // the digest that the envelope holds. A status of `visit` that is not OK ends it and is returned.
  using VisitChunk = std::function<Status(std::string_view sealed, std::string_view plain)>;
  Status ReadWholeBody(const MessageId& id, const StoredEnvelope& envelope,
                       const VisitChunk& visit);

 private:
  StatusOr<std::string> ReadEnvelopeRow(const MessageId& id);
  Status ReadStates(const MessageId& id, std::vector<RecipientState>* recipients);
  // Appends the opened chunk to `body`.
  Status ReadChunk(const MessageId& id, uint32_t chunk, const tls::Aead& aead,
                   rocksdb::PinnableSlice* sealed, std::string* body);

  Database& database_;
  KeyRing& ring_;
};

}  // namespace ringpost::storage
