// A private key as bytes. Private to gateway/tls.
#pragma once

#include <openssl/base.h>

#include <string>

namespace ringpost::tls {

// PKCS #8 in DER (RFC 5958); the caller wipes it.
std::string PrivateKeyDer(const EVP_PKEY* key);

}  // namespace ringpost::tls
