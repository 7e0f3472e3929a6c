// The one place where a Durable is made. Private to storage: RocksSpool's committer after its sync
// returned, and MemorySpool after its simulated one.
#pragma once

#include "gateway/base/durable.h"

namespace ringpost::storage {

class DurableMint {
 public:
  static Durable Make(const MessageId& id) { return Durable(id); }
};

}  // namespace ringpost::storage
