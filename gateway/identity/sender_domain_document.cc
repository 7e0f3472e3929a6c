#include "gateway/identity/sender_domain_document.h"

#include <algorithm>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/base/wipe.h"
#include "gateway/identity/sender_domain_json.h"
#include "gateway/smtp/base64.h"
#include "gateway/tls/dkim_key.h"

namespace ringpost::identity {
namespace {

Status Bad(const std::string& words) { return MakeStatus(StatusCode::kInvalidArgument, words); }

// Nothing of what the last check found: the next one is due wherever it is imported.
SenderDomain WithoutSights(SenderDomain domain) {
  domain.account = 0;
  domain.last_check = domain.next_check = WallTime();
  domain.words.clear();
  domain.advice.clear();
  return domain;
}

// Of the slot that has this selector; the text is one key of its kind.
Status TakeKey(const std::string& selector, const Json& value, DocumentedDomain* document) {
  const std::string where = "the key of selector \"" + Printable(selector, 64) + "\"";
  auto& slots = document->domain.slots;
  auto slot = std::find_if(slots.begin(), slots.end(),
                           [&](const DkimSlot& one) { return one.selector == selector; });
  if (slot == slots.end()) return Bad(where + ": the domain has no such selector");
  if (slot->state == KeyState::kNone) return Bad(where + ": its state says that there is none");
  const auto* text = value.get_ptr<const std::string*>();
  std::string& der = document->keys[static_cast<size_t>(slot - slots.begin())];
  if (!text || !smtp::DecodeBase64(*text, &der)) return Bad(where + " is not base64");
  auto key = tls::DkimKey::FromDer(der);
  if (!key.ok() || (*key)->kind() != slot->kind) {
    return Bad(where + " is no private key of its kind, as an export with secrets has it");
  }
  return OkStatus();
}

Status TakeKeys(const Json& keys, DocumentedDomain* document) {
  if (!keys.is_object()) return Bad("\"keys\" is no object: a key by each selector");
  for (const auto& [selector, value] : keys.items()) {
    if (Status status = TakeKey(selector, value, document); !status.ok()) return status;
  }
  return OkStatus();
}

bool SameLabels(const SenderDomain& a, const SenderDomain& b) {
  if (a.return_path_label != b.return_path_label || a.return_path_token != b.return_path_token) {
    return false;
  }
  // Both are in the order that CheckSenderDomain asks for.
  for (size_t i = 0; i < std::min(a.slots.size(), b.slots.size()); ++i) {
    if (a.slots[i].selector != b.slots[i].selector || a.slots[i].token != b.slots[i].token) {
      return false;
    }
  }
  return true;
}

// A slot as it begins here. Times ahead of the clock would hold its turn off.
DkimSlot Begun(DkimSlot slot, const std::string& key, WallTime now) {
  slot.since = std::min(slot.since, now);
  if (!key.empty()) return slot;
  slot.state = KeyState::kNone;
  slot.until = WallTime();
  return slot;
}

DomainImport Added(const DocumentedDomain& document, uint32_t account, WallTime now) {
  DomainImport import{DomainImport::What::kAdded, document.domain, document.keys};
  SenderDomain& domain = import.domain;
  domain.account = account;
  domain.created = std::min(domain.created, now);
  domain.dns_since = std::min(domain.dns_since, now);
  domain.next_check = now;
  bool lost = false;
  for (size_t i = 0; i < domain.slots.size(); ++i) {
    lost |= domain.slots[i].state != KeyState::kNone && document.keys[i].empty();
    domain.slots[i] = Begun(domain.slots[i], document.keys[i], now);
  }
  if (lost && domain.dns != DnsState::kPending) {
    domain.dns = DnsState::kPending;
    domain.dns_since = now;
  }
  return import;
}

DomainImport Changed(const SenderDomain& there, const DocumentedDomain& document, WallTime now) {
  DomainImport import{DomainImport::What::kUnchanged, there, SlotKeys(there.slots.size())};
  SenderDomain& domain = import.domain;
  domain.ed25519_wanted = document.domain.ed25519_wanted;
  for (size_t i = there.slots.size(); i < document.domain.slots.size(); ++i) {
    domain.slots.push_back(Begun(document.domain.slots[i], document.keys[i], now));
    import.keys.push_back(document.keys[i]);
  }
  if (domain == there) return import;
  import.what = DomainImport::What::kChanged;
  domain.next_check = now;
  return import;
}

}  // namespace

Json DomainDocument(const SenderDomain& domain, std::string_view account, const SlotKeys& keys) {
  RP_CHECK(keys.empty() || keys.size() == domain.slots.size());
  Json json = Json::parse(SenderDomainToJson(WithoutSights(domain)));
  json["account"] = account;
  Json texts = Json::object();
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].empty()) continue;
    std::string text;
    smtp::AppendBase64(keys[i], &text);
    texts[domain.slots[i].selector] = std::move(text);
  }
  if (!texts.empty()) json["keys"] = std::move(texts);
  return json;
}

StatusOr<DocumentedDomain> ParseDomainDocument(const Json& record) {
  if (!record.is_object()) return Bad("a domain is an object");
  Json own = record, keys = Json::object();
  own.erase("type");
  if (auto given = own.find("keys"); given != own.end()) {
    keys = std::move(*given);
    own.erase("keys");
  }
  auto account = own.find("account");
  const auto* name = account == own.end() ? nullptr : account->get_ptr<const std::string*>();
  if (!name || !IsAccountName(*name)) return Bad("a domain's \"account\" is the name of one");
  DocumentedDomain document;
  document.account = *name;
  *account = 0;
  auto domain = SenderDomainFromJson(own.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (!domain.ok()) return domain.status();
  document.domain = WithoutSights(std::move(*domain));
  document.keys.resize(document.domain.slots.size());
  Status status = TakeKeys(keys, &document);
  if (!status.ok()) {
    for (std::string& key : document.keys) WipeString(&key);
    return status;
  }
  return document;
}

StatusOr<DomainImport> ImportDomain(const std::optional<SenderDomain>& there,
                                    const DocumentedDomain& document, uint32_t account,
                                    WallTime now) {
  if (!there) return Added(document, account, now);
  if (SameLabels(*there, document.domain)) return Changed(*there, document, now);
  return MakeStatus(
      StatusCode::kFailedPrecondition,
      there->name + " is here already, and publishes other names than the document's");
}

}  // namespace ringpost::identity
