// HeaderScan: what a relay must know of a message's header section, found in one pass over its
// pieces.
//
// Bounded (limits::kHeaderSectionBytesMax) and shallow: no MIME tree, no decoding. RFC 5322
// section 2.2.
//
// Forgiven: obsolete white space before the colon (RFC 5322 section 4.5), LF alone as the end of a
// line, a "From " or ">From " line of a mailbox file at the very start. The section ends at the
// first empty line; a line that is no field and continues none ends it too, without a separator.
// Threads: those of the slices; nothing is kept.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/slice.h"

namespace ringpost::mail {

struct HeaderSummary {
  bool has_date = false;
  bool has_message_id = false;
  uint32_t from_count = 0;
  uint32_t received_count = 0;
  uint32_t delivered_to_count = 0;
  size_t header_bytes = 0;  // up to and with the empty line; the body begins there
  // Of a mailbox file's "From " line at the very start, which is no field and must not be sent on;
  // counted in header_bytes too. 0: there is none.
  size_t mailbox_line_bytes = 0;
  bool ended = false;  // more bytes would change nothing: the section's end was seen, or the limit
  bool has_separator = false;  // the empty line is there
  bool truncated = false;      // longer than the limit: header_bytes is where the scan ended
  std::string message_id;      // as written, "<...>"; cut at 998 bytes
  // The values of all From fields, unfolded (RFC 5322 section 2.2.3), one after another: for
  // ReadFrom. Longer than limits::kFromFieldBytesMax in all, or in a line that is too long to be
  // looked at whole: from_cut.
  std::string from;
  bool from_cut = false;
  bool eight_bit_header = false;
};

HeaderSummary ScanHeaders(const SliceChain& message);

}  // namespace ringpost::mail
