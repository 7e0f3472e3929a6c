// What a Certificate is made of. Private to gateway/tls.
#pragma once

#include <openssl/base.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <string>
#include <vector>

#include "gateway/tls/certificate.h"

namespace ringpost::tls {

struct Certificate::Parts {
  std::vector<bssl::UniquePtr<X509>> chain;  // the leaf first
  bssl::UniquePtr<EVP_PKEY> key;
  KeyKind kind = KeyKind::kRsa;
  uint16_t ecdsa_scheme = 0;
  std::vector<std::string> names;
  WallTime not_before, not_after;
};

}  // namespace ringpost::tls
