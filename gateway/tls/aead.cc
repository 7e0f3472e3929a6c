#include "gateway/tls/aead.h"

#include <openssl/aead.h>
#include <openssl/cipher.h>
#include <openssl/mem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "gateway/base/check.h"

namespace ringpost::tls {
namespace {

// The cipher interface counts in int; a longer part is fed in pieces.
constexpr size_t kUpdateBytesMax = size_t{1} << 30;

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

void Feed(EVP_CIPHER_CTX* context, std::string_view in, uint8_t* out) {
  while (!in.empty()) {
    size_t count = std::min(in.size(), kUpdateBytesMax);
    int written = 0;
    RP_CHECK(EVP_CipherUpdate(context, out, &written, Bytes(in), static_cast<int>(count)) == 1);
    if (out) out += written;  // null: associated data, nothing comes out
    in.remove_prefix(count);
  }
}

}  // namespace

Key Key::Random() {
  Key key;
  RandomBytes(key.bytes_);
  return key;
}

Key Key::From(std::string_view thirty_two_bytes) {
  RP_CHECK(thirty_two_bytes.size() == kKeyBytes);
  Key key;
  std::memcpy(key.bytes_.data(), thirty_two_bytes.data(), kKeyBytes);
  return key;
}

Key::Key(Key&& other) noexcept : bytes_(other.bytes_) { Wipe(other.bytes_.data(), kKeyBytes); }

Key& Key::operator=(Key&& other) noexcept {
  if (this != &other) {
    bytes_ = other.bytes_;
    Wipe(other.bytes_.data(), kKeyBytes);
  }
  return *this;
}

Key::~Key() { Wipe(bytes_.data(), kKeyBytes); }

// The streaming interface and not EVP_AEAD: it takes a body in parts and needs no gathered copy of
// it. The key schedule is made once; a nonce alone starts the next use.
struct Aead::State {
  EVP_CIPHER_CTX context;
  State() { EVP_CIPHER_CTX_init(&context); }
  ~State() { EVP_CIPHER_CTX_cleanup(&context); }  // BoringSSL wipes the schedule as it frees it
};

Aead::Aead(const Key& key) : state_(std::make_unique<State>()) {
  RP_CHECK(EVP_CipherInit_ex(&state_->context, EVP_aes_256_gcm(), nullptr, Bytes(key.view()),
                             nullptr, 1) == 1);
}

Aead::~Aead() = default;

void Aead::Seal(std::span<const std::string_view> parts, std::string_view associated,
                std::span<const uint8_t, kNonceBytes> nonce, char* out) const {
  EVP_CIPHER_CTX* context = &state_->context;
  RP_CHECK(EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, nonce.data(), 1) == 1);
  Feed(context, associated, nullptr);
  uint8_t* at = reinterpret_cast<uint8_t*>(out);
  for (std::string_view part : parts) {
    Feed(context, part, at);
    at += part.size();
  }
  int rest = 0;
  RP_CHECK(EVP_CipherFinal_ex(context, at, &rest) == 1 && rest == 0);
  RP_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, at) == 1);
}

bool Aead::Open(std::string_view sealed, std::string_view associated,
                std::span<const uint8_t, kNonceBytes> nonce, char* out) const {
  if (sealed.size() < kTagBytes) return false;
  size_t plain_bytes = sealed.size() - kTagBytes;
  EVP_CIPHER_CTX* context = &state_->context;
  RP_CHECK(EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, nonce.data(), 0) == 1);
  Feed(context, associated, nullptr);
  uint8_t* at = reinterpret_cast<uint8_t*>(out);
  Feed(context, sealed.substr(0, plain_bytes), at);
  uint8_t tag[kTagBytes];
  std::memcpy(tag, sealed.data() + plain_bytes, kTagBytes);
  RP_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag) == 1);
  int rest = 0;
  uint8_t none[1];
  if (EVP_CipherFinal_ex(context, none, &rest) == 1) return true;
  Wipe(out, plain_bytes);  // what was not authenticated is not to be looked at
  return false;
}

