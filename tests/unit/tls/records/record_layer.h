// RecordLayer: TLS records sealed and opened by hand, under the keys that a connection gave out:
// what the kernel does, and what a peer needs to say what no library says. For tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/tls/record_keys.h"

namespace ringpost::tls {

class RecordLayer {
 public:
  explicit RecordLayer(const RecordKeys& keys);
  ~RecordLayer();
  RecordLayer(RecordLayer&&) noexcept;

  // As the kernel reads what it is given (include/uapi/linux/tls.h).
  static std::optional<RecordKeys> FromKernel(std::span<const std::byte> bytes);

  std::string Seal(uint8_t type, std::string_view bytes);
  // A whole record: its type and plaintext. Nothing: it does not open.
  std::optional<std::pair<uint8_t, std::string>> Open(std::string_view record);

 private:
  bool ExplicitNonce() const {
    return !keys_.tls13 && keys_.cipher != RecordCipher::kChaCha20Poly1305;
  }
  std::string NextNonce();
  std::string Associated(const std::string& header, size_t plain_size) const;

  struct Context;
  RecordKeys keys_;
  uint64_t explicit_nonce_;
  std::unique_ptr<Context> context_;
};

}  // namespace ringpost::tls
