// InboundBacklog: what a connection received and cannot use yet. Exists only while there is some.
#pragma once

#include <string>
#include <vector>

#include "gateway/base/slice.h"

namespace ringpost::session {

struct InboundBacklog {
  std::vector<Slice> slices;  // in order; short: the stream is paused at kSessionBacklogBytesMax
  size_t bytes = 0;
  std::string proxy_header;  // of a PROXY header that is not whole yet
};

}  // namespace ringpost::session
