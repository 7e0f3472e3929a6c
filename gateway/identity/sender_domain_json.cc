#include "gateway/identity/sender_domain_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "gateway/base/text.h"
#include "gateway/identity/sender_domain_limits.h"

namespace ringpost::identity {
namespace {

using Json = nlohmann::ordered_json;
using Kind = tls::DkimKey::Kind;

// How a value of an enumeration is written.
template <typename E>
struct Word {
  std::string_view text;
  E value;
};

constexpr Word<Kind> kKinds[] = {{"rsa", Kind::kRsa}, {"ed25519", Kind::kEd25519}};
constexpr Word<KeySlot> kSlots[] = {{"a", KeySlot::kA}, {"b", KeySlot::kB}};
constexpr Word<KeyState> kKeyStates[] = {{"none", KeyState::kNone},
                                         {"waiting", KeyState::kWaiting},
                                         {"standby", KeyState::kStandby},
                                         {"active", KeyState::kActive},
                                         {"retired", KeyState::kRetired}};
constexpr Word<DnsState> kDnsStates[] = {{"pending", DnsState::kPending},
                                         {"verified", DnsState::kVerified},
                                         {"broken", DnsState::kBroken}};
// 9999-12-31: what RFC 3339 can say.
constexpr int64_t kTimeMillisMax = 253'402'300'799'999;
constexpr size_t kTextBytesMax = limits::kDomainSentenceBytesMax;
constexpr size_t kSlotsMax = 4;  // of two kinds, A and B

template <typename E, size_t N>
std::string WordOf(const Word<E> (&words)[N], E value) {
  for (const Word<E>& word : words) {
    if (word.value == value) return std::string(word.text);
  }
  return "";
}

// Takes members of one object, each once; keeps the first thing that is wrong.
class Members {
 public:
  Members(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object_.is_object()) Refuse("is no object");
  }

  const Json* Take(const char* name) {
    if (!status_.ok()) return nullptr;
    auto found = object_.find(name);
    if (found == object_.end()) {
      Refuse(std::string("has no member \"") + name + "\"");
      return nullptr;
    }
    taken_.push_back(name);
    return &*found;
  }
  uint64_t Number(const char* name, uint64_t number_max) {
    const Json* value = Take(name);
    if (value == nullptr) return 0;
    if (!value->is_number_unsigned() || value->get<uint64_t>() > number_max) {
      Refuse(std::string("has a member \"") + name + "\" that is no number up to " +
             std::to_string(number_max));
      return 0;
    }
    return value->get<uint64_t>();
  }
  WallTime Time(const char* name) {
    return WallFromMillis(static_cast<int64_t>(Number(name, kTimeMillisMax)));
  }
  std::string Text(const char* name) {
    const Json* value = Take(name);
    return value == nullptr ? "" : TextOf(*value, name);
  }
  std::string TextOf(const Json& value, const char* name) {
    if (!value.is_string() || value.get_ref<const std::string&>().size() > kTextBytesMax) {
      Refuse(std::string("has a member \"") + name + "\" that is no text, or a long one");
      return "";
    }
    return value.get<std::string>();
  }
  bool Flag(const char* name) {
    const Json* value = Take(name);
    if (value != nullptr && !value->is_boolean()) {
      Refuse(std::string("has a member \"") + name + "\" that is neither true nor false");
    }
    return value != nullptr && value->is_boolean() && value->get<bool>();
  }
  template <typename E, size_t N>
  E Choice(const char* name, const Word<E> (&words)[N]) {
    std::string text = Text(name);
    for (const Word<E>& word : words) {
      if (word.text == text) return word.value;
    }
    if (status_.ok()) Refuse(std::string("has a member \"") + name + "\" of an unknown word");
    return E{};
  }
  const Json& Array(const char* name, size_t size_max) {
    static const Json kEmpty = Json::array();
    const Json* value = Take(name);
    if (value == nullptr) return kEmpty;
    if (value->is_array() && value->size() <= size_max) return *value;
    Refuse(std::string("has a member \"") + name + "\" that is no list, or a long one");
    return kEmpty;
  }
  void Refuse(std::string_view what) {
    if (status_.ok()) {
      status_ = MakeStatus(StatusCode::kInvalidArgument, where_ + " " + std::string(what));
    }
  }
  // Nothing may be left over.
  Status Done() {
    if (!status_.ok()) return status_;
    for (const auto& [name, value] : object_.items()) {
      if (std::find(taken_.begin(), taken_.end(), name) == taken_.end()) {
        Refuse("has a member that is unknown: \"" + Printable(name, kTextBytesMax) + "\"");
      }
    }
    return status_;
  }

