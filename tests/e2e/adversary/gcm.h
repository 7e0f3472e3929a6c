// AES-256-GCM (NIST SP 800-38D) for a search over many keys: a key is set up and tried in some
// hundred cycles. Written for x86-64's AES and carry-less multiplication instructions.
//
// Shares nothing with the gateway's code on purpose: who looks for what it left behind knows
// FORMAT.md and the standard, no more.
#pragma once

#include <immintrin.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace adversary {

inline constexpr size_t kKeyBytes = 32;
inline constexpr size_t kNonceBytes = 12;
inline constexpr size_t kTagBytes = 16;
inline constexpr size_t kBlockBytes = 16;
inline constexpr size_t kWrappedBytes = kNonceBytes + kKeyBytes + kTagBytes;

using Key = std::array<uint8_t, kKeyBytes>;

inline __m128i Load(const void* at) { return _mm_loadu_si128(static_cast<const __m128i*>(at)); }
inline bool Same(__m128i a, __m128i b) { return _mm_movemask_epi8(_mm_cmpeq_epi8(a, b)) == 0xFFFF; }
// GHASH counts bits from the other end than the processor does.
inline __m128i Swap(__m128i block) {
  return _mm_shuffle_epi8(block,
                          _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

namespace internal {

template <int kRound>
inline void ExpandPair(__m128i* round) {
  __m128i low = round[2 * kRound - 2], high = round[2 * kRound - 1];
  __m128i word = _mm_shuffle_epi32(_mm_aeskeygenassist_si128(high, 1 << (kRound - 1)), 0xFF);
  low = _mm_xor_si128(low, _mm_slli_si128(low, 4));
  low = _mm_xor_si128(low, _mm_slli_si128(low, 8));
  low = _mm_xor_si128(low, word);
  round[2 * kRound] = low;
  if constexpr (kRound < 7) {
    word = _mm_shuffle_epi32(_mm_aeskeygenassist_si128(low, 0), 0xAA);
    high = _mm_xor_si128(high, _mm_slli_si128(high, 4));
    high = _mm_xor_si128(high, _mm_slli_si128(high, 8));
    round[2 * kRound + 1] = _mm_xor_si128(high, word);
  }
}

}  // namespace internal

// The expanded key (FIPS 197 section 5.2).
struct Schedule {
  explicit Schedule(const uint8_t* key) {
    round[0] = Load(key);
    round[1] = Load(key + kBlockBytes);
    internal::ExpandPair<1>(round);
    internal::ExpandPair<2>(round);
    internal::ExpandPair<3>(round);
    internal::ExpandPair<4>(round);
    internal::ExpandPair<5>(round);
    internal::ExpandPair<6>(round);
    internal::ExpandPair<7>(round);
  }
  __m128i Encrypt(__m128i block) const {
    block = _mm_xor_si128(block, round[0]);
    for (int i = 1; i < 14; ++i) block = _mm_aesenc_si128(block, round[i]);
    return _mm_aesenclast_si128(block, round[14]);
  }
  // What GHASH multiplies with.
  __m128i HashKey() const { return Swap(Encrypt(_mm_setzero_si128())); }

  __m128i round[15];
};

// The counter block of a nonce: 1 for the tag, 2 and up for the text.
__m128i CounterBlock(const uint8_t* nonce, uint32_t counter);

// Product in GF(2^128), both factors and the result swapped.
__m128i Multiply(__m128i a, __m128i b);

// The lengths of associated data and text, as GHASH takes them last, swapped.
__m128i Lengths(uint64_t associated_bytes, uint64_t text_bytes);

// GHASH over whole and padded blocks of `bytes`, going on from `hash`.
__m128i Hash(__m128i hash, __m128i hash_key, std::string_view bytes);

// `sealed` is ciphertext and tag. False: this is not the key.
bool Open(const Key& key, const uint8_t* nonce, std::string_view associated,
          std::string_view sealed, std::string* plain);

}  // namespace adversary
