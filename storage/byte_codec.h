// Big-endian reading and writing of records. A writer fills memory whose size was computed before;
// a reader never goes past its end: after the first short read ok() is false and every value is
// zero or empty.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace ringpost::storage {

class ByteWriter {
 public:
  explicit ByteWriter(char* at) : at_(at) {}

  void U8(uint8_t value) { *at_++ = static_cast<char>(value); }
  void U16(uint16_t value) { Big(value, 2); }
  void U32(uint32_t value) { Big(value, 4); }
  void U64(uint64_t value) { Big(value, 8); }
  void Raw(std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  // Length in 16 bits, then the bytes. The caller has checked the length.
  void Text16(std::string_view text) {
    U16(static_cast<uint16_t>(text.size()));
    Raw(text);
  }
  void Text32(std::string_view text) {
    U32(static_cast<uint32_t>(text.size()));
    Raw(text);
  }
  char* at() const { return at_; }

 private:
  void Big(uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) *at_++ = static_cast<char>(value >> (8 * i));
  }
  char* at_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  uint8_t U8() { return static_cast<uint8_t>(Big(1)); }
  uint16_t U16() { return static_cast<uint16_t>(Big(2)); }
  uint32_t U32() { return static_cast<uint32_t>(Big(4)); }
  uint64_t U64() { return Big(8); }
  std::string_view Raw(size_t count) {
    if (count > rest_.size()) {
      Fail();
      return {};
    }
    std::string_view bytes = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return bytes;
  }
  std::string_view Text16() { return Raw(U16()); }
  std::string_view Text32() { return Raw(U32()); }

  void Fail() {
    ok_ = false;
    rest_ = {};
  }
  bool ok() const { return ok_; }
  // All was read, and nothing is left.
  bool AtEnd() const { return ok_ && rest_.empty(); }
  size_t left() const { return rest_.size(); }

 private:
  uint64_t Big(size_t bytes) {
    std::string_view raw = Raw(bytes);
    uint64_t value = 0;
    for (char c : raw) value = value << 8 | static_cast<uint8_t>(c);
    return value;
  }
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace ringpost::storage
