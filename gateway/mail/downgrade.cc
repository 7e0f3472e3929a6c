#include "gateway/mail/downgrade.h"

namespace ringpost::mail {
namespace {

using Kind = DowngradeVerdict::Kind;

smtp::Reply Refusal(uint16_t code, uint16_t detail, const char* words) {
  return {code, {5, 6, detail}, words};
}

}  // namespace

DowngradeVerdict DecideDowngrade(const MessageNeeds& needs, const smtp::Capabilities& hop) {
  if (needs.utf8_address && !hop.smtputf8) {
    return {Kind::kRefuse, Refusal(553, 7,
                                   "The sender's address is not ASCII and the next hop does not "
                                   "offer SMTPUTF8: use an ASCII address")};
  }
  // Undeclared 8-bit in a header field is no claim to SMTPUTF8: it goes on as it came.
  if (needs.smtputf8 && needs.header_8bit && !hop.smtputf8) {
    return {Kind::kRefuse,
            Refusal(554, 7,
                    "The message's header fields hold UTF-8 and the next hop does not "
                    "offer SMTPUTF8: use encoded words")};
  }
  if (needs.declared == smtp::BodyType::kBinaryMime && !(hop.binarymime && hop.chunking)) {
    return {Kind::kReencode,
            Refusal(554, 3,
                    "The message is BINARYMIME, the next hop does not offer it, and "
                    "the message's structure does not allow re-encoding")};
  }
  if (!needs.body_8bit || hop.eight_bit_mime) return {};
  DowngradeVerdict verdict{Kind::kReencode, {}};
  if (needs.declared == smtp::BodyType::k8BitMime) {
    verdict.refusal = Refusal(554, 3,
                              "The message is 8BITMIME, the next hop does not offer it, and the "
                              "message's structure does not allow re-encoding");
  }
  return verdict;
}

}  // namespace ringpost::mail
