#include "gateway/tls/errors.h"

#include <openssl/err.h>

#include "gateway/base/text.h"

namespace ringpost::tls {

std::string TakeError() {
  uint32_t code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  std::string words = reason ? reason : "unknown error";
  for (char& c : words) c = c == '_' ? ' ' : AsciiLower(c);
  return words;
}

void ForgetErrors() { ERR_clear_error(); }

}  // namespace ringpost::tls
