#include "gateway/identity/sender_domain.h"

#include <algorithm>
#include <array>
#include <optional>

#include "gateway/base/check.h"
#include "gateway/base/text.h"
#include "gateway/dns/dns_limits.h"
#include "gateway/dns/name.h"
#include "gateway/identity/sender_domain_limits.h"
#include "gateway/smtp/idna.h"
#include "gateway/tls/aead.h"

namespace ringpost::identity {
namespace {

using Kind = tls::DkimKey::Kind;

constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view kKeysBelow = "_domainkey";  // RFC 6376 section 3.6.2.1
// Where the targets are in the operator's zone.
constexpr std::string_view kReturnPaths = "rp";
constexpr std::string_view kKeys = "dkim";

// Five random bits each.
std::string RandomLabel(size_t characters_min, size_t characters_max) {
  std::array<uint8_t, 1 + dns::limits::kLabelBytesMax> bytes;
  tls::RandomBytes(bytes);
  size_t characters = characters_min + bytes[0] % (characters_max - characters_min + 1);
  std::string label;
  for (size_t i = 1; i <= characters; ++i) label.push_back(kAlphabet[bytes[i] % kAlphabet.size()]);
  return label;
}

std::string NewToken() {
  return RandomLabel(limits::kDomainTokenBytesMin, limits::kDomainTokenBytesMax);
}
std::string NewSelector() {
  return RandomLabel(limits::kSelectorBytesMin, limits::kSelectorBytesMax);
}

bool IsRandomLabel(std::string_view label, size_t bytes_min, size_t bytes_max) {
  return label.size() >= bytes_min && label.size() <= bytes_max &&
         std::all_of(label.begin(), label.end(),
                     [](char c) { return kAlphabet.find(c) != std::string_view::npos; });
}
bool IsToken(std::string_view label) {
  return IsRandomLabel(label, limits::kDomainTokenBytesMin, limits::kDomainTokenBytesMax);
}
bool IsSelector(std::string_view label) {
  return IsRandomLabel(label, limits::kSelectorBytesMin, limits::kSelectorBytesMax);
}

bool CanSend(std::string_view name) {
  size_t longest_below = limits::kSelectorBytesMax + kKeysBelow.size() + 2;
  return dns::IsHostName(name) && dns::CanonicalName(name) == name && name.find('.') != name.npos &&
         name.size() + longest_below <= dns::limits::kNameBytesMax;
}

Status Invalid(std::string_view domain, std::string_view what) {
  return MakeStatus(
      StatusCode::kInvalidArgument,
      "\"" + Printable(domain, dns::limits::kNameBytesMax) + "\": " + std::string(what));
}

void AddSlots(Kind kind, WallTime now, SenderDomain* domain) {
  for (KeySlot slot : {KeySlot::kA, KeySlot::kB}) {
    DkimSlot added;
    added.kind = kind;
    added.slot = slot;
    added.selector = NewSelector();
    added.token = NewToken();
    added.since = now;
    domain->slots.push_back(std::move(added));
  }
}

bool HasSlots(const SenderDomain& domain, Kind kind) {
  return std::any_of(domain.slots.begin(), domain.slots.end(),
                     [kind](const DkimSlot& slot) { return slot.kind == kind; });
}

// RSA A and B, then at most Ed25519 A and B.
Status CheckOrder(const SenderDomain& domain) {
  constexpr std::pair<Kind, KeySlot> kOrder[] = {{Kind::kRsa, KeySlot::kA},
                                                 {Kind::kRsa, KeySlot::kB},
                                                 {Kind::kEd25519, KeySlot::kA},
                                                 {Kind::kEd25519, KeySlot::kB}};
  size_t count = domain.slots.size();
  bool good = count == 4 || (count == 2 && !domain.ed25519_wanted);
  for (size_t i = 0; good && i < count; ++i) {
    good = std::pair(domain.slots[i].kind, domain.slots[i].slot) == kOrder[i];
  }
  return good ? OkStatus() : Invalid(domain.name, "it has other selectors than A and B of a kind");
}

Status CheckSlot(const SenderDomain& domain, const DkimSlot& slot) {
  if (!IsSelector(slot.selector)) return Invalid(domain.name, "a selector is none of ours");
  if (!IsToken(slot.token)) return Invalid(domain.name, "a selector's token is none of ours");
  if ((slot.generation == 0) && slot.state != KeyState::kNone) {
    return Invalid(domain.name, "a selector has a state of a key that was never made");
  }
  if (slot.state == KeyState::kRetired ? slot.until < slot.since : slot.until != WallTime()) {
    return Invalid(domain.name, "until when a key is retired is wrong");
  }
  return OkStatus();
}

Status CheckApart(const SenderDomain& domain) {
  std::vector<std::string> selectors = {domain.return_path_label}, tokens;
  int active[2] = {0, 0};
  for (const DkimSlot& slot : domain.slots) {
    selectors.push_back(slot.selector);
    tokens.push_back(slot.token);
    if (slot.state == KeyState::kActive) ++active[slot.kind == Kind::kRsa ? 0 : 1];
  }
  for (auto* labels : {&selectors, &tokens}) {
    std::sort(labels->begin(), labels->end());
    if (std::adjacent_find(labels->begin(), labels->end()) != labels->end()) {
      return Invalid(domain.name, "two of its labels are the same");
    }
  }
  if (active[0] > 1 || active[1] > 1) return Invalid(domain.name, "two keys of a kind are active");
  return OkStatus();
}

Status CheckSentences(std::string_view domain, const std::vector<std::string>& sentences) {
  if (sentences.size() > limits::kDomainSentencesMax) {
    return Invalid(domain, "too many words about its last check");
  }
  for (const std::string& sentence : sentences) {
    if (sentence.size() > limits::kDomainSentenceBytesMax || !IsUtf8(sentence)) {
      return Invalid(domain, "a sentence about its last check is too long, or no text");
    }
  }
  return OkStatus();
}

std::string WhyKey(const DkimSlot& slot) {
  std::string kind = slot.kind == Kind::kRsa ? "RSA" : "Ed25519";
  std::string which = slot.slot == KeySlot::kA ? "A" : "B";
  return "leads to " + kind + " key " + which +
         " that mail of the domain is signed with (DKIM); A and B take turns";
}

dns::Record KeyRecord(const DkimSlot& slot, std::string_view zone, const std::string& text,
                      uint32_t ttl_seconds) {
  return {KeyTarget(slot, zone), dns::RecordType::kTxt, ttl_seconds, 0, text};
}

}  // namespace

StatusOr<SenderDomain> NewSenderDomain(std::string_view name, uint32_t account, bool ed25519_wanted,
                                       WallTime now) {
  std::optional<std::string> canonical = smtp::CanonicalDomain(name);
  if (!canonical || !CanSend(*canonical)) {
    return Invalid(name, "this is no domain that mail can come from, like \"customer.example\"");
  }
  SenderDomain domain;
  domain.name = std::move(*canonical);
  domain.account = account;
  domain.created = domain.dns_since = domain.next_check = now;
  domain.return_path_label = NewSelector();
  domain.return_path_token = NewToken();
  AddSlots(Kind::kRsa, now, &domain);
  WantEd25519(&domain, ed25519_wanted, now);
  return domain;
}

void WantEd25519(SenderDomain* domain, bool wanted, WallTime now) {
  domain->ed25519_wanted = wanted;
  if (wanted && !HasSlots(*domain, Kind::kEd25519)) AddSlots(Kind::kEd25519, now, domain);
}

Status CheckSenderDomain(const SenderDomain& domain) {
  if (!CanSend(domain.name))
    return Invalid(domain.name, "this is no domain that mail can come from");
  if (!IsSelector(domain.return_path_label) || !IsToken(domain.return_path_token)) {
    return Invalid(domain.name, "the label or the token of its return path is none of ours");
  }
  if (Status status = CheckOrder(domain); !status.ok()) return status;
  for (const DkimSlot& slot : domain.slots) {
    if (Status status = CheckSlot(domain, slot); !status.ok()) return status;
  }
  if (Status status = CheckApart(domain); !status.ok()) return status;
  if (Status status = CheckSentences(domain.name, domain.words); !status.ok()) return status;
  return CheckSentences(domain.name, domain.advice);
}

void AddSentence(std::string sentence, std::vector<std::string>* sentences) {
  if (sentence.empty() || sentences->size() == limits::kDomainSentencesMax) return;
  sentence.resize(std::min(sentence.size(), limits::kDomainSentenceBytesMax));
  sentence.resize(ValidUtf8Prefix(sentence));
  if (std::find(sentences->begin(), sentences->end(), sentence) == sentences->end()) {
    sentences->push_back(std::move(sentence));
  }
}

std::string ReturnPathName(const SenderDomain& domain) {
  return dns::JoinNames(domain.return_path_label, domain.name);
}
std::string SelectorName(const SenderDomain& domain, const DkimSlot& slot) {
  return dns::JoinNames(slot.selector, dns::JoinNames(kKeysBelow, domain.name));
}
std::string ReturnPathTarget(const SenderDomain& domain, std::string_view operator_zone) {
  return dns::JoinNames(domain.return_path_token, dns::JoinNames(kReturnPaths, operator_zone));
}
std::string KeyTarget(const DkimSlot& slot, std::string_view operator_zone) {
  return dns::JoinNames(slot.token, dns::JoinNames(kKeys, operator_zone));
}

std::vector<RecordToPublish> RecordsToPublish(const SenderDomain& domain,
                                              std::string_view operator_zone) {
  std::vector<RecordToPublish> records;
  records.push_back({ReturnPathName(domain), dns::RecordType::kCname,
                     ReturnPathTarget(domain, operator_zone),
                     "leads to the return path: bounces come back by it, and SPF passes with it"});
  for (size_t i = 0; i < domain.slots.size(); ++i) {
    const DkimSlot& slot = domain.slots[i];
    bool rsa = slot.kind == Kind::kRsa;
    if (!rsa && !domain.ed25519_wanted) continue;
    records.push_back({SelectorName(domain, slot), dns::RecordType::kCname,
                       KeyTarget(slot, operator_zone), WhyKey(slot), rsa, static_cast<int>(i)});
  }
  return records;
}

std::vector<dns::Record> ZoneRecords(const SenderDomain& domain, std::string_view operator_zone,
                                     std::span<const std::string> key_texts,
                                     const RegionMail& region, uint32_t ttl_seconds) {
  RP_CHECK(key_texts.size() == domain.slots.size());
  std::vector<dns::Record> records;
  std::string return_path = ReturnPathTarget(domain, operator_zone);
  for (const RegionMail::Exchange& exchange : region.exchanges) {
    records.push_back({return_path, dns::RecordType::kMx, ttl_seconds, exchange.preference,
                       dns::CanonicalName(exchange.host)});
  }
  if (!region.spf.empty()) {
    records.push_back({return_path, dns::RecordType::kTxt, ttl_seconds, 0, region.spf});
  }
  for (size_t i = 0; i < domain.slots.size(); ++i) {
    if (domain.slots[i].state == KeyState::kNone || key_texts[i].empty()) continue;
    records.push_back(KeyRecord(domain.slots[i], operator_zone, key_texts[i], ttl_seconds));
  }
  return records;
}

}  // namespace ringpost::identity
