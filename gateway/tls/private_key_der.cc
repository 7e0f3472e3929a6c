#include "gateway/tls/private_key_der.h"

#include <openssl/bytestring.h>
#include <openssl/evp.h>
#include <openssl/mem.h>

#include "gateway/base/check.h"

namespace ringpost::tls {

std::string PrivateKeyDer(const EVP_PKEY* key) {
  bssl::ScopedCBB cbb;
  uint8_t* bytes = nullptr;
  size_t count = 0;
  RP_CHECK(CBB_init(cbb.get(), 0) == 1 && EVP_marshal_private_key(cbb.get(), key) == 1 &&
           CBB_finish(cbb.get(), &bytes, &count) == 1);
  std::string der(reinterpret_cast<const char*>(bytes), count);
  OPENSSL_free(bytes);  // which wipes
  return der;
}

}  // namespace ringpost::tls
