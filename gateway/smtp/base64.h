// Base64 (RFC 4648 section 4) of what proves who somebody is: where a string grows, what it held
// before is wiped.
//
// Threads: any.
#pragma once

#include <string>
#include <string_view>

namespace ringpost::smtp {

// Appends the base64 of any bytes, without a line end.
void AppendBase64(std::string_view bytes, std::string* out);

// Appends the bytes that `text` stands for. False, and `*out` as it was: it is no base64, whole,
// padded, with nothing in its unused bits.
[[nodiscard]] bool DecodeBase64(std::string_view text, std::string* out);

}  // namespace ringpost::smtp
