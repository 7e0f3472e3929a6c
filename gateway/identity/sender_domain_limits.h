// Bounds of sender domains, with what happens at each.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringpost::identity::limits {

// Characters of five random bits each. Of a token, which nobody must find by trying: 65 bits at
// least. Of a selector, which has to be like no other of the same domain. Others are refused.
inline constexpr size_t kDomainTokenBytesMin = 13;
// As above.
inline constexpr size_t kDomainTokenBytesMax = 20;
inline constexpr size_t kSelectorBytesMin = 10;
// As above.
inline constexpr size_t kSelectorBytesMax = 16;

// What a check says of a domain: sentences, and bytes of one; more is cut off.
inline constexpr size_t kDomainSentencesMax = 12;
// As above.
inline constexpr size_t kDomainSentenceBytesMax = 1200;
// Rounds of questions for advice, each of which follows from the answers before; after that it is
// given by what is known. SPF records seldom lead to others more than three times.
inline constexpr int kAdviceRoundsMax = 8;
// A domain's record as JSON; longer is refused unread.
inline constexpr size_t kDomainJsonBytesMax = 65'536;
// Keys that one selector ever had; a record with more is refused. One a day for 10,000 years.
inline constexpr uint32_t kKeyGenerationsMax = 4'000'000;

// Between two looks at a domain that is not verified, or whose last look told too little.
inline constexpr uint32_t kDomainCheckSeconds = 7 * 60;
// Between two looks at one that is.
inline constexpr uint32_t kDomainRecheckSeconds = 12 * 3600;
// How long a key signs before the other one does.
inline constexpr uint32_t kKeyTurnSeconds = 180 * 86'400;
// How much longer than mail in the queue and caches a key that signs no more stays published: who
// reads mail late verifies it late.
inline constexpr uint32_t kKeyAfterlifeSeconds = 7 * 86'400;

}  // namespace ringpost::identity::limits
