#include "storage/wal_reader.h"

#include <cstddef>

#include "storage/crc32c.h"

namespace ringpost::storage {
namespace {

constexpr size_t kBlockBytes = 32 * 1024;
constexpr size_t kHeadBytes = 7;
enum FragmentType : uint8_t { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

uint32_t Little(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = bytes.size(); i > 0; --i) value = value << 8 | static_cast<uint8_t>(bytes[i - 1]);
  return value;
}

enum class Look : uint8_t { kWhole, kEndsEarly, kZeros, kDamaged };

// What lies at the start of `rest`, the rest of a block; `last`: the log's last one.
Look LookAt(std::string_view rest, bool last, size_t* size) {
  auto type = static_cast<uint8_t>(rest[6]);
  uint32_t bytes = Little(rest.substr(4, 2));
  *size = kHeadBytes + bytes;
  if (type == 0 && bytes == 0) return Look::kZeros;
  if (*size > rest.size()) return last ? Look::kEndsEarly : Look::kDamaged;
  bool checks = type >= kFull && type <= kLast &&
                MaskedCrc32c(rest.substr(6, *size - 6)) == Little(rest.substr(0, 4));
  return checks ? Look::kWhole : Look::kDamaged;
}

}  // namespace

LogShape ShapeOf(std::string_view log) {
  LogShape shape;
  bool within = false;  // a record that has begun
  for (size_t start = 0; start < log.size(); start += kBlockBytes) {
    std::string_view block = log.substr(start, kBlockBytes);
    size_t size = 0;
    for (size_t at = 0; block.size() - at >= kHeadBytes; at += size) {
      Look look = LookAt(block.substr(at), start + kBlockBytes >= log.size(), &size);
      if (look != Look::kWhole) {
        shape.damaged |= look == Look::kDamaged || (look == Look::kZeros && within);
        within = false;
        break;  // where the next fragment begins is not known before the next block
      }
      auto type = static_cast<uint8_t>(block[at + 6]);
      bool begins = type == kFull || type == kFirst;
      bool whole = type == kFull || (type == kLast && within);
      shape.damaged |= begins == within;
      within = type == kFirst || (type == kMiddle && within);
      if (!whole) continue;
      ++shape.records;
      shape.whole_after_damage |= shape.damaged;
      if (!shape.damaged) shape.whole_bytes = start + at + size;
    }
  }
  return shape;
}

}  // namespace ringpost::storage
