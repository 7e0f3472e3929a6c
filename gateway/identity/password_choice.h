// Passwords before they are anybody's: one that is made, and what is said of one that somebody
// chose (NIST SP 800-63B section 5.1.1.2: length, not what it is made of; nothing that is guessed
// first).
//
// Printable ASCII only: for it SASLprep (RFC 4013), which SCRAM and PLAIN ask for, changes nothing,
// so that no client can prepare it otherwise than we do (decisions/051).
//
// Threads: any.
#pragma once

#include <string>
#include <string_view>

namespace ringpost::identity {

// 130 random bits as 26 letters and digits, none of which looks like another. The caller wipes it
// (gateway/base/wipe.h).
std::string GeneratePassword();

// Why `password` is not taken for a credential named `name`, as words for whoever chose it; empty:
// it is.
std::string_view WhyNotPassword(std::string_view password, std::string_view name);

}  // namespace ringpost::identity
