// The one place that decides what becomes of a message whose next hop lacks an extension it needs.
//
// 8-bit content to a hop without 8BITMIME: text parts are re-encoded (quoted-printable or base64) where the
// MIME structure is simple and whole (bounded: limits in limits.h), as Postfix does; else the message is sent
// unchanged if it merely was undeclared 8-bit, or refused 5.6.3 (RFC 6152 section 3). An address or header that
// needs SMTPUTF8 is never downgraded: 5.6.7 (RFC 6531 section 3.5). BINARYMIME needs a hop with BINARYMIME,
// or re-encoding: 5.6.3 where that is not possible.
#pragma once

#include <optional>
#include <string>

#include "gateway/base/slice.h"
#include "gateway/smtp/client_session.h"
#include "gateway/smtp/envelope.h"
#include "gateway/smtp/reply.h"

namespace ringpost::mail {

struct DowngradeVerdict {
  enum class Kind : uint8_t {
    kAsIs,      // send unchanged
    kReencode,  // call Reencode on the whole message
    kRefuse,    // `refusal` is final for this hop
  } kind = Kind::kAsIs;
  smtp::Reply refusal;
};

struct MessageNeeds {
  bool body_8bit = false;
  bool header_8bit = false;
  smtp::BodyType declared = smtp::BodyType::k7Bit;
  bool smtputf8 = false;      // declared by the client
  bool utf8_address = false;  // an address of this transaction has it
};

DowngradeVerdict DecideDowngrade(const MessageNeeds& needs, const smtp::Capabilities& hop);
// The message with 8-bit parts re-encoded; nothing where its structure does not allow it.
std::optional<std::string> Reencode(std::string_view message);

}  // namespace ringpost::mail
