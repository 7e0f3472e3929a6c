#include "gateway/smtp/parameters.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/smtp/address.h"
#include "gateway/smtp/server_replies.h"
#include "gateway/smtp/xtext.h"

namespace ringpost::smtp {
namespace {

struct Parameter {
  std::string_view keyword;
  std::string_view value;
  bool has_value = false;
};

bool IsSpace(char c) { return c == ' ' || c == '\t'; }

// esmtp-param = esmtp-keyword ["=" esmtp-value] (RFC 5321 section 4.1.2). The next one, taken off
// `*text`.
Parameter TakeParameter(std::string_view* text) {
  size_t end = 0;
  while (end < text->size() && !IsSpace((*text)[end])) ++end;
  std::string_view word = text->substr(0, end);
  text->remove_prefix(end);
  while (!text->empty() && IsSpace(text->front())) text->remove_prefix(1);
  size_t equals = word.find('=');
  if (equals == std::string_view::npos) return {word, {}, false};
  return {word.substr(0, equals), word.substr(equals + 1), true};
}

// RFC 3461 sections 4.2 and 4.4: what the xtext stands for must be printable: it goes into header
// fields.
bool IsPrintable(std::string_view text, bool allow_utf8) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 0x20 && c <= 0x7E) || c == '\t' ||
           (allow_utf8 && static_cast<unsigned char>(c) >= 0x80);
  });
}

// atom (RFC 5322) as RFC 3461 has it for addr-type; in practice letters, digits and hyphens.
bool IsAddressType(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return IsAlpha(c) || IsDigit(c) || c == '-'; });
}

std::string_view TakeSize(const Parameter& parameter, const ServerOptions& options,
                          Envelope* envelope) {
  // RFC 1870 section 4: 1*20DIGIT, which is more than 64 bits hold.
  const std::string_view digits = parameter.value;
  const bool number =
      !digits.empty() && digits.size() <= 20 && std::all_of(digits.begin(), digits.end(), IsDigit);
  if (!number) return replies::kBadSize;
  const std::optional<uint64_t> size = ParseDecimal(digits);
  if (!size || *size > options.message_bytes_max) return replies::kTooBig;
  envelope->declared_size = *size;
  return {};
}

std::string_view TakeBody(const Parameter& parameter, Envelope* envelope) {
  if (EqualsIgnoreCase(parameter.value, "7BIT")) {
    envelope->body = BodyType::k7Bit;
  } else if (EqualsIgnoreCase(parameter.value, "8BITMIME")) {
    envelope->body = BodyType::k8BitMime;
  } else if (EqualsIgnoreCase(parameter.value, "BINARYMIME")) {
    return replies::kNoBinaryMime;
  } else {
    return replies::kBadBody;
  }
  return {};
}

std::string_view TakeEnvid(const Parameter& parameter, Envelope* envelope) {
  if (parameter.value.empty() || parameter.value.size() > limits::kEnvidBytesMax) {
    return replies::kBadEnvid;
  }
  auto envid = DecodeXtext(parameter.value, false);
  if (!envid || !IsPrintable(*envid, false)) return replies::kBadEnvid;
  envelope->envid = std::move(*envid);
  return {};
}

std::string_view TakeRet(const Parameter& parameter, Envelope* envelope) {
  if (EqualsIgnoreCase(parameter.value, "FULL")) {
    envelope->ret = DsnReturn::kFull;
  } else if (EqualsIgnoreCase(parameter.value, "HDRS")) {
    envelope->ret = DsnReturn::kHeaders;
  } else {
    return replies::kBadRet;
  }
  return {};
}

