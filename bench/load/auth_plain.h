// AUTH PLAIN (RFC 4616) as one command with its initial response (RFC 4954): what a client that
// logs in sends.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace ringpost::bench {

// With CRLF.
std::string AuthPlain(std::string_view user, std::string_view password);
// The command of "USER:PASSWORD"; what is behind the first colon is the password. False: it is no
// such pair.
bool ParseAuthPlain(std::string_view pair, std::string* command);

}  // namespace ringpost::bench
