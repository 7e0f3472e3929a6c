// The fields of a report on delivery (RFC 3464 section 2) and on abuse (RFC 5965 section 3).
// Private to bounce_*.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/mail/bounce_reader.h"

namespace ringpost::mail {

// "rfc822; user@example.com", "utf-8; ..." (RFC 6533 section 3), or the address alone. Empty where
// there is none.
std::string TypedBounceAddress(std::string_view value);
// An address as it stands in a text or a field, with or without angle brackets; empty: it is none.
std::string PlainBounceAddress(std::string_view text);

// The first "class.subject.detail" with class 2, 4 or 5 that stands alone in `text`.
smtp::EnhancedCode FindStatus(std::string_view text);
// The first basic code from 400 on with what follows it in `text`: "... said: 550 5.1.1 no". Code
// 0: there is none.
smtp::Reply FindBounceReply(std::string_view text);

// The groups of a delivery status: those of recipients are added to `facts`.
void ReadDeliveryStatus(std::string_view text, BounceFacts* facts);
// The fields of a feedback report. False: it is none.
bool ReadFeedback(std::string_view text, FeedbackFacts* feedback);

}  // namespace ringpost::mail
