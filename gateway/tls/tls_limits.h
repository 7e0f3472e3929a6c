// Bounds of what a peer's certificate is held to, with what happens at each. Those of connections
// are in base/limits.h.
#pragma once

#include <cstddef>

namespace ringpost::tls::limits {

// Certificates of a peer's chain, the leaf first, that a TLSA record may match; what is behind them
// matches none.
inline constexpr size_t kDanePresentedMax = 16;
// Whole keys of authorities (DANE-TA, SPKI, Full) that are tried on a chain, each a signature to
// verify; more: the others match nothing. Nobody is known to publish even one.
inline constexpr size_t kDaneBareKeysMax = 4;
// Records that a failure names, and the bytes of data of each.
inline constexpr size_t kDaneWordsRecordsMax = 4;
// As above.
inline constexpr size_t kDaneWordsDataBytes = 8;

}  // namespace ringpost::tls::limits
