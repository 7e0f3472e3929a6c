// One pass over 64 bytes of message text: bit i of each mask tells of byte i. The inner loop of the
// data stream; private to gateway/smtp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace ringpost::smtp {

inline constexpr size_t kScanBytes = 64;

struct ScanMasks {
  uint64_t lf = 0;
  uint64_t cr = 0;
  uint64_t dot = 0;
  uint64_t odd = 0;  // NUL, or the eighth bit set
  bool operator==(const ScanMasks&) const = default;
};

// What the SSE2 code below must agree with; used where there is no SSE2.
inline ScanMasks ScanBytesPlainly(const char* bytes) {
  ScanMasks masks;
  for (size_t i = 0; i < kScanBytes; ++i) {
    uint64_t bit = uint64_t{1} << i;
    unsigned char c = static_cast<unsigned char>(bytes[i]);
    if (c == '\n') masks.lf |= bit;
    if (c == '\r') masks.cr |= bit;
    if (c == '.') masks.dot |= bit;
    if (c == 0 || c >= 0x80) masks.odd |= bit;
  }
  return masks;
}

#if defined(__SSE2__)
inline ScanMasks ScanBytes(const char* bytes) {
  ScanMasks masks;
  const __m128i lf = _mm_set1_epi8('\n');
  const __m128i cr = _mm_set1_epi8('\r');
  const __m128i dot = _mm_set1_epi8('.');
  const __m128i zero = _mm_setzero_si128();
  auto bits = [](__m128i v) {
    return static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(v)));
  };
  for (unsigned i = 0; i < kScanBytes / 16; ++i) {
    __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + 16 * i));
    masks.lf |= bits(_mm_cmpeq_epi8(v, lf)) << (16 * i);
    masks.cr |= bits(_mm_cmpeq_epi8(v, cr)) << (16 * i);
    masks.dot |= bits(_mm_cmpeq_epi8(v, dot)) << (16 * i);
    masks.odd |= bits(_mm_or_si128(v, _mm_cmpeq_epi8(v, zero))) << (16 * i);
  }
  return masks;
}
#else
inline ScanMasks ScanBytes(const char* bytes) { return ScanBytesPlainly(bytes); }
#endif

}  // namespace ringpost::smtp
