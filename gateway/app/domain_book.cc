#include "gateway/app/domain_book.h"

#include <algorithm>

#include "gateway/app/control_json.h"
#include "gateway/app/identity_book_parts.h"
#include "gateway/base/text.h"
#include "gateway/base/wipe.h"
#include "gateway/identity/domain_check.h"
#include "gateway/identity/sender_domain_json.h"
#include "gateway/smtp/idna.h"
#include "gateway/tls/dkim_key.h"

namespace ringpost::app {
namespace {

using identity::DkimSlot;
using identity::KeyState;
using storage::ControlStore;

constexpr std::string_view kReturnPathPrefix = "return_path/";

bool SignsWithAnother(const identity::SenderDomain& before, const identity::SenderDomain& after) {
  for (size_t i = 0; i < after.slots.size() && i < before.slots.size(); ++i) {
    if (after.slots[i].state == KeyState::kActive && before.slots[i].state != KeyState::kActive) {
      return true;
    }
  }
  return false;
}

}  // namespace

StatusOr<std::unique_ptr<DomainBook>> DomainBook::Open(ControlStore* store, IdentityBook* identity,
                                                       DomainOptions options) {
  std::unique_ptr<DomainBook> book(new DomainBook(store, identity, std::move(options)));
  Status status = book->Load();
  if (!status.ok()) return status;
  return book;
}

Status DomainBook::Load() {
  mail::SenderDomains::Builder builder;
  std::vector<WallTime> due;  // places are given in turn
  Status bad;
  Status status = store_->ForEachUntil(kDomainPrefix, "", ControlStore::Order::kForwards,
                                       [&](std::string_view, const std::string& value) {
                                         auto domain = identity::SenderDomainFromJson(value);
                                         bad = domain.status();
                                         if (!domain.ok()) return false;
                                         builder.Put(domain->name, ServedOf(*domain, true));
                                         due.push_back(domain->next_check);
                                         return true;
                                       });
  if (status.ok()) status = bad;
  for (size_t place = 0; place < due.size(); ++place) due_.Set(place, due[place]);
  if (status.ok() && !options_.zone.empty()) status = LoadReturnPathKeys();
  if (status.ok()) Serve(std::move(builder));
  return status;
}

Status DomainBook::LoadReturnPathKeys() {
  bool bad = false;
  Status status =
      store_->ForEach(kReturnPathPrefix, [&](std::string_view key, const std::string& value) {
        std::string_view digit = key.substr(kReturnPathPrefix.size());
        bool whole = digit.size() == 1 && digit[0] >= '0' && digit[0] <= '9' &&
                     value.size() == tls::kKeyBytes;
        bad |= !whole;
        if (whole) return_path_keys_[static_cast<uint8_t>(digit[0] - '0')] = tls::Key::From(value);
      });
  if (bad)
    return MakeStatus(StatusCode::kDataLoss,
                      "a key of return paths in the control store is damaged");
  if (!status.ok() || !return_path_keys_.empty()) return status;
  return_path_keys_[0] = tls::Key::Random();
  return store_->Put(std::string(kReturnPathPrefix) + "0", return_path_keys_[0].view());
}

std::string DomainBook::DomainKey(const std::string& name) {
  return std::string(kDomainPrefix) + name;
}
std::string DomainBook::SlotKey(const std::string& name, const DkimSlot& slot) {
  return "dkim/" + name + "/" + slot.selector;
}

StatusOr<std::optional<identity::SenderDomain>> DomainBook::Find(const std::string& name) {
  auto canonical = smtp::CanonicalDomain(name);
  if (!canonical) return std::optional<Domain>();
  auto value = store_->Get(DomainKey(*canonical));
  if (!value.ok()) return value.status();
  if (!*value) return std::optional<Domain>();
  auto domain = identity::SenderDomainFromJson(**value);
  if (!domain.ok()) return domain.status();
  return std::optional<Domain>(std::move(*domain));
}

Status DomainBook::Write(const Domain& domain, std::vector<ControlStore::Change> more) {
  more.push_back({DomainKey(domain.name), identity::SenderDomainToJson(domain)});
  Status status = store_->Write(more);
  for (ControlStore::Change& change : more) {
    if (change.value) WipeString(&*change.value);
  }
  return status;
}

// --- What shards go by

mail::SenderDomains::Domain DomainBook::ServedOf(const Domain& domain, bool other_keys) {
  mail::SenderDomains::Domain served;
  served.label = domain.return_path_label;
  served.account = domain.account;
  served.region = static_cast<uint16_t>(RegionOf(domain.account));
  served.works = domain.dns == identity::DnsState::kVerified;
  auto active = [](const DkimSlot& slot) { return slot.state == KeyState::kActive; };
  if (!std::any_of(domain.slots.begin(), domain.slots.end(), active)) return served;
  auto before = domains_->Find(domain.name);
  bool same = before && before->keys != 0 && !other_keys;
  served.keys = same ? before->keys : ++key_changes_;
  return served;
}

void DomainBook::Take(const Domain& domain, bool other_keys) {
  mail::SenderDomains::Domain served = ServedOf(domain, other_keys);
  if (domains_->Find(domain.name) != served) {
    mail::SenderDomains::Builder builder(*domains_);
    builder.Put(domain.name, served);
    Serve(std::move(builder));
  }
  due_.Set(*domains_->PlaceOf(domain.name), domain.next_check);
}

void DomainBook::Serve(mail::SenderDomains::Builder builder) {
  domains_ = std::move(builder).Build();
  if (return_path_keys_.empty()) return;
  std::vector<std::pair<uint8_t, tls::Key>> keys;
  for (auto key = return_path_keys_.rbegin(); key != return_path_keys_.rend(); ++key) {
    keys.emplace_back(key->first, tls::Key::From(key->second.view()));
  }
  std::vector<std::string> regions;
  for (const auto& [name, mail] : options_.regions) regions.push_back(name);
  return_paths_ =
      std::make_shared<mail::ReturnPaths>(std::move(keys), std::move(regions), domains_);
}

// --- Keys

std::vector<ControlStore::Change> DomainBook::MakeKeys(Domain* domain,
                                                       const std::vector<size_t>& wanted,
                                                       WallTime now) {
  std::vector<ControlStore::Change> made;
  for (size_t slot : wanted) {
    auto key = tls::DkimKey::Generate(domain->slots[slot].kind);
    made.push_back({SlotKey(domain->name, domain->slots[slot]), key->ToDer()});
    identity::KeyGenerated(domain, slot, now);
  }
  return made;
}

StatusOr<std::vector<std::string>> DomainBook::KeyTexts(const Domain& domain) {
  std::vector<std::string> texts;
  for (const DkimSlot& slot : domain.slots) {
    std::string& text = texts.emplace_back();
    if (slot.state == KeyState::kNone) continue;
    auto der = store_->Get(SlotKey(domain.name, slot));
    if (!der.ok()) return der.status();
    if (!*der) continue;
    WipedAtEnd wiped(&**der);
    auto key = tls::DkimKey::FromDer(**der);
    if (!key.ok()) return key.status();
    text = (*key)->TxtRecord();
  }
  return texts;
}

StatusOr<session::SigningKeys::Selectors> DomainBook::LoadSigningKeys(ControlStore* store,
                                                                      const std::string& name) {
  auto selectors = std::make_shared<std::vector<session::SigningKeys::Selector>>();
  auto value = store->Get(DomainKey(name));
  if (!value.ok()) return value.status();
  if (!*value) return session::SigningKeys::Selectors();
  auto domain = identity::SenderDomainFromJson(**value);
  if (!domain.ok()) return domain.status();
  for (const DkimSlot& slot : domain->slots) {
    if (slot.state != KeyState::kActive) continue;
    auto der = store->Get(SlotKey(name, slot));
    if (!der.ok()) return der.status();
    if (!*der) continue;
    WipedAtEnd wiped(&**der);
    auto key = tls::DkimKey::FromDer(**der);
    if (!key.ok()) return key.status();
    selectors->push_back({slot.selector, std::move(*key)});
  }
  return session::SigningKeys::Selectors(std::move(selectors));
}

// --- Checks

std::optional<DomainBook::Check> DomainBook::CheckOf(const std::string& name) {
  auto domain = Find(name);
  if (!domain.ok() || !*domain) return std::nullopt;
  return Check{(*domain)->name, identity::DomainQuestions(**domain, options_.zone),
               SubjectOf(**domain), std::nullopt};
}

identity::AdviceSubject DomainBook::SubjectOf(const Domain& domain) const {
  identity::AdviceSubject subject;
  subject.domain = domain.name;
  subject.return_path = identity::ReturnPathName(domain);
  subject.return_path_target = identity::ReturnPathTarget(domain, options_.zone);
  subject.helo = options_.hostname;
  if (!options_.regions.empty()) {
    subject.sources = options_.regions[RegionOf(domain.account)].second.sources;
  }
  return subject;
}

std::optional<WallTime> DomainBook::NextDue() const { return due_.Next(); }

std::vector<DomainBook::Check> DomainBook::TakeDue(WallTime now, size_t most) {
  std::vector<Check> checks;
  while (checks.size() < most) {
    auto place = due_.FindDue(now);
    if (!place) break;
    // Where no answer is brought it is due again then.
    due_.Set(*place, now + Seconds(limits::kControlAnswerSeconds));
    auto check = CheckOf(std::string(domains_->NameAt(*place)));
    if (check) checks.push_back(std::move(*check));
  }
  return checks;
}

void DomainBook::Judge(const Check& check, const std::vector<dns::Answer>& answers, WallTime now,
                       WantedTurn* turn) {
  auto domain = Find(check.name);
  if (!domain.ok() || !*domain) return;
  // It may have been removed and added anew meanwhile.
  if (identity::DomainQuestions(**domain, options_.zone) != check.questions) return;
  auto sender = identity_->FindSender(check.name);
  if (!sender.ok()) return;
  const identity::Account* owner = identity_->directory()->FindAccount((*domain)->account);
  if (!owner || !*sender || !EqualsIgnoreCase((*sender)->account, owner->name)) {
    (void)Drop(**domain);  // where that fails the next check does it
    return;
  }
  auto texts = KeyTexts(**domain);
  if (!texts.ok()) return;
  auto verdict = identity::JudgeDomain(**domain, options_.zone, *texts, answers, now);
  if (check.advice) {
    verdict.domain.advice.clear();
    for (const std::string& one : *check.advice) {
      identity::AddSentence(one, &verdict.domain.advice);
    }
  }
  auto policy = identity::DefaultRotation(options_.queue_life, Seconds(limits::kZoneTtlSeconds));
  if (turn != nullptr) policy.turn = Seconds(0);
  auto rotation = identity::Rotate(verdict.domain, verdict.sights, policy, now);
  Domain& fresh = rotation.domain;
  auto changes = MakeKeys(&fresh, rotation.wanted, now);
  for (size_t i = fresh.slots.size(); i < (*domain)->slots.size(); ++i) {  // they go from the end
    changes.push_back({SlotKey(fresh.name, (*domain)->slots[i]), std::nullopt});
  }
  bool turned = turn != nullptr && SignsWithAnother(**domain, fresh);
  if (turned) {
    changes.push_back(
        identity_->AuditEntry({"rotated", "domain", fresh.name, owner->name}, turn->uid, now));
  }
  if (!Write(fresh, std::move(changes)).ok()) return;
  if (turned) turn->taken = true;
  Take(fresh, rotation.changed);
  // Not only where the state has just changed: the write of the last change may have failed.
  identity::SenderState state = SenderStateOf(fresh, *sender);
  if ((*sender)->state != state) SetSender(fresh, state, 0, now);
}

Status DomainBook::Drop(const Domain& domain) {
  std::vector<ControlStore::Change> changes{{DomainKey(domain.name), std::nullopt}};
  for (const DkimSlot& slot : domain.slots) {
    changes.push_back({SlotKey(domain.name, slot), std::nullopt});
  }
  Status status = store_->Write(changes);
  if (!status.ok()) return status;
  auto place = domains_->PlaceOf(domain.name);
  if (!place) return status;
  due_.Set(*place, std::nullopt);
  mail::SenderDomains::Builder builder(*domains_);
  builder.Remove(domain.name);
  Serve(std::move(builder));
  return status;
}

// Only a domain that DNS has never shown right is pending: its mail, if it is verified by hand,
// must not stop because its DNS is to be looked at from now on (decisions/055).
identity::SenderState DomainBook::SenderStateOf(
    const Domain& domain, const std::optional<identity::SenderRecord>& there) {
  using identity::SenderState;
  switch (domain.dns) {
    case identity::DnsState::kVerified:
      return SenderState::kVerified;
    case identity::DnsState::kBroken:
      return SenderState::kBroken;
    case identity::DnsState::kPending:
      break;
  }
  bool by_hand = there && there->state == SenderState::kVerified;
  return by_hand ? SenderState::kVerified : SenderState::kPending;
}

IdentityBook::Json DomainBook::SenderJson(const Domain& domain, const std::string& account,
                                          identity::SenderState state) {
  static constexpr const char* kStates[] = {"pending", "verified", "broken"};
  return {{"type", "sender"},
          {"name", domain.name},
          {"account", account},
          {"state", kStates[static_cast<size_t>(state)]}};
}

IdentityBook::Json DomainBook::SetSender(const Domain& domain, identity::SenderState state,
                                         uint32_t uid, WallTime now) {
  const identity::Account* owner = identity_->directory()->FindAccount(domain.account);
  IdentityPut put;
  put.records = Json::array({SenderJson(domain, owner ? owner->name : "", state)});
  return identity_->Answer(put, uid, now);
}

}  // namespace ringpost::app
