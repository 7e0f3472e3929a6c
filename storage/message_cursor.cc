#include "storage/message_cursor.h"

#include "storage/rocks_status.h"

namespace ringpost::storage {
namespace {

// The smallest key above an id's own.
std::string KeyAfter(const MessageId& id) { return std::string(id.key()).append(1, '\0'); }

}  // namespace

MessageCursor::MessageCursor(Database* database, const std::optional<MessageId>& after)
    : MessageCursor(database, after ? KeyAfter(*after) : std::string()) {}

MessageCursor::MessageCursor(Database* database, std::string_view from)
    : database_(database),
      envelopes_(database->db().NewIterator(ReadOnce(), database->handle(Family::kEnvelope))) {
  envelopes_->Seek(ToRocks(from));
}

rocksdb::Status MessageCursor::status() const {
  rocksdb::Status status = envelopes_->status();
  return status.ok() && keys_ ? keys_->status() : status;
}

Status MessageCursor::JoinStates(const MessageId& id, std::vector<RecipientState>* recipients) {
  if (!states_) {
    states_.reset(database_->db().NewIterator(ReadOnce(), database_->handle(Family::kRcpt)));
    states_->Seek(ToRocks(id.key()));
  }
  Status damage;
  // Rows of messages that are gone lie before; what is past this message is for the next.
  for (; states_->Valid(); states_->Next()) {
    std::optional<IndexedId> key = ParseIndexedKey(FromRocks(states_->key()));
    if (!key || key->id < id) continue;  // another length: not ours
    if (key->id > id) break;
    if (key->index >= recipients->size()) {
      damage = MakeStatus(StatusCode::kDataLoss, "rcpt: a state of no recipient");
      continue;
    }
    StatusOr<RecipientState> state = DecodeRecipientState(FromRocks(states_->value()));
    if (state.ok()) {
      (*recipients)[key->index] = *state;
    } else {
      damage = state.status();
    }
  }
  if (states_->status().ok()) return damage;
  Status unread = FromRocks(states_->status(), "reading recipients");
  states_.reset();  // it would say the same for every later message
  return unread;
}

StatusOr<std::optional<WrappedKey>> MessageCursor::JoinKey(const MessageId& id) {
  if (!keys_) {
    keys_.reset(database_->db().NewIterator(ReadOnce(), database_->handle(Family::kKey)));
    keys_->Seek(ToRocks(id.key()));
  }
  while (keys_->Valid() && FromRocks(keys_->key()) < id.key()) keys_->Next();
  if (!keys_->status().ok()) return FromRocks(keys_->status(), "reading keys");
  if (!keys_->Valid() || FromRocks(keys_->key()) != id.key()) return std::optional<WrappedKey>();
  StatusOr<WrappedKey> key = DecodeKeyRow(FromRocks(keys_->value()));
  if (!key.ok()) return key.status();
  return std::optional<WrappedKey>(*key);
}

}  // namespace ringpost::storage
