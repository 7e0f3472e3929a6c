// Bounds of how suppressions come in and are kept, with what happens at each.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringpost::session::limits {

// Suppressions that shards and readers of bounces have handed in and that are not on disk yet: some
// 40 MB. More are dropped, counted and logged; the next bounce adds them again.
inline constexpr size_t kSuppressionsWaitingMax = 65'536;
// Written to the store in one batch.
inline constexpr size_t kSuppressionsPerWriteMax = 4096;
// After a failed write, before the next try; the batch waits meanwhile.
inline constexpr uint32_t kSuppressionRetryMillis = 1000;
// Between two lines of the log that say how many were dropped.
inline constexpr uint32_t kSuppressionsDroppedLogMillis = 10'000;
// Changes of one request, and requests that wait; more is refused.
inline constexpr size_t kSuppressionChangesMax = 5000;
// As above.
inline constexpr size_t kSuppressionRequestsMax = 64;
// Of the store, in memory, before it is flushed.
inline constexpr uint64_t kSuppressionMemtableBytes = 16 * 1024 * 1024;

}  // namespace ringpost::session::limits
