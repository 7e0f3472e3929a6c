// What MakeSelfSigned makes, as BoringSSL's objects. Private to gateway/tls.
#pragma once

#include <openssl/base.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <string>
#include <vector>

#include "gateway/base/time.h"
#include "gateway/tls/certificate.h"

namespace ringpost::tls {

struct SelfSigned {
  bssl::UniquePtr<X509> certificate;
  bssl::UniquePtr<EVP_PKEY> key;
};

// `extra`: one more extension, or null.
SelfSigned BuildSelfSigned(const std::vector<std::string>& names, Certificate::KeyKind kind,
                           WallTime now, int days, X509_EXTENSION* extra);

}  // namespace ringpost::tls
