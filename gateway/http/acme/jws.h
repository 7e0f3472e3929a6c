// Requests of ACME's are signed (RFC 8555 section 6.2): a JSON Web Signature in its flattened form
// (RFC 7515 section 7.2.2), by ES256.
//
// Threads: any.
#pragma once

#include <string>
#include <string_view>

#include "gateway/tls/acme_key.h"

namespace ringpost::acme {

// `account_url` names the key that the server knows already; empty: the key itself goes along.
// `payload` empty: a POST-as-GET (section 6.3).
std::string SignRequest(const tls::AcmeKey& key, std::string_view account_url, std::string_view url,
                        std::string_view nonce, std::string_view payload);

}  // namespace ringpost::acme
