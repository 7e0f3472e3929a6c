// Bounds of suppression lists, with what happens at each.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringpost::identity::limits {

// Entries of one region's list, over all accounts: 240 MB of memory at the most. More is refused:
// what an operator adds in words, what a bounce would add by a count and a line in the log.
inline constexpr size_t kSuppressionEntriesMax = 20'000'000;
// Of an entry in canonical form; longer is no entry. Longer than any address that can be sent to.
inline constexpr size_t kSuppressionKeyBytesMax = 400;
// What is kept of a reply or a diagnostic; more is cut off.
inline constexpr size_t kSuppressionDetailBytesMax = 300;

}  // namespace ringpost::identity::limits
