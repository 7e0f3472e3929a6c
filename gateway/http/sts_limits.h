// Bounds of the policies of MTA-STS that are fetched and kept, with what happens at each. Those of
// a policy itself are in dns/dns_limits.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringpost::limits {

// --- One fetch
// From its begin to its end (RFC 8461 section 3.3 suggests a minute); longer: it has failed.
inline constexpr uint32_t kStsFetchSeconds = 60;
// The addresses, one connection, its handshake; longer: it has failed, a connection but for the
// next address.
inline constexpr uint32_t kStsStepSeconds = 10;
// The request and the whole answer; longer: it has failed, however it drips.
inline constexpr uint32_t kStsAnswerSeconds = 20;
// Addresses that are tried of those that the host has.
inline constexpr size_t kStsAddressesMax = 4;
// The header of the answer; longer: it has failed.
inline constexpr size_t kStsHeaderBytesMax = 16'384;
// Why it failed, in words; the rest is cut off.
inline constexpr size_t kStsWordsBytesMax = 300;

// --- All of them
// Fetches at once; the others wait for their turn.
inline constexpr size_t kStsFetchesAtOnceMax = 32;
// Who waits for a policy, together; one more is answered at once with what is known.
inline constexpr size_t kStsWaitersMax = 20'000;
// After a failed fetch the domain is left alone for so long (RFC 8461 section 3.3: five minutes or
// longer), twice as long after each more of a refresh, up to the second.
inline constexpr uint32_t kStsRetrySeconds = 300;
// As above.
inline constexpr uint32_t kStsRetrySecondsMax = 3600;

// --- The cache
// Domains with a policy; one more takes the place of that which was not asked for longest.
inline constexpr size_t kStsDomainsMax = 100'000;
// Names and patterns of all of them; likewise.
inline constexpr size_t kStsCacheBytesMax = 64 * 1024 * 1024;
// Domains whose fetch has failed and that have no policy: of more, the oldest failure is forgotten.
inline constexpr size_t kStsFailuresMax = 10'000;
// A policy is fetched again after half of its max_age, but no later (RFC 8461 section 3.3) and no
// sooner than this.
inline constexpr uint32_t kStsRefreshSecondsMax = 86'400;
// As above.
inline constexpr uint32_t kStsRefreshSecondsMin = 300;
// ... while it is in use: asked for within this. Others expire when their max_age is over.
inline constexpr uint32_t kStsInUseSeconds = 30 * 86'400;

}  // namespace ringpost::limits
