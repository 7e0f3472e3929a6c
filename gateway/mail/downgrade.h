// The one place that decides what becomes of a message whose next hop lacks an extension it needs.
//
// 8-bit content to a hop without 8BITMIME: text parts are re-encoded (quoted-printable or base64)
// where the MIME structure is simple and whole (bounded: limits in limits.h), as Postfix does; else
// the message is sent unchanged if it merely was undeclared 8-bit, or refused 5.6.3 (RFC 6152
// section 3). An address or header that needs SMTPUTF8 is never downgraded: 5.6.7 (RFC 6531
// section 3.5). BINARYMIME needs a hop with BINARYMIME, or re-encoding: 5.6.3 where that is not
// possible.
//
// Re-encoding breaks signatures over the body (DKIM of others), as everywhere; it is the last
// resort. Threads: none of its own; pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/slice.h"
#include "gateway/smtp/client_session.h"
#include "gateway/smtp/envelope.h"
#include "gateway/smtp/reply.h"

namespace ringpost::mail {

struct DowngradeVerdict {
  enum class Kind : uint8_t {
    kAsIs,      // send unchanged
    kReencode,  // call Reencode on the whole message, and send the result as BodyType::k7Bit
    kRefuse,    // `refusal` is final for this hop
  } kind = Kind::kAsIs;
  // kReencode: what to answer where Reencode gives nothing; code 0: send the message unchanged
  // then.
  smtp::Reply refusal;
};

struct MessageNeeds {
  bool body_8bit = false;
  bool header_8bit = false;
  smtp::BodyType declared = smtp::BodyType::k7Bit;
  bool smtputf8 = false;      // declared by the client
  bool utf8_address = false;  // the reverse-path has it
};

DowngradeVerdict DecideDowngrade(const MessageNeeds& needs, const smtp::Capabilities& hop);
// The message (whole, header section included) with its 8-bit and binary parts re-encoded and
// labelled so; every other byte is kept, the header section too beyond its
// Content-Transfer-Encoding. Nothing where its structure does not allow it: no MIME-Version, a
// header section that does not parse, encodings or boundaries that are unclear, 8-bit in the header
// section of a part, in message/* or in multipart/signed, beyond the limits for MIME in limits.h.
std::optional<std::string> Reencode(std::string_view message);

}  // namespace ringpost::mail
