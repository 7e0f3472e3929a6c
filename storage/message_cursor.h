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
  // Starts at this key, or at the first one after it.
  MessageCursor(Database* database, std::string_view from);

  bool Valid() const { return envelopes_->Valid(); }
  void Next() { envelopes_->Next(); }
  // What kept envelopes or key rows from being read. Once it is not OK it stays so: nothing more
  // comes out of this cursor.
  rocksdb::Status status() const;

  std::string_view key() const { return {envelopes_->key().data(), envelopes_->key().size()}; }
  std::string_view value() const {
    return {envelopes_->value().data(), envelopes_->value().size()};
  }

  // States of the current message's recipients; `recipients` has one entry for each already.
  // DATA_LOSS: some are damaged and left as they were; the rest, and what the next message has, is
  // read all the same. Anything else: they could not be read now.
  Status JoinStates(const MessageId& id, std::vector<RecipientState>* recipients);
  // The key row of the current message, where it has one. An error: it could not be read (status()
  // says so too), or it does not decode.
  StatusOr<std::optional<WrappedKey>> JoinKey(const MessageId& id);

 private:
  Database* database_;
  std::unique_ptr<rocksdb::Iterator> envelopes_;
  std::unique_ptr<rocksdb::Iterator> states_;  // made when first asked for
  std::unique_ptr<rocksdb::Iterator> keys_;
};

}  // namespace ringpost::storage
