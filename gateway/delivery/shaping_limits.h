// Bounds of traffic shaping, with what happens at each.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringpost::delivery::limits {

// --- The shaping file
// Rules of all kinds in one table, and patterns of one rule; more is an error.
inline constexpr size_t kShapingRulesMax = 20'000;
// As above.
inline constexpr size_t kShapingPatternsMax = 1000;
// [[provider]] tables of one file; more is an error.
inline constexpr size_t kShapingProvidersMax = 1000;
// Names of providers and automations; longer is an error.
inline constexpr size_t kShapingNameBytesMax = 64;
// Longest period of a rate.
inline constexpr uint32_t kPacePeriodSecondsMax = 31 * 86'400;
// Messages of one connection, recipients of one transaction, as far as a rule may set them.
inline constexpr uint32_t kShapingMessagesMax = 1'000'000;
// As above.
inline constexpr uint32_t kShapingRecipientsMax = 50'000;
// Time-outs that a rule may set.
inline constexpr uint32_t kShapingTimeoutSecondsMax = 3600;

// --- Automation
// Automations of one table; more is an error. All of their patterns are looked for at once.
inline constexpr size_t kAutomationsMax = 1000;
// Of a pattern as it is written, and of what all of them together may take once compiled; more is
// an error.
inline constexpr size_t kReplyPatternBytesMax = 1000;
// As above. Of a pattern by itself, and of the set.
inline constexpr int64_t kReplyPatternMemoryBytesMax = 256 * 1024;
// As above.
inline constexpr int64_t kReplyPatternsMemoryBytesMax = 16 * 1024 * 1024;
// How much of a reply is looked at; the rest is not.
inline constexpr size_t kReplyMatchedBytesMax = 1024;
// Replies of one period that an automation may wait for: the times of that many are kept. More is
// an error.
inline constexpr uint32_t kAutomationRepliesMax = 100;
// Longest period and longest effect of an automation.
inline constexpr uint32_t kAutomationPeriodSecondsMax = 86'400;
// As above.
inline constexpr uint32_t kAutomationEffectSecondsMax = 7 * 86'400;
// Places (an automation at a site, of an account) that are counted at once. At the bound the one
// that no reply was seen for the longest is forgotten, with what is in force there: who sends
// replies from ever new sites buys others a reply more, at most.
inline constexpr size_t kAutomationPlacesMax = 20'000;

}  // namespace ringpost::delivery::limits