 private:
  const Json& object_;
  const std::string where_;
  std::vector<std::string_view> taken_;
  Status status_;
};

Json SlotJson(const DkimSlot& slot) {
  return {{"kind", WordOf(kKinds, slot.kind)},
          {"slot", WordOf(kSlots, slot.slot)},
          {"selector", slot.selector},
          {"token", slot.token},
          {"state", WordOf(kKeyStates, slot.state)},
          {"since_ms", ToMillis(slot.since)},
          {"until_ms", ToMillis(slot.until)},
          {"generation", slot.generation}};
}

Status ReadSlot(const Json& json, DkimSlot* slot) {
  Members members(json, "a selector of the domain");
  slot->kind = members.Choice("kind", kKinds);
  slot->slot = members.Choice("slot", kSlots);
  slot->selector = members.Text("selector");
  slot->token = members.Text("token");
  slot->state = members.Choice("state", kKeyStates);
  slot->since = members.Time("since_ms");
  slot->until = members.Time("until_ms");
  slot->generation =
      static_cast<uint32_t>(members.Number("generation", limits::kKeyGenerationsMax));
  return members.Done();
}

}  // namespace

std::string SenderDomainToJson(const SenderDomain& domain) {
  Json slots = Json::array();
  for (const DkimSlot& slot : domain.slots) slots.push_back(SlotJson(slot));
  Json json = {{"version", kSenderDomainVersion},
               {"name", domain.name},
               {"account", domain.account},
               {"created_ms", ToMillis(domain.created)},
               {"return_path_label", domain.return_path_label},
               {"return_path_token", domain.return_path_token},
               {"ed25519", domain.ed25519_wanted},
               {"slots", std::move(slots)},
               {"dns", WordOf(kDnsStates, domain.dns)},
               {"dns_since_ms", ToMillis(domain.dns_since)},
               {"last_check_ms", ToMillis(domain.last_check)},
               {"next_check_ms", ToMillis(domain.next_check)},
               {"words", domain.words}};
  if (!domain.advice.empty()) json["advice"] = domain.advice;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

StatusOr<SenderDomain> SenderDomainFromJson(std::string_view text) {
  if (text.size() > limits::kDomainJsonBytesMax) {
    return MakeStatus(StatusCode::kInvalidArgument, "the domain's record is too long");
  }
  Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    return MakeStatus(StatusCode::kInvalidArgument, "the domain's record is no JSON");
  }
  Members members(json, "the domain's record");
  if (members.Number("version", UINT32_MAX) != kSenderDomainVersion) {
    members.Refuse("is of another version");
  }
  SenderDomain domain;
  domain.name = members.Text("name");
  domain.account = static_cast<uint32_t>(members.Number("account", UINT32_MAX));
  domain.created = members.Time("created_ms");
  domain.return_path_label = members.Text("return_path_label");
  domain.return_path_token = members.Text("return_path_token");
  domain.ed25519_wanted = members.Flag("ed25519");
  for (const Json& slot : members.Array("slots", kSlotsMax)) {
    domain.slots.emplace_back();
    if (Status status = ReadSlot(slot, &domain.slots.back()); !status.ok()) return status;
  }
  domain.dns = members.Choice("dns", kDnsStates);
  domain.dns_since = members.Time("dns_since_ms");
  domain.last_check = members.Time("last_check_ms");
  domain.next_check = members.Time("next_check_ms");
  for (const Json& sentence : members.Array("words", limits::kDomainSentencesMax)) {
    domain.words.push_back(members.TextOf(sentence, "words"));
  }
  if (json.contains("advice")) {
    for (const Json& sentence : members.Array("advice", limits::kDomainSentencesMax)) {
      domain.advice.push_back(members.TextOf(sentence, "advice"));
    }
  }
  if (Status status = members.Done(); !status.ok()) return status;
  if (Status status = CheckSenderDomain(domain); !status.ok()) return status;
  return domain;
}

}  // namespace ringpost::identity
