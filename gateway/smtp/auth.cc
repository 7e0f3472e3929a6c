#include "gateway/smtp/auth.h"

#include <algorithm>

#include "gateway/base/limits.h"
#include "gateway/smtp/base64.h"
#include "gateway/smtp/client_session.h"

namespace ringpost::smtp {
namespace {

bool IsText(std::string_view text, size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max &&
         std::none_of(text.begin(), text.end(), [](char c) {
           auto byte = static_cast<unsigned char>(c);
           return byte < 0x20 || byte == 0x7F;
         });
}

}  // namespace

bool IsAuthUser(std::string_view user) { return IsText(user, limits::kAuthUserBytesMax); }
bool IsAuthSecret(std::string_view secret) { return IsText(secret, limits::kAuthSecretBytesMax); }

AuthMechanism ChooseAuthMechanism(const Capabilities& capabilities) {
  if (capabilities.auth_plain) return AuthMechanism::kPlain;
  return capabilities.auth_login ? AuthMechanism::kLogin : AuthMechanism::kNone;
}

std::string_view AuthMechanismName(AuthMechanism mechanism) {
  return mechanism == AuthMechanism::kPlain ? "PLAIN" : "LOGIN";
}

// RFC 4616 section 2: authorisation identity (none: that of the user), NUL, user, NUL, secret.
void AppendAuthPlain(const Credentials& credentials, std::string* out) {
  std::string message;
  WipedAtEnd wiped(&message);
  message.reserve(credentials.user.size() + credentials.secret.size() + 2);
  message.push_back('\0');
  message.append(credentials.user).push_back('\0');
  message.append(credentials.secret);
  AppendBase64(message, out);
}

}  // namespace ringpost::smtp
