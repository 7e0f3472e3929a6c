#include "gateway/identity/sender_domain_text.h"

namespace ringpost::identity {
namespace {

std::string_view StateWord(KeyState state) {
  switch (state) {
    case KeyState::kNone:
      return "has no key yet";
    case KeyState::kWaiting:
      return "has a key that waits to be seen in DNS";
    case KeyState::kStandby:
      return "is the next one";
    case KeyState::kActive:
      return "signs";
    case KeyState::kRetired:
      return "signs no more, and stays published";
  }
  return "";
}

std::string KeyText(const SenderDomain& domain, const DkimSlot& slot) {
  std::string text = slot.kind == tls::DkimKey::Kind::kRsa ? "RSA" : "Ed25519";
  text += slot.slot == KeySlot::kA ? " A (" : " B (";
  text += SelectorName(domain, slot) + ") " + std::string(StateWord(slot.state));
  if (slot.state != KeyState::kNone) text += ", since " + FormatRfc3339(slot.since);
  if (slot.state == KeyState::kRetired) text += ", until " + FormatRfc3339(slot.until);
  return text;
}

}  // namespace

std::string StateText(const SenderDomain& domain) {
  switch (domain.dns) {
    case DnsState::kPending:
      return "pending since " + FormatRfc3339(domain.dns_since);
    case DnsState::kVerified:
      return "verified since " + FormatRfc3339(domain.dns_since);
    case DnsState::kBroken:
      return "broken since " + FormatRfc3339(domain.dns_since);
  }
  return "";
}

std::string DomainText(const SenderDomain& domain) {
  bool looked = domain.last_check != WallTime();
  std::string text = domain.name + ": " + StateText(domain) + "\n";
  text += looked ? "looked at " + FormatRfc3339(domain.last_check) : "not looked at yet";
  text += ", next at " + FormatRfc3339(domain.next_check) + "\n";
  for (const std::string& sentence : domain.words) text += sentence + "\n";
  for (const DkimSlot& slot : domain.slots) text += KeyText(domain, slot) + "\n";
  return text;
}

std::string PublishText(const SenderDomain& domain, std::string_view operator_zone) {
  std::string text;
  for (const RecordToPublish& record : RecordsToPublish(domain, operator_zone)) {
    text += "; " + record.why + (record.required ? "\n" : " (optional)\n");
    text += record.owner + ". " + TypeName(record.type) + " " + record.value + ".\n";
  }
  return text;
}

}  // namespace ringpost::identity
