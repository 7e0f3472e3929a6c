// The header fields a gateway puts before a message: Received (RFC 5321 section 4.4, with-keywords
// of RFC 3848 and 6531) and, where they are missing, Date and Message-ID (RFC 6409 section 8).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/ip_address.h"
#include "gateway/base/message_id.h"
#include "gateway/base/time.h"
#include "gateway/mail/header_scan.h"

namespace ringpost::mail {

struct TraceInput {
  std::string_view helo;  // what the client called itself; hostile
  IpAddress client;
  std::string_view hostname;     // ours
  std::string_view protocol;     // SMTP, ESMTP, UTF8SMTP, ...
  std::string_view tls_version;  // "TLSv1.3"; empty: in clear
  std::string_view tls_cipher;   // "TLS_AES_128_GCM_SHA256" (RFC 8314 section 4.3)
  bool tls_in_kernel = false;    // it makes the records, of one direction at least
  MessageId id;
  std::optional<std::string_view> single_recipient;  // "for <...>", only where there is just one
  WallTime now;
};

// Lines with CRLF; no line longer than 78 where it can be helped, never longer than 998.
//
// The name the client gave itself stands as it is where it is a domain or an address literal (an
// underscore is let pass: old devices have it). Anything else goes into a comment, made safe, and
// the client's address takes its place. A recipient that could break the field is left out.
std::string ReceivedField(const TraceInput& input);
// "Date: ..." and "Message-ID: <id@hostname>" as far as `headers` lacks them; may be empty. To
// stand before the message, after ReceivedField. Where the message has no header section at all it
// ends in the empty line that the message lacks.
std::string MissingFields(const TraceInput& input, const HeaderSummary& headers);

}  // namespace ringpost::mail
