// RecordCursor: where in the peer's stream of TLS records a reader stands (RFC 8446 section 5.1,
// RFC 5246 section 6.2.1): what it takes to reach the end of the record that is begun.
//
// Fed with every byte that is read, in order. What cannot be a record header makes it lost for
// good: it then knows no boundary (an SSLv2 hello, garbage; the library says what it thinks of
// those).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ringpost::tls {

class RecordCursor {
 public:
  static constexpr uint8_t kHeaderBytes = 5;

  void Advance(std::string_view bytes) {
    while (!bytes.empty() && !lost_) {
      if (header_bytes_ < kHeaderBytes) {
        TakeHeaderByte(static_cast<uint8_t>(bytes[0]));
        bytes.remove_prefix(1);
      } else {
        size_t count = std::min<size_t>(bytes.size(), body_left_);
        body_left_ -= static_cast<uint16_t>(count);
        bytes.remove_prefix(count);
      }
      if (header_bytes_ == kHeaderBytes && body_left_ == 0) header_bytes_ = 0;
    }
  }
  // 0: at a boundary. In a header, what is missing of it: then the body is known, and comes next.
  // Nothing: lost.
  std::optional<size_t> BytesToBoundary() const {
    if (lost_) return std::nullopt;
    if (header_bytes_ == 0) return 0;
    return header_bytes_ < kHeaderBytes ? kHeaderBytes - header_bytes_ : body_left_;
  }

 private:
  static constexpr uint8_t kTypeMin = 20, kTypeMax = 23;  // change_cipher_spec, application_data

  void TakeHeaderByte(uint8_t byte) {
    if (header_bytes_ == 0) lost_ = byte < kTypeMin || byte > kTypeMax;
    if (header_bytes_ >= 3) body_left_ = static_cast<uint16_t>(body_left_ << 8 | byte);
    if (++header_bytes_ == 1) body_left_ = 0;
  }

  uint16_t body_left_ = 0;
  uint8_t header_bytes_ = 0;
  bool lost_ = false;
};

}  // namespace ringpost::tls
