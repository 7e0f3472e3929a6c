// Rewrapper: lets old epoch keys go. It walks the store, wraps the keys of messages that are still
// here again under the current epoch (`key` rows; bodies and envelopes stay as they are), and
// retires the epochs that nothing needs any more. Private to storage; the housekeeper's thread.
//
// A message may complete while its page is read. Its key row must not be written after that: it
// would make the body readable again for as long as the new epoch lives. So the committer records
// completions from before the page is read until it is written, and leaves those out.
//
// An epoch goes only after a pass that has read every row, and whose key rows are on the disk for
// certain. What cannot be read keeps the epochs: its key may be under one of them. A record that is
// read and does not decode, or whose key does not open, is logged and left: no epoch here can help
// it. But then the slots that do not open are kept too, since the key to it may be in one. A reopen
// of the store ends a pass, since the log behind the pages before it may have lost them; and key
// rows that a log of before the reopen, or of a process that died, brought back were perhaps never
// synced, so the first pass after it writes them again.
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

  // Retires every outlived epoch, and frees the damaged slots that nothing needs. On failure they
  // stay, and the next call begins again.
  Status RetireOutlived();

 private:
  struct Page {
    std::vector<std::pair<MessageId, WrappedKey>> keys;
    bool last = false;
  };
  Status WrapSurvivors(uint32_t current);
  Status WrapPage(uint32_t current, std::optional<MessageId>* after, bool* last);
  StatusOr<Page> ReadPage(uint32_t current, std::optional<MessageId>* after);
  // Adds the message to the page where its key is of an older epoch than the last two, or where its
  // key row may not be on the disk. An error: there is nothing to wrap, its key does not open.
  Status Consider(const MessageId& id, class MessageCursor& cursor, uint32_t current, Page* page);

  Store* store_;
  KeyRing* ring_;
  Committer* committer_;
  // Key rows written since this count of reopens are known to be whole in the log.
  std::optional<uint64_t> rows_safe_since_;
  bool all_have_keys_ = false;  // in the pass so far
};

}  // namespace ringpost::storage
