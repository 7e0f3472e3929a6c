// Durable: the proof that a message is on stable storage.
//
// Only the store can make one, after its fdatasync has returned; smtp::ServerSession asks for one
// before it says 250 to a message. So "250 means durable" is a matter of types. It can be moved,
// not copied: one commit, one 250.
#pragma once

#include "gateway/base/message_id.h"

namespace ringpost {

namespace storage {
class DurableMint;  // storage/durable_mint.h, private to storage
}

class Durable {
 public:
  Durable(Durable&&) = default;
  Durable& operator=(Durable&&) = default;
  Durable(const Durable&) = delete;
  Durable& operator=(const Durable&) = delete;

  const MessageId& id() const { return id_; }

 private:
  friend class storage::DurableMint;
  explicit Durable(const MessageId& id) : id_(id) {}
  MessageId id_;
};

}  // namespace ringpost
