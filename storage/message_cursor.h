// MessageCursor: walks the messages of a store in id order, joining `envelope` with the `rcpt` and
// `key` rows of each. Holds iterators, so it lives for one bounded page inside one Store::Use.
// Private to storage.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "storage/database.h"
#include "storage/records.h"
#include "storage/rows.h"

namespace ringpost::storage {

class MessageCursor {
 public:
  // Starts at the first message after `after`, or at the first of all.
  MessageCursor(Database* database, const std::optional<MessageId>& after);

  bool Valid() const { return envelopes_->Valid(); }
  void Next() { envelopes_->Next(); }
  rocksdb::Status status() const { return envelopes_->status(); }

  std::string_view key() const { return {envelopes_->key().data(), envelopes_->key().size()}; }
  std::string_view value() const {
    return {envelopes_->value().data(), envelopes_->value().size()};
  }

  // States of the current message's recipients; `recipients` has one entry for each already.
  Status JoinStates(const MessageId& id, std::vector<RecipientState>* recipients);
  // The key row of the current message, where it has one.
  StatusOr<std::optional<WrappedKey>> JoinKey(const MessageId& id);

 private:
  Database* database_;
  std::optional<MessageId> after_;
  std::unique_ptr<rocksdb::Iterator> envelopes_;
  std::unique_ptr<rocksdb::Iterator> states_;  // made when first asked for
  std::unique_ptr<rocksdb::Iterator> keys_;
};

}  // namespace ringpost::storage
