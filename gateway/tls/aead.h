// Authenticated encryption, hashes and key material, over BoringSSL.
//
// Bodies and message keys are sealed with AES-256-GCM, 96-bit nonce, 128-bit tag (NIST SP 800-38D).
// A message key seals one message, so its nonces are chunk numbers; keys that wrap keys use random
// nonces.
//
// Threads: all functions are reentrant. A Key and an AeadContext belong to one owner and wipe
// themselves.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace ringpost::tls {

inline constexpr size_t kKeyBytes = 32;
inline constexpr size_t kNonceBytes = 12;
inline constexpr size_t kTagBytes = 16;
inline constexpr size_t kWrappedKeyBytes = kNonceBytes + kKeyBytes + kTagBytes;  // 60

// Secret bytes that are wiped when they go. Movable by copy-and-wipe; not copyable by accident.
class Key {
 public:
  Key() = default;
  static Key Random();
  static Key From(std::string_view thirty_two_bytes);
  Key(Key&& other) noexcept;
  Key& operator=(Key&& other) noexcept;
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  ~Key();
  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes_.data()), kKeyBytes};
  }

 private:
  std::array<uint8_t, kKeyBytes> bytes_{};
};

// One key, set up. Seal and Open may be called many times.
class Aead {
 public:
  explicit Aead(const Key& key);
  ~Aead();
  Aead(const Aead&) = delete;
  Aead& operator=(const Aead&) = delete;

  // Gathers `parts` as one plaintext and writes plaintext-size + kTagBytes to `out` (which does not
  // overlap them): the one pass over a body's bytes.
  void Seal(std::span<const std::string_view> parts, std::string_view associated,
            std::span<const uint8_t, kNonceBytes> nonce, char* out) const;
  // `sealed` is ciphertext and tag; writes sealed.size() - kTagBytes to `out`. False: forged or
  // damaged.
  [[nodiscard]] bool Open(std::string_view sealed, std::string_view associated,
                          std::span<const uint8_t, kNonceBytes> nonce, char* out) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

using Nonce = std::array<uint8_t, kNonceBytes>;
Nonce RandomNonce();

// A key that wraps other keys, set up once. All that could give it away lies in the object itself,
// none of it on the heap: in locked memory it is locked. Wrap and Unwrap from any thread, Set from
// one and before them.
class KeyWrapper {
 public:
  KeyWrapper() = default;
  explicit KeyWrapper(const Key& wrapping) { Set(wrapping); }
  ~KeyWrapper();
  KeyWrapper(const KeyWrapper&) = delete;
  KeyWrapper& operator=(const KeyWrapper&) = delete;

  void Set(const Key& wrapping);  // once
  // nonce | sealed key, bound to `associated`. A nonce serves once.
  std::array<char, kWrappedKeyBytes> Wrap(const Key& key, std::string_view associated,
                                          const Nonce& nonce) const;
  // False: forged or damaged.
  [[nodiscard]] bool Unwrap(std::string_view wrapped, std::string_view associated, Key* key) const;

 private:
  struct State;
  static constexpr size_t kStateBytes = 640;  // what BoringSSL's context takes, and some
  alignas(16) std::array<std::byte, kStateBytes> state_{};
};

// The same with a wrapper and a nonce for one use.
std::array<char, kWrappedKeyBytes> WrapKey(const Key& wrapping, const Key& key,
                                           std::string_view associated);
[[nodiscard]] bool UnwrapKey(const Key& wrapping, std::string_view wrapped,
                             std::string_view associated, Key* key);

void RandomBytes(std::span<uint8_t> out);
void Wipe(void* bytes, size_t count);

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void Update(std::string_view bytes);
  std::array<uint8_t, 32> Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::tls
