// HeaderScan: what a relay must know of a message's header section, found in one pass over its pieces.
//
// Bounded (limits::kHeaderSectionBytesMax) and shallow: no MIME tree, no decoding. RFC 5322 section 2.2.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/slice.h"

namespace ringpost::mail {

struct HeaderSummary {
  bool has_date = false;
  bool has_message_id = false;
  bool has_from = false;
  uint32_t received_count = 0;
  uint32_t delivered_to_count = 0;
  size_t header_bytes = 0;  // up to and with the empty line; the body begins there
  std::string message_id;   // as written, "<...>"; cut at 998 bytes
  bool eight_bit_header = false;
};

HeaderSummary ScanHeaders(const SliceChain& message);

}  // namespace ringpost::mail