std::string_view TakeNotify(std::string_view list, Recipient* recipient) {
  uint8_t notify = 0;
  while (true) {
    size_t comma = list.find(',');
    std::string_view word = list.substr(0, comma);
    if (EqualsIgnoreCase(word, "NEVER")) {
      notify |= kNotifyNever;
    } else if (EqualsIgnoreCase(word, "SUCCESS")) {
      notify |= kNotifySuccess;
    } else if (EqualsIgnoreCase(word, "FAILURE")) {
      notify |= kNotifyFailure;
    } else if (EqualsIgnoreCase(word, "DELAY")) {
      notify |= kNotifyDelay;
    } else {
      return replies::kBadNotify;
    }
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  // RFC 3461 section 4.1: NEVER stands alone.
  if ((notify & kNotifyNever) != 0 && notify != kNotifyNever) return replies::kBadNotify;
  recipient->notify = notify;
  return {};
}

std::string_view TakeOrcpt(const Parameter& parameter, bool smtputf8, Recipient* recipient) {
  std::string_view value = parameter.value;
  size_t semicolon = value.find(';');
  if (semicolon == std::string_view::npos || value.size() > limits::kOrcptBytesMax) {
    return replies::kBadOrcpt;
  }
  std::string_view type = value.substr(0, semicolon);
  auto address = DecodeXtext(value.substr(semicolon + 1), smtputf8);
  if (!IsAddressType(type) || !address || address->empty() || !IsPrintable(*address, smtputf8)) {
    return replies::kBadOrcpt;
  }
  recipient->orcpt.reserve(type.size() + 1 + address->size());
  recipient->orcpt.append(type).append(";").append(*address);
  return {};
}

// RFC 4954 section 5: who submitted the message first, as the client has it: a mailbox in xtext, or
// "<>". Nobody is trusted to say it, so it is read as "<>" would be, and not kept.
std::string_view CheckAuth(std::string_view value, bool strict) {
  const auto mailbox = DecodeXtext(value, false);
  if (!mailbox || !IsPrintable(*mailbox, true)) return replies::kBadAuth;
  if (*mailbox == "<>" || ParseMailbox(*mailbox, {strict, true})) return {};
  return replies::kBadAuth;
}

// Which parameters have been seen; each may come once (RFC 5321 section 4.1.1.11 leaves no meaning
// to two).
class Once {
 public:
  bool Again(unsigned bit) {
    bool again = (seen_ >> bit & 1) != 0;
    seen_ |= 1u << bit;
    return again;
  }

 private:
  unsigned seen_ = 0;
};

}  // namespace

std::string_view ParseMailParameters(std::string_view text, const ServerOptions& options,
                                     bool secured, Envelope* envelope) {
  Once once;
  while (!text.empty()) {
    Parameter parameter = TakeParameter(&text);
    std::string_view refusal;
    unsigned bit = 0;
    if (EqualsIgnoreCase(parameter.keyword, "SIZE")) {
      refusal = TakeSize(parameter, options, envelope);
    } else if (EqualsIgnoreCase(parameter.keyword, "BODY")) {
      bit = 1;
      refusal = TakeBody(parameter, envelope);
    } else if (options.smtputf8 && EqualsIgnoreCase(parameter.keyword, "SMTPUTF8")) {
      bit = 2;
      if (parameter.has_value) return replies::kBadSmtpUtf8;
      envelope->smtputf8 = true;
    } else if (options.dsn && EqualsIgnoreCase(parameter.keyword, "RET")) {
      bit = 3;
      refusal = TakeRet(parameter, envelope);
    } else if (options.dsn && EqualsIgnoreCase(parameter.keyword, "ENVID")) {
      bit = 4;
      refusal = TakeEnvid(parameter, envelope);
    } else if (options.auth != Auth::kNotOffered && EqualsIgnoreCase(parameter.keyword, "AUTH")) {
      bit = 5;
      refusal = CheckAuth(parameter.value, options.strict);
    } else if (EqualsIgnoreCase(parameter.keyword, "REQUIRETLS")) {
      bit = 6;
      if (!secured) return replies::kRequireTlsInClear;
      if (parameter.has_value) return replies::kBadRequireTls;
      envelope->require_tls = true;
    } else {
      return replies::kUnknownMailParameter;
    }
    if (once.Again(bit)) return replies::kParameterTwice;
    if (!refusal.empty()) return refusal;
  }
  return {};
}

std::string_view ParseRecipientParameters(std::string_view text, const ServerOptions& options,
                                          bool smtputf8, Recipient* recipient) {
  Once once;
  while (!text.empty()) {
    Parameter parameter = TakeParameter(&text);
    std::string_view refusal;
    unsigned bit = 0;
    if (options.dsn && EqualsIgnoreCase(parameter.keyword, "NOTIFY")) {
      refusal = TakeNotify(parameter.value, recipient);
    } else if (options.dsn && EqualsIgnoreCase(parameter.keyword, "ORCPT")) {
      bit = 1;
      if (!recipient->orcpt.empty()) return replies::kParameterTwice;
      refusal = TakeOrcpt(parameter, smtputf8, recipient);
    } else {
      return replies::kUnknownRecipientParameter;
    }
    if (once.Again(bit)) return replies::kParameterTwice;
    if (!refusal.empty()) return refusal;
  }
  return {};
}

}  // namespace ringpost::smtp
