// Whatever comes back to a return path is read: within its bounds, with addresses that are some,
// the same whether its lines end in LF or in CRLF, and whatever is behind what is looked at.
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/check.h"
#include "gateway/base/text.h"
#include "gateway/mail/bounce_limits.h"
#include "gateway/mail/bounce_reader.h"
#include "gateway/smtp/address.h"

namespace ringpost::mail {
namespace {

void CheckText(std::string_view text, size_t bytes_max) {
  RP_CHECK(text.size() <= bytes_max && IsUtf8(text));
  for (char c : text) RP_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
}

void CheckAddress(const std::string& address) {
  if (address.empty()) return;
  RP_CHECK(smtp::ParseMailbox(address, {.strict = false, .allow_utf8 = true}).has_value());
}

void CheckRecipient(const BouncedRecipient& one) {
  CheckAddress(one.original);
  CheckAddress(one.final);
  CheckText(one.diagnosis.text, limits::kBounceDiagnosisBytesMax);
  CheckText(one.remote_mta, limits::kBounceFieldBytesMax);
  RP_CHECK(one.diagnosis.code == 0 || (one.diagnosis.code >= 200 && one.diagnosis.code < 600));
}

void CheckFacts(const BounceFacts& facts) {
  RP_CHECK(facts.recipients.size() <= limits::kBounceRecipientsMax);
  for (const BouncedRecipient& one : facts.recipients) CheckRecipient(one);
  if (facts.all) CheckRecipient(*facts.all);
  bool bounce = facts.kind == BounceKind::kDsn || facts.kind == BounceKind::kPlainBounce;
  RP_CHECK(bounce || (facts.recipients.empty() && !facts.all));
  RP_CHECK((facts.kind == BounceKind::kFeedback) <= !facts.feedback.type.empty());
  for (const std::string& one : facts.feedback.recipients) CheckAddress(one);
  CheckAddress(facts.feedback.mail_from);
  CheckAddress(facts.return_path);
  CheckText(facts.message_id, limits::kBounceFieldBytesMax);
}

// One line each; what is cut off by a bound may differ, and is left out.
std::string Summary(const BounceFacts& facts) {
  std::string text(BounceKindName(facts.kind));
  for (const BouncedRecipient& one : facts.recipients) {
    text += "\n" + one.original + " " + one.final + " " + one.status.ToString() + " " +
            std::to_string(one.diagnosis.code) + " " + one.diagnosis.text;
  }
  return text + "\n" + facts.message_id;
}

}  // namespace
}  // namespace ringpost::mail

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringpost;
  using namespace ringpost::mail;
  std::string_view message(reinterpret_cast<const char*>(data), size);
  BounceFacts facts = ReadBounce(message);
  CheckFacts(facts);
  if (size >= mail::limits::kBounceBytesMax) {
    std::string more = std::string(message) + "\nAuto-Submitted: auto-replied\n";
    RP_CHECK(Summary(ReadBounce(more)) == Summary(facts));
  }
  // Small enough that no bound is met in one form and not in the other.
  if (size > 400 || message.find('\r') != std::string_view::npos) return 0;
  std::string crlf;
  for (char c : message) crlf += c == '\n' ? "\r\n" : std::string(1, c);
  RP_CHECK(Summary(ReadBounce(crlf)) == Summary(facts));
  return 0;
}
