// AUTH as a client says it (RFC 4954): who this gateway is to a next hop, and the lines that prove
// it by PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login).
//
// Both send the secret as good as in clear. So nothing here is said but under TLS with a next hop
// that has proven who it is: ClientSession sees to it. What holds a secret wipes it.
//
// Threads: Credentials are immutable once made; shared by all shards.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/wipe.h"

namespace ringpost::smtp {

struct Capabilities;

struct Credentials {
  Credentials() = default;
  ~Credentials() { WipeString(&secret); }
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;

  std::string user;
  std::string secret;
};

// What may be one: not empty, no control characters (RFC 4616 section 2: no NUL), within
// limits::kAuthUserBytesMax and kAuthSecretBytesMax.
bool IsAuthUser(std::string_view user);
bool IsAuthSecret(std::string_view secret);

enum class AuthMechanism : uint8_t { kNone, kPlain, kLogin };
// PLAIN where it is offered, since it takes fewer round trips; kNone: neither is.
AuthMechanism ChooseAuthMechanism(const Capabilities& capabilities);
std::string_view AuthMechanismName(AuthMechanism mechanism);

// Appends PLAIN's one message in base64. Where `out` grows what it held before is wiped.
void AppendAuthPlain(const Credentials& credentials, std::string* out);

}  // namespace ringpost::smtp
