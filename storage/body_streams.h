// BodyStreams: bodies that are coming in as chunks, between their first chunk and the accept or
// discard that ends them. Private to storage; the committer's thread.
//
// A stream's key lives only here, in locked memory, until the accept wraps it: chunks whose message
// was never accepted cannot be opened by anybody after a crash, and are swept (their rows in `meta`
// name them).
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "gateway/base/message_id.h"
#include "gateway/tls/aead.h"
#include "storage/locked_keys.h"

namespace ringpost::storage {

struct BodyStream {
  LockedKeys::Holder key;
  uint32_t chunks = 0;  // rows written
  uint64_t bytes = 0;   // plain
  tls::Sha256 digest;   // over the chunks' tags
  bool refused =
      false;  // a chunk was out of order, or the store failed meanwhile: no accept any more
};

class BodyStreams {
 public:
  explicit BodyStreams(size_t capacity) : keys_(capacity) {}

  BodyStream* Find(const MessageId& id) {
    auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : found->second.get();
  }
  // Null: as many as there may be.
  BodyStream* Begin(const MessageId& id) {
    LockedKeys::Holder key = keys_.Take();
    if (!key) return nullptr;
    *key = tls::Key::Random();
    std::unique_ptr<BodyStream>& stream = streams_[id];
    stream = std::make_unique<BodyStream>();
    stream->key = std::move(key);
    return stream.get();
  }
  void End(const MessageId& id) { streams_.erase(id); }
  template <typename Visit>
  void ForEach(Visit visit) {
    for (auto& [id, stream] : streams_) visit(id, *stream);
  }
  bool memory_locked() const { return keys_.locked(); }

 private:
  LockedKeys keys_;
  std::unordered_map<MessageId, std::unique_ptr<BodyStream>, MessageIdHash> streams_;
};

}  // namespace ringpost::storage