Nonce RandomNonce() {
  Nonce nonce;
  RandomBytes(nonce);
  return nonce;
}

// EVP_AEAD keeps its key schedule inline (but not its parts together, which bodies need).
struct KeyWrapper::State {
  EVP_AEAD_CTX context;
  static const EVP_AEAD_CTX* Of(const KeyWrapper& wrapper) {
    return &reinterpret_cast<const State*>(wrapper.state_.data())->context;
  }
};

void KeyWrapper::Set(const Key& wrapping) {
  static_assert(sizeof(State) <= kStateBytes && alignof(State) <= 16);
  auto* state = new (state_.data()) State;
  RP_CHECK(EVP_AEAD_CTX_init(&state->context, EVP_aead_aes_256_gcm(), Bytes(wrapping.view()),
                             kKeyBytes, kTagBytes, nullptr) == 1);
}

// Nothing but the object's own bytes is to be given back.
KeyWrapper::~KeyWrapper() { Wipe(state_.data(), state_.size()); }

std::array<char, kWrappedKeyBytes> KeyWrapper::Wrap(const Key& key, std::string_view associated,
                                                    const Nonce& nonce) const {
  std::array<char, kWrappedKeyBytes> wrapped;
  std::memcpy(wrapped.data(), nonce.data(), kNonceBytes);
  size_t bytes = 0;
  RP_CHECK(
      EVP_AEAD_CTX_seal(State::Of(*this), reinterpret_cast<uint8_t*>(wrapped.data()) + kNonceBytes,
                        &bytes, kWrappedKeyBytes - kNonceBytes, nonce.data(), kNonceBytes,
                        Bytes(key.view()), kKeyBytes, Bytes(associated), associated.size()) == 1 &&
      bytes == kWrappedKeyBytes - kNonceBytes);
  return wrapped;
}

bool KeyWrapper::Unwrap(std::string_view wrapped, std::string_view associated, Key* key) const {
  if (wrapped.size() != kWrappedKeyBytes) return false;
  char plain[kKeyBytes];
  size_t bytes = 0;
  bool opened =
      EVP_AEAD_CTX_open(State::Of(*this), reinterpret_cast<uint8_t*>(plain), &bytes, kKeyBytes,
                        Bytes(wrapped), kNonceBytes, Bytes(wrapped) + kNonceBytes,
                        wrapped.size() - kNonceBytes, Bytes(associated), associated.size()) == 1 &&
      bytes == kKeyBytes;
  if (opened) *key = Key::From({plain, kKeyBytes});
  Wipe(plain, sizeof plain);
  return opened;
}

std::array<char, kWrappedKeyBytes> WrapKey(const Key& wrapping, const Key& key,
                                           std::string_view associated) {
  return KeyWrapper(wrapping).Wrap(key, associated, RandomNonce());
}

bool UnwrapKey(const Key& wrapping, std::string_view wrapped, std::string_view associated,
               Key* key) {
  return KeyWrapper(wrapping).Unwrap(wrapped, associated, key);
}

void RandomBytes(std::span<uint8_t> out) { RP_CHECK(RAND_bytes(out.data(), out.size()) == 1); }

void Wipe(void* bytes, size_t count) { OPENSSL_cleanse(bytes, count); }

struct Sha256::State {
  SHA256_CTX context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) { SHA256_Init(&state_->context); }

Sha256::~Sha256() { Wipe(&state_->context, sizeof state_->context); }

void Sha256::Update(std::string_view bytes) {
  SHA256_Update(&state_->context, bytes.data(), bytes.size());
}

std::array<uint8_t, 32> Sha256::Finish() {
  std::array<uint8_t, 32> digest;
  SHA256_Final(digest.data(), &state_->context);
  return digest;
}

}  // namespace ringpost::tls
