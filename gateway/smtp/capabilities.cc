#include "gateway/smtp/capabilities.h"

#include <algorithm>

#include "gateway/base/text.h"

namespace ringpost::smtp {
namespace {

// The next word of `*rest`, which loses it.
std::string_view TakeWord(std::string_view* rest) {
  *rest = TrimSpace(*rest);
  std::string_view word = rest->substr(0, rest->find_first_of(" \t"));
  rest->remove_prefix(word.size());
  return word;
}

// RFC 9422 section 4: a decimal number; 0 and what does not fit say nothing.
void SetLimit(std::string_view value, uint32_t* limit) {
  std::optional<uint64_t> number = ParseDecimal(value);
  if (number && *number > 0)
    *limit = static_cast<uint32_t>(std::min<uint64_t>(*number, UINT32_MAX));
}

// RFC 4954 section 3; and "AUTH=PLAIN LOGIN", as servers from before RFC 2554 say it.
void AddAuth(std::string_view rest, Capabilities* capabilities) {
  for (std::string_view word = TakeWord(&rest); !word.empty(); word = TakeWord(&rest)) {
    if (EqualsIgnoreCase(word, "PLAIN")) capabilities->auth_plain = true;
    if (EqualsIgnoreCase(word, "LOGIN")) capabilities->auth_login = true;
  }
}

void AddLimits(std::string_view rest, Capabilities* capabilities) {
  for (std::string_view word = TakeWord(&rest); !word.empty(); word = TakeWord(&rest)) {
    size_t equals = word.find('=');
    if (equals == std::string_view::npos) continue;
    std::string_view name = word.substr(0, equals);
    std::string_view value = word.substr(equals + 1);
    if (EqualsIgnoreCase(name, "MAILMAX")) SetLimit(value, &capabilities->mail_max);
    if (EqualsIgnoreCase(name, "RCPTMAX")) SetLimit(value, &capabilities->recipients_max);
    if (EqualsIgnoreCase(name, "RCPTDOMAINMAX")) {
      SetLimit(value, &capabilities->recipient_domains_max);
    }
  }
}

}  // namespace

void AddCapability(std::string_view ehlo_line, Capabilities* capabilities) {
  std::string_view rest = ehlo_line;
  std::string_view keyword = TakeWord(&rest);
  auto is = [keyword](std::string_view name) { return EqualsIgnoreCase(keyword, name); };
  if (is("PIPELINING")) capabilities->pipelining = true;
  if (is("CHUNKING")) capabilities->chunking = true;
  if (is("BINARYMIME")) capabilities->binarymime = true;
  if (is("8BITMIME")) capabilities->eight_bit_mime = true;
  if (is("SMTPUTF8")) capabilities->smtputf8 = true;
  if (is("DSN")) capabilities->dsn = true;
  if (is("ENHANCEDSTATUSCODES")) capabilities->enhanced_status_codes = true;
  if (is("STARTTLS")) capabilities->starttls = true;
  if (is("REQUIRETLS")) capabilities->require_tls = true;
  if (is("AUTH")) AddAuth(rest, capabilities);
  if (keyword.size() > 5 && EqualsIgnoreCase(keyword.substr(0, 5), "AUTH=")) {
    AddAuth(keyword.substr(5), capabilities);
    AddAuth(rest, capabilities);
  }
  if (is("LIMITS")) AddLimits(rest, capabilities);
  if (is("SIZE")) {
    capabilities->size = true;
    capabilities->size_max = ParseDecimal(TakeWord(&rest)).value_or(0);
  }
}

void FinishCapabilities(Capabilities* capabilities) {
  if (!capabilities->chunking) capabilities->binarymime = false;
}

}  // namespace ringpost::smtp
