#include "gateway/tls/password_hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <openssl/sha.h>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"

namespace ringpost::tls {
namespace {

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

}  // namespace

Digest Sha256Of(std::string_view bytes) {
  Digest digest;
  SHA256(Bytes(bytes), bytes.size(), digest.data());
  return digest;
}

Digest HmacSha256(std::string_view key, std::initializer_list<std::string_view> parts) {
  HMAC_CTX context;
  HMAC_CTX_init(&context);
  RP_CHECK(HMAC_Init_ex(&context, key.data(), key.size(), EVP_sha256(), nullptr) == 1);
  for (std::string_view part : parts) {
    RP_CHECK(HMAC_Update(&context, Bytes(part), part.size()) == 1);
  }
  Digest digest;
  unsigned bytes = 0;
  RP_CHECK(HMAC_Final(&context, digest.data(), &bytes) == 1 && bytes == digest.size());
  HMAC_CTX_cleanup(&context);  // BoringSSL wipes the states as it frees them
  return digest;
}

Digest Pbkdf2Sha256(std::string_view password, std::string_view salt, uint32_t iterations) {
  Count(Counter::kPasswordIterations, iterations);
  Digest digest;
  RP_CHECK(PKCS5_PBKDF2_HMAC(password.data(), password.size(), Bytes(salt), salt.size(), iterations,
                             EVP_sha256(), digest.size(), digest.data()) == 1);
  return digest;
}

bool SameSecret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace ringpost::tls
