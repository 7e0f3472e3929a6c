// Rewrapper: lets old epoch keys go. It walks the store, wraps the keys of messages that are still
// here again under the current epoch (`key` rows; bodies and envelopes stay as they are), and
// retires the epochs that nothing needs any more. Private to storage; the housekeeper's thread.
//
// A message may complete while its page is read. Its key row must not be written after that: it
// would make the body readable again for as long as the new epoch lives. So the committer records
// completions from before the page is read until it is written, and leaves those out.
#pragma once

#include <optional>
#include <vector>

#include "storage/committer.h"
#include "storage/key_ring.h"
#include "storage/store.h"

namespace ringpost::storage {

class Rewrapper {
 public:
  Rewrapper(Store* store, KeyRing* ring, Committer* committer)
      : store_(store), ring_(ring), committer_(committer) {}

  // Retires every outlived epoch. On failure they stay, and the next call begins again.
  Status RetireOutlived();

 private:
  struct Page {
    std::vector<std::pair<MessageId, WrappedKey>> keys;
    bool last = false;
  };
  Status WrapSurvivors(uint32_t current);
  StatusOr<Page> ReadPage(uint32_t current, std::optional<MessageId>* after);
  // Adds the message to the page where its key is of an older epoch than the last two.
  Status Consider(const MessageId& id, class MessageCursor& cursor, uint32_t current, Page* page);

  Store* store_;
  KeyRing* ring_;
  Committer* committer_;
};

}  // namespace ringpost::storage
