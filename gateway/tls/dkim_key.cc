#include "gateway/tls/dkim_key.h"

#include <openssl/base64.h>
#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/curve25519.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>

#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/tls/errors.h"
#include "gateway/tls/private_key_der.h"

namespace ringpost::tls {
namespace {

// RFC 8032 section 5.1.5: the secret is a seed; what BoringSSL calls the private key is the seed
// and the public key.
constexpr size_t kEd25519SeedBytes = 32;

std::string_view View(const uint8_t* bytes, size_t count) {
  return {reinterpret_cast<const char*>(bytes), count};
}

std::string Base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // and the zero that the library writes
  text.resize(EVP_EncodeBlock(reinterpret_cast<uint8_t*>(text.data()),
                              reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
  return text;
}

bssl::UniquePtr<EVP_PKEY> GenerateRsa() {
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  bssl::UniquePtr<RSA> rsa(RSA_new());
  bssl::UniquePtr<BIGNUM> exponent(BN_new());
  RP_CHECK(BN_set_word(exponent.get(), RSA_F4) == 1 &&
           RSA_generate_key_ex(rsa.get(), limits::kDkimRsaKeyBitsMin, exponent.get(), nullptr) ==
               1 &&
           EVP_PKEY_set1_RSA(key.get(), rsa.get()) == 1);
  return key;
}

bssl::UniquePtr<EVP_PKEY> GenerateEd25519() {
  uint8_t shared[ED25519_PUBLIC_KEY_LEN], secret[ED25519_PRIVATE_KEY_LEN];
  ED25519_keypair(shared, secret);
  bssl::UniquePtr<EVP_PKEY> key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, secret, kEd25519SeedBytes));
  OPENSSL_cleanse(secret, sizeof secret);
  RP_CHECK(key != nullptr);
  return key;
}

bool IsSafe(const EVP_PKEY* key) {
  if (EVP_PKEY_id(key) == EVP_PKEY_ED25519) return true;
  if (EVP_PKEY_id(key) != EVP_PKEY_RSA) return false;
  int bits = EVP_PKEY_bits(key);
  return bits >= limits::kDkimRsaKeyBitsMin && bits <= limits::kDkimRsaKeyBitsMax;
}

}  // namespace

struct DkimKey::Impl {
  bssl::UniquePtr<EVP_PKEY> key;
};

DkimKey::DkimKey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DkimKey::~DkimKey() = default;

std::shared_ptr<const DkimKey> DkimKey::Generate(Kind kind) {
  auto impl = std::make_unique<Impl>();
  impl->key = kind == Kind::kRsa ? GenerateRsa() : GenerateEd25519();
  return std::shared_ptr<const DkimKey>(new DkimKey(std::move(impl)));
}

StatusOr<std::shared_ptr<const DkimKey>> DkimKey::FromDer(std::string_view der) {
  CBS bytes;
  CBS_init(&bytes, reinterpret_cast<const uint8_t*>(der.data()), der.size());
  auto impl = std::make_unique<Impl>();
  if (der.size() <= limits::kDkimKeyBytesMax) impl->key.reset(EVP_parse_private_key(&bytes));
  ForgetErrors();
  if (!impl->key || CBS_len(&bytes) != 0 || !IsSafe(impl->key.get())) {
    return MakeStatus(StatusCode::kDataLoss,
                      "not a private key for DKIM in PKCS #8 form (RSA of 2048 to 4096 bits, or "
                      "Ed25519)");
  }
  return std::shared_ptr<const DkimKey>(new DkimKey(std::move(impl)));
}

DkimKey::Kind DkimKey::kind() const {
  return EVP_PKEY_id(impl_->key.get()) == EVP_PKEY_RSA ? Kind::kRsa : Kind::kEd25519;
}

std::string_view DkimKey::algorithm() const {
  return kind() == Kind::kRsa ? "rsa-sha256" : "ed25519-sha256";
}

std::string DkimKey::ToDer() const { return PrivateKeyDer(impl_->key.get()); }

std::string DkimKey::SignDigest(const std::array<uint8_t, 32>& sha256) const {
  EVP_PKEY* key = impl_->key.get();
  std::string signature(static_cast<size_t>(EVP_PKEY_size(key)), '\0');
  auto* out = reinterpret_cast<uint8_t*>(signature.data());
  if (kind() == Kind::kRsa) {
    unsigned count = 0;
    // The library verifies what it made, so that a fault in the machine gives no key away.
    RP_CHECK(RSA_sign(NID_sha256, sha256.data(), static_cast<unsigned>(sha256.size()), out, &count,
                      EVP_PKEY_get0_RSA(key)) == 1 &&
             count == signature.size());
    return signature;
  }
  bssl::ScopedEVP_MD_CTX context;
  size_t count = signature.size();
  RP_CHECK(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
           EVP_DigestSign(context.get(), out, &count, sha256.data(), sha256.size()) == 1 &&
           count == signature.size());
  return signature;
}

std::string DkimKey::PublicKeyText() const {
  const EVP_PKEY* key = impl_->key.get();
  if (kind() == Kind::kEd25519) {
    uint8_t raw[ED25519_PUBLIC_KEY_LEN];
    size_t count = sizeof raw;
    RP_CHECK(EVP_PKEY_get_raw_public_key(key, raw, &count) == 1 && count == sizeof raw);
    return Base64(View(raw, count));
  }
  bssl::ScopedCBB cbb;
  RP_CHECK(CBB_init(cbb.get(), 0) == 1 && EVP_marshal_public_key(cbb.get(), key) == 1 &&
           CBB_flush(cbb.get()) == 1);
  return Base64(View(CBB_data(cbb.get()), CBB_len(cbb.get())));
}

std::string DkimKey::TxtRecord() const {
  return std::string("v=DKIM1; k=") + (kind() == Kind::kRsa ? "rsa" : "ed25519") +
         "; p=" + PublicKeyText();
}

}  // namespace ringpost::tls
