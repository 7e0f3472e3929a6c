#include "gateway/base/message_id.h"

#include <cstring>

#include "gateway/base/check.h"

namespace ringpost {
namespace {

constexpr char kAlphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

int DigitOf(char c) {
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  const char* at = c ? std::strchr(kAlphabet, c) : nullptr;
  return at ? static_cast<int>(at - kAlphabet) : -1;
}

}  // namespace

MessageId MessageId::Make(WallTime now, uint16_t partition, Random& random) {
  MessageId id = FirstOf(now);
  id.bytes[6] = static_cast<uint8_t>(partition >> 8);
  id.bytes[7] = static_cast<uint8_t>(partition);
  uint64_t bits = random.Next();
  std::memcpy(&id.bytes[8], &bits, 8);
  return id;
}

MessageId MessageId::FirstOf(WallTime time) {
  MessageId id;
  uint64_t ms = static_cast<uint64_t>(ToMillis(time));
  for (int i = 0; i < 6; ++i) id.bytes[i] = static_cast<uint8_t>(ms >> (40 - 8 * i));
  return id;
}

std::string MessageId::ToString() const {
  // 128 bits as 26 digits of 5 bits: the first digit carries the two top bits of 130.
  std::string text(kTextSize, '0');
  unsigned __int128 value = 0;
  for (uint8_t byte : bytes) value = value << 8 | byte;
  for (size_t i = kTextSize; i-- > 0; value >>= 5)
    text[i] = kAlphabet[static_cast<int>(value & 31)];
  return text;
}

std::optional<MessageId> MessageId::Parse(std::string_view text) {
  if (text.size() != kTextSize || DigitOf(text[0]) > 7) return std::nullopt;
  unsigned __int128 value = 0;
  for (char c : text) {
    int digit = DigitOf(c);
    if (digit < 0) return std::nullopt;
    value = value << 5 | static_cast<unsigned>(digit);
  }
  MessageId id;
  for (size_t i = 16; i-- > 0; value >>= 8) id.bytes[i] = static_cast<uint8_t>(value);
  return id;
}

MessageId MessageId::FromKey(std::string_view sixteen_bytes) {
  RP_CHECK(sixteen_bytes.size() == 16);
  MessageId id;
  std::memcpy(id.bytes.data(), sixteen_bytes.data(), 16);
  return id;
}

WallTime MessageId::time() const {
  int64_t ms = 0;
  for (int i = 0; i < 6; ++i) ms = ms << 8 | bytes[i];
  return WallFromMillis(ms);
}

uint64_t MessageId::random_part() const {
  uint64_t bits;
  std::memcpy(&bits, &bytes[8], 8);
  return bits;
}

}  // namespace ringpost
