// Base64url without padding (RFC 4648 section 5, RFC 7515 section 2): how JOSE and ACME write
// bytes.
//
// Threads: any.
#pragma once

#include <string>
#include <string_view>

namespace ringpost {

std::string Base64Url(std::string_view bytes);
// Only characters of its alphabet, and at least one.
bool IsBase64Url(std::string_view text);

}  // namespace ringpost
