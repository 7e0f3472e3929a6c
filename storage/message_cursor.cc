#include "storage/message_cursor.h"

#include "storage/rocks_status.h"

namespace ringpost::storage {
namespace {

// The smallest key above an id's own.
std::string KeyAfter(const MessageId& id) { return std::string(id.key()).append(1, '\0'); }

}  // namespace

MessageCursor::MessageCursor(Database* database, const std::optional<MessageId>& after)
    : database_(database),
      after_(after),
      envelopes_(
          database->db().NewIterator(rocksdb::ReadOptions(), database->handle(Family::kEnvelope))) {
  if (after_) {
    envelopes_->Seek(KeyAfter(*after_));
  } else {
    envelopes_->SeekToFirst();
  }
}

Status MessageCursor::JoinStates(const MessageId& id, std::vector<RecipientState>* recipients) {
  if (!states_) {
    states_.reset(
        database_->db().NewIterator(rocksdb::ReadOptions(), database_->handle(Family::kRcpt)));
    states_->Seek(ToRocks(id.key()));
  }
  // Rows of messages that are gone lie before; what is past this message is for the next.
  for (; states_->Valid(); states_->Next()) {
    std::optional<IndexedId> key = ParseIndexedKey(FromRocks(states_->key()));
    if (!key) return MakeStatus(StatusCode::kDataLoss, "rcpt: a key of another length");
    if (key->id < id) continue;
    if (key->id > id) break;
    if (key->index >= recipients->size()) {
      return MakeStatus(StatusCode::kDataLoss, "rcpt: a state of no recipient");
    }
    StatusOr<RecipientState> state = DecodeRecipientState(FromRocks(states_->value()));
    if (!state.ok()) return state.status();
    (*recipients)[key->index] = *state;
  }
  return FromRocks(states_->status(), "reading recipients");
}

StatusOr<std::optional<WrappedKey>> MessageCursor::JoinKey(const MessageId& id) {
  if (!keys_) {
    keys_.reset(
        database_->db().NewIterator(rocksdb::ReadOptions(), database_->handle(Family::kKey)));
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
