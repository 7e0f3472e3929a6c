#include "gateway/smtp/client_commands.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/smtp/utf8_address.h"
#include "gateway/smtp/xtext.h"

namespace ringpost::smtp {
namespace {

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

void AppendDecimal(uint64_t value, std::string* out) {
  char digits[20];
  auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
  out->append(digits, end);
}

// SMTPUTF8 goes with MAIL where it is needed and offered (RFC 6531 section 3.4).
bool SaysUtf8(const OutgoingMail& mail, const Capabilities& capabilities) {
  return mail.smtputf8 && capabilities.smtputf8;
}

// " ORCPT=type;address" (RFC 3461 section 4.2); nothing where the stored value has no such form.
void AppendOrcpt(std::string_view orcpt, bool utf8, std::string* out) {
  size_t semicolon = orcpt.find(';');
  if (semicolon == std::string_view::npos || semicolon == 0) return;
  std::string_view type = orcpt.substr(0, semicolon);
  std::string_view address = orcpt.substr(semicolon + 1);
  bool atom = std::all_of(type.begin(), type.end(),
                          [](char c) { return IsAlpha(c) || IsDigit(c) || c == '-'; });
  if (!atom || address.empty() || !IsUtf8(address)) return;
  out->append(" ORCPT=");
  if (IsAscii(address)) {
    out->append(type).push_back(';');
    AppendXtext(out, address);
  } else {
    out->append("utf-8;");  // no other type has room for it
    AppendUtf8Address(out, address, utf8);
  }
}

void AppendNotify(uint8_t notify, std::string* out) {
  if (notify == kNotifyUnspecified) return;
  out->append(" NOTIFY=");
  if (notify & kNotifyNever) {
    out->append("NEVER");
    return;
  }
  const char* separator = "";
  auto add = [&](uint8_t bit, const char* word) {
    if ((notify & bit) == 0) return;
    out->append(separator).append(word);
    separator = ",";
  };
  add(kNotifySuccess, "SUCCESS");
  add(kNotifyFailure, "FAILURE");
  add(kNotifyDelay, "DELAY");
}

Reply Refusal(uint16_t code, uint16_t subject, uint16_t detail, std::string text) {
  return Reply{code, {static_cast<uint16_t>(code / 100), subject, detail}, std::move(text)};
}

}  // namespace

bool IsWireSafePath(std::string_view path, bool allow_utf8) {
  bool quoted = false;
  for (size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if ((c & 0x80) != 0) continue;  // checked as a whole below
    if (c < 0x20 || c == 0x7F) return false;
    if (c == '"') {
      quoted = !quoted;
    } else if (quoted) {
      if (c != '\\') continue;
      ++i;
      if (i == path.size() || path[i] < 0x20 || path[i] == 0x7F) return false;
    } else if (c == ' ' || c == '<' || c == '>' || c == '\\') {
      return false;
    }
  }
  return !quoted && path.size() <= limits::kPathBytesMax &&
         (IsAscii(path) || (allow_utf8 && IsUtf8(path)));
}

std::optional<Reply> RefuseMail(const OutgoingMail& mail, const Capabilities& capabilities) {
  if (mail.body == BodyType::kBinaryMime && !(capabilities.binarymime && capabilities.chunking)) {
    return Refusal(554, 6, 3, "The message is BINARYMIME and the next hop does not offer it");
  }
  if (capabilities.size_max != 0 && mail.size > capabilities.size_max) {
    return Refusal(552, 3, 4,
                   "The message has " + std::to_string(mail.size) + " bytes; the next hop takes " +
                       std::to_string(capabilities.size_max));
  }
  if (mail.require_tls && !capabilities.require_tls) {
    return Refusal(550, 7, 30,
                   "The sender asks for TLS all the way (REQUIRETLS), which the next hop does not "
                   "promise");
  }
  if (IsWireSafePath(mail.reverse_path, SaysUtf8(mail, capabilities))) return std::nullopt;
  if (!IsAscii(mail.reverse_path) && IsWireSafePath(mail.reverse_path, true)) {
    return Refusal(553, 6, 7, "The sender's address is not ASCII and the next hop lacks SMTPUTF8");
  }
  return Refusal(553, 1, 7, "The sender's address cannot be said in SMTP");
}

std::optional<Reply> RefuseRecipient(const Recipient& recipient, const OutgoingMail& mail,
                                     const Capabilities& capabilities) {
  const std::string& address = recipient.address;
  if (!address.empty() && IsWireSafePath(address, SaysUtf8(mail, capabilities)))
    return std::nullopt;
  if (!IsAscii(address) && IsWireSafePath(address, true)) {
    return Refusal(553, 6, 7, "The address is not ASCII and the next hop lacks SMTPUTF8");
  }
  return Refusal(553, 1, 3, "The address cannot be said in SMTP");
}

void AppendMail(const OutgoingMail& mail, const Capabilities& capabilities, std::string* out) {
  out->append("MAIL FROM:<").append(mail.reverse_path).push_back('>');
  if (capabilities.size && mail.size > 0) {
    out->append(" SIZE=");
    AppendDecimal(mail.size, out);
  }
  if (mail.body == BodyType::kBinaryMime) {
    out->append(" BODY=BINARYMIME");
  } else if (mail.body == BodyType::k8BitMime && capabilities.eight_bit_mime) {
    out->append(" BODY=8BITMIME");
  }
  if (SaysUtf8(mail, capabilities)) out->append(" SMTPUTF8");
  if (mail.require_tls) out->append(" REQUIRETLS");
  if (capabilities.dsn && mail.ret != DsnReturn::kUnspecified) {
    out->append(mail.ret == DsnReturn::kFull ? " RET=FULL" : " RET=HDRS");
  }
  if (capabilities.dsn && !mail.envid.empty()) {
    out->append(" ENVID=");
    AppendXtext(out, mail.envid);
  }
  out->append("\r\n");
}

void AppendRcpt(const Recipient& recipient, const OutgoingMail& mail,
                const Capabilities& capabilities, std::string* out) {
  out->append("RCPT TO:<").append(recipient.address).push_back('>');
  if (capabilities.dsn) {
    AppendNotify(recipient.notify, out);
    AppendOrcpt(recipient.orcpt, SaysUtf8(mail, capabilities), out);
  }
  out->append("\r\n");
}

}  // namespace ringpost::smtp
