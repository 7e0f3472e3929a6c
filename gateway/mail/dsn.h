// Delivery status notifications: multipart/report of RFC 3464 and RFC 6522, in words a person can
// use. The caller sends them with the null reverse-path.
//
// Auto-Submitted: auto-replied (RFC 3834). Where the original needs SMTPUTF8, the RFC 6533 form:
// message/global-delivery-status and kin, UTF-8 as it is. Elsewhere all is ASCII: addresses beyond
// it are spelt out as utf-8-addr-xtext, and an original with 8-bit parts is re-encoded, or its
// header section alone is returned as quoted-printable. The bytes of remote replies, addresses and
// originals are hostile: made printable, cut (limits::kReplyTextKeptBytesMax,
// kReportReturnBytesMax, kReportHeaderBytesMax) and fenced by a boundary that none of them holds.
//
// Threads: none of its own; a pure function.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/message_id.h"
#include "gateway/base/time.h"
#include "gateway/smtp/envelope.h"
#include "gateway/smtp/reply.h"

namespace ringpost::mail {

enum class DsnAction : uint8_t { kFailed, kDelayed, kDelivered, kRelayed, kExpanded };

struct DsnRecipient {
  smtp::Recipient recipient;
  DsnAction action = DsnAction::kFailed;
  smtp::Reply reply;          // the last one; code 0: reply.text is our own diagnosis
  std::string remote_mta;     // name or address of who said it; empty: ourselves
  WallTime last_attempt;      // the epoch: not said
  WallTime will_retry_until;  // kDelayed; the epoch: not said
};

struct DsnInput {
  std::string_view hostname;
  MessageId original_id;
  MessageId report_id;
  std::string_view reverse_path;  // of the original: where the report goes; not empty
  std::string_view envid;
  WallTime arrival;
  WallTime now;
  bool smtputf8 = false;
  bool return_full = false;   // RET=FULL and the body is at hand
  std::string_view original;  // header section of the original, or all of it with return_full
  std::vector<DsnRecipient> recipients;  // at least one
};

// The whole report: header section and body, CRLF lines of at most 998 bytes, 7-bit unless smtputf8
// (then it needs SMTPUTF8 and 8BITMIME).
std::string BuildDsn(const DsnInput& input);

}  // namespace ringpost::mail
