#include "storage/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace ringpost::storage {
namespace {

constexpr std::array<uint32_t, 256> kTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = value >> 1 ^ (value & 1 ? 0x82F63B78 : 0);  // Castagnoli's polynomial, reflected
    }
    table[i] = value;
  }
  return table;
}();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t ExtendByInstruction(uint32_t crc,
                                                               std::string_view bytes) {
  const char* at = bytes.data();
  size_t left = bytes.size();
  uint64_t sum = ~crc;
  for (; left >= 8; at += 8, left -= 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    sum = _mm_crc32_u64(sum, word);
  }
  for (; left > 0; ++at, --left) {
    sum = _mm_crc32_u8(static_cast<uint32_t>(sum), static_cast<uint8_t>(*at));
  }
  return ~static_cast<uint32_t>(sum);
}
#endif

}  // namespace

uint32_t ExtendCrc32cByTable(uint32_t crc, std::string_view bytes) {
  crc = ~crc;
  for (char c : bytes) crc = crc >> 8 ^ kTable[(crc ^ static_cast<uint8_t>(c)) & 0xFF];
  return ~crc;
}

uint32_t ExtendCrc32c(uint32_t crc, std::string_view bytes) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2");
  if (has_instruction) return ExtendByInstruction(crc, bytes);
#endif
  return ExtendCrc32cByTable(crc, bytes);
}

uint32_t MaskedCrc32c(std::string_view bytes) {
  uint32_t crc = ExtendCrc32c(0, bytes);
  return (crc >> 15 | crc << 17) + 0xA282EAD8;
}

}  // namespace ringpost::storage

#if defined(__x86_64__)
// In the place of RocksDB's own (util/crc32c.h, which is not installed): its calls go through the
// dynamic linker, which finds this one first. Where a RocksDB does not export or call it, this is
// merely unused.
namespace rocksdb::crc32c {
__attribute__((visibility("default"), used)) uint32_t Extend(uint32_t crc, const char* bytes,
                                                             size_t size) {
  return ringpost::storage::ExtendCrc32c(crc, {bytes, size});
}
}  // namespace rocksdb::crc32c
#endif
