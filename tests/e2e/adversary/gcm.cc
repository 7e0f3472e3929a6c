#include "tests/e2e/adversary/gcm.h"

#include <algorithm>
#include <cstring>

namespace adversary {

__m128i CounterBlock(const uint8_t* nonce, uint32_t counter) {
  alignas(16) uint8_t block[kBlockBytes];
  std::memcpy(block, nonce, kNonceBytes);
  for (int i = 0; i < 4; ++i)
    block[kNonceBytes + i] = static_cast<uint8_t>(counter >> (24 - 8 * i));
  return Load(block);
}

// Carry-less product of 256 bits, moved up by one bit (the bits are the other way round), and
// reduced by x^128 + x^7 + x^2 + x + 1 in two steps.
__m128i Multiply(__m128i a, __m128i b) {
  __m128i low = _mm_clmulepi64_si128(a, b, 0x00);
  __m128i high = _mm_clmulepi64_si128(a, b, 0x11);
  __m128i middle =
      _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x10), _mm_clmulepi64_si128(a, b, 0x01));
  low = _mm_xor_si128(low, _mm_slli_si128(middle, 8));
  high = _mm_xor_si128(high, _mm_srli_si128(middle, 8));

  __m128i low_carry = _mm_srli_epi32(low, 31), high_carry = _mm_srli_epi32(high, 31);
  low = _mm_or_si128(_mm_slli_epi32(low, 1), _mm_slli_si128(low_carry, 4));
  high = _mm_or_si128(_mm_slli_epi32(high, 1), _mm_slli_si128(high_carry, 4));
  high = _mm_or_si128(high, _mm_srli_si128(low_carry, 12));

  __m128i fold = _mm_xor_si128(_mm_xor_si128(_mm_slli_epi32(low, 31), _mm_slli_epi32(low, 30)),
                               _mm_slli_epi32(low, 25));
  low = _mm_xor_si128(low, _mm_slli_si128(fold, 12));
  __m128i rest = _mm_xor_si128(_mm_xor_si128(_mm_srli_epi32(low, 1), _mm_srli_epi32(low, 2)),
                               _mm_srli_epi32(low, 7));
  rest = _mm_xor_si128(rest, _mm_srli_si128(fold, 4));
  return _mm_xor_si128(high, _mm_xor_si128(low, rest));
}

__m128i Lengths(uint64_t associated_bytes, uint64_t text_bytes) {
  return _mm_set_epi64x(static_cast<int64_t>(associated_bytes * 8),
                        static_cast<int64_t>(text_bytes * 8));
}

__m128i Hash(__m128i hash, __m128i hash_key, std::string_view bytes) {
  while (!bytes.empty()) {
    alignas(16) uint8_t block[kBlockBytes] = {};
    size_t count = std::min(bytes.size(), kBlockBytes);
    std::memcpy(block, bytes.data(), count);
    hash = Multiply(_mm_xor_si128(hash, Swap(Load(block))), hash_key);
    bytes.remove_prefix(count);
  }
  return hash;
}

bool Open(const Key& key, const uint8_t* nonce, std::string_view associated,
          std::string_view sealed, std::string* plain) {
  if (sealed.size() < kTagBytes) return false;
  Schedule schedule(key.data());
  std::string_view text = sealed.substr(0, sealed.size() - kTagBytes);
  __m128i hash_key = schedule.HashKey();
  __m128i hash = Hash(Hash(_mm_setzero_si128(), hash_key, associated), hash_key, text);
  hash = Multiply(_mm_xor_si128(hash, Lengths(associated.size(), text.size())), hash_key);
  __m128i tag = _mm_xor_si128(Swap(hash), schedule.Encrypt(CounterBlock(nonce, 1)));
  if (!Same(tag, Load(sealed.data() + text.size()))) return false;
  plain->assign(text);
  for (size_t at = 0; at < text.size(); at += kBlockBytes) {
    alignas(16) char stream[kBlockBytes];
    uint32_t counter = static_cast<uint32_t>(at / kBlockBytes) + 2;
    _mm_store_si128(reinterpret_cast<__m128i*>(stream),
                    schedule.Encrypt(CounterBlock(nonce, counter)));
    for (size_t i = 0; i < kBlockBytes && at + i < text.size(); ++i) (*plain)[at + i] ^= stream[i];
  }
  return true;
}

}  // namespace adversary
