#include "gateway/identity/records.h"

#include <algorithm>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/identity/record_reader.h"
#include "gateway/smtp/address.h"
#include "gateway/smtp/idna.h"

namespace ringpost::identity {
namespace {

template <typename T>
using Word = std::pair<std::string_view, T>;

constexpr Word<CredentialKind> kKinds[] = {{"user", CredentialKind::kUser},
                                           {"api_key", CredentialKind::kApiKey},
                                           {"network", CredentialKind::kNetwork},
                                           {"address", CredentialKind::kAddress}};
constexpr Word<CredentialStatus> kStatuses[] = {{"allowed", CredentialStatus::kAllowed},
                                                {"blocked", CredentialStatus::kBlocked},
                                                {"sandbox", CredentialStatus::kSandbox}};
constexpr Word<Lane> kLanes[] = {{"transactional", Lane::kTransactional}, {"bulk", Lane::kBulk}};
constexpr Word<SenderState> kStates[] = {{"pending", SenderState::kPending},
                                         {"verified", SenderState::kVerified},
                                         {"broken", SenderState::kBroken}};

template <typename T>
std::string_view WordOf(std::span<const Word<T>> words, T value) {
  for (const auto& [word, meaning] : words) {
    if (meaning == value) return word;
  }
  return "";
}

void PutText(Json* json, const char* name, const std::string& text) {
  if (!text.empty()) (*json)[name] = text;
}

void PutList(Json* json, const char* name, const ListRecord& list) {
  if (list.mode == ListMode::kOff && list.entries.empty()) return;
  (*json)[name] = {{"mode", WordOf<ListMode>(kListModes, list.mode)}, {"entries", list.entries}};
}

void PutRate(Json* json, const RateLimit& rate) {
  if (!rate.limited()) return;
  (*json)["rate"] = {{"count", rate.count}, {"seconds", rate.period.count()}};
}

void PutRamp(Json* json, const Ramp& ramp) {
  if (!ramp.limited()) return;
  Json& to = (*json)["ramp"] = {{"first_day", ramp.first_day}, {"days", ramp.days}};
  if (ramp.begins > 0) to["begins"] = FormatDay(ramp.begins);
}

StatusOr<std::shared_ptr<const AddressList>> MakeList(const ListRecord& record) {
  if (record.mode == ListMode::kOff) return std::shared_ptr<const AddressList>();
  auto made = AddressList::Make(record.mode, record.entries);
  if (!made.ok()) return made.status();
  return std::make_shared<const AddressList>(std::move(*made));
}

// An address that mail is to have, or go to.
void AddressOf(RecordReader* reader, std::string_view name, std::string* to) {
  reader->Text(name, limits::kPathBytesMax, to);
  if (!to->empty() && !ListedAddress::From(*to).known) {
    reader->Fail(name, "is an address such as \"user@example.com\"");
  }
}

void DomainOf(RecordReader* reader, std::string_view name, std::string* to) {
  reader->Text(name, limits::kDomainBytesMax, to);
  if (to->empty()) return;
  auto domain = smtp::CanonicalDomain(*to);
  if (!domain || !smtp::IsDomain(*domain, false)) {
    reader->Fail(name, "is a domain such as \"example.com\"");
  }
}

void AccountOf(RecordReader* reader, std::string_view name, std::string* to) {
  reader->Text(name, limits::kAccountNameBytesMax, to);
  if (IsAccountName(*to)) return;
  reader->Fail(name, "is the name of an account: 1 to " +
                         std::to_string(limits::kAccountNameBytesMax) +
                         " letters, digits, '-', '_' and '.'");
}

void NetworksOf(RecordReader* reader, std::vector<std::string>* to) {
  reader->Texts("networks", limits::kConfigNetworksMax, to);
  for (const std::string& network : *to) {
    if (IpNetwork::Parse(network)) continue;
    reader->Fail("networks", "has \"" + Printable(network, 64) +
                                 "\", which is no address and no network such as \"192.0.2.0/24\"");
    return;
  }
}

void SettingsOf(RecordReader* reader, CredentialSettings* to) {
  uint32_t deadline = 0;
  reader->Rate("rate", &to->rate);
  reader->Number("daily_quota", UINT32_MAX, &to->daily_quota);
  reader->Number("monthly_quota", UINT32_MAX, &to->monthly_quota);
  reader->Choice<Lane>("lane", kLanes, &to->lane);
  reader->Number("deadline_seconds", limits::kMessageLifetimeSecondsMax, &deadline);
  to->deadline = Seconds(deadline);
  reader->Flag("archive", &to->archive);
  AddressOf(reader, "audit_copy", &to->audit_copy);
  AddressOf(reader, "bounces_to", &to->bounces_to);
  reader->Text("egress_pool", limits::kPoolNameBytesMax, &to->egress_pool);
  DomainOf(reader, "default_domain", &to->default_domain);
  AddressOf(reader, "forced_from", &to->forced_from);
  AddressOf(reader, "forced_reverse_path", &to->forced_reverse_path);
}

void PutSettings(Json* json, const CredentialRecord& record) {
  const CredentialSettings& from = record.settings;
  PutList(json, "senders", record.senders);
  PutList(json, "recipients", record.recipients);
  if (!record.networks.empty()) (*json)["networks"] = record.networks;
  PutRate(json, from.rate);
  if (from.daily_quota > 0) (*json)["daily_quota"] = from.daily_quota;
  if (from.monthly_quota > 0) (*json)["monthly_quota"] = from.monthly_quota;
  if (from.lane != Lane()) (*json)["lane"] = WordOf<Lane>(kLanes, from.lane);
  if (from.deadline.count() > 0) (*json)["deadline_seconds"] = from.deadline.count();
  if (from.archive) (*json)["archive"] = true;
  PutText(json, "audit_copy", from.audit_copy);
  PutText(json, "bounces_to", from.bounces_to);
  PutText(json, "egress_pool", from.egress_pool);
  PutText(json, "default_domain", from.default_domain);
  PutText(json, "forced_from", from.forced_from);
  PutText(json, "forced_reverse_path", from.forced_reverse_path);
}

}  // namespace

std::string_view KindName(CredentialKind kind) { return WordOf<CredentialKind>(kKinds, kind); }

std::optional<CredentialKind> ParseKind(std::string_view name) {
  for (const auto& [word, kind] : kKinds) {
    if (word == name) return kind;
  }
  return std::nullopt;
}

bool IsAccountName(std::string_view name) {
  for (char c : name) {
    if (!IsAlpha(c) && !IsDigit(c) && c != '-' && c != '_' && c != '.') return false;
  }
  return !name.empty() && name.size() <= limits::kAccountNameBytesMax;
}

// --- Accounts

StatusOr<AccountRecord> AccountRecord::Parse(const Json& object) {
  AccountRecord record;
  RecordReader reader(object, "an account");
  AccountOf(&reader, "name", &record.name);
  reader.Text("description", limits::kDescriptionBytesMax, &record.description);
  reader.Text("region", limits::kRegionNameBytesMax, &record.region);
  reader.Flag("suspended", &record.suspended);
  reader.Flag("exempt", &record.exempt);
  reader.List("senders", &record.senders);
  reader.List("recipients", &record.recipients);
  reader.Rate("rate", &record.rate);
  reader.RampOf("ramp", &record.ramp);
  if (Status status = reader.Finish(); !status.ok()) return status;
  return record;
}

Json AccountRecord::ToJson() const {
  Json json = {{"name", name}};
  PutText(&json, "description", description);
  PutText(&json, "region", region);
  if (suspended) json["suspended"] = true;
  if (exempt) json["exempt"] = true;
  PutList(&json, "senders", senders);
  PutList(&json, "recipients", recipients);
  PutRate(&json, rate);
  PutRamp(&json, ramp);
  return json;
}

StatusOr<Account> AccountRecord::ToAccount(uint32_t id) const {
  auto from = MakeList(senders);
  if (!from.ok()) return from.status();
  auto to = MakeList(recipients);
  if (!to.ok()) return to.status();
  Account account;
  account.id = id;
  account.name = name;
  account.region = region;
  account.suspended = suspended;
  account.exempt = exempt;
  account.senders = std::move(*from);
  account.recipients = std::move(*to);
  account.rate = rate;
  account.ramp = ramp;
  return account;
}

// --- Credentials

StatusOr<CredentialRecord> CredentialRecord::Parse(const Json& object) {
  CredentialRecord record;
  RecordReader reader(object, "a credential");
  reader.Choice<CredentialKind>("kind", kKinds, &record.kind);
  reader.Text("name", limits::kCredentialNameBytesMax, &record.name);
  AccountOf(&reader, "account", &record.account);
  reader.Text("description", limits::kDescriptionBytesMax, &record.description);
  reader.Choice<CredentialStatus>("status", kStatuses, &record.status);
  reader.Text("blocked_because", limits::kDescriptionBytesMax, &record.blocked_because);
  if (record.status != CredentialStatus::kBlocked) record.blocked_because.clear();
  reader.List("senders", &record.senders);
  reader.List("recipients", &record.recipients);
  NetworksOf(&reader, &record.networks);
  SettingsOf(&reader, &record.settings);
  if (Status status = reader.Finish(); !status.ok()) return status;
  return record;
}

Json CredentialRecord::ToJson() const {
  Json json = {{"kind", KindName(kind)}, {"name", name}, {"account", account}};
  PutText(&json, "description", description);
  if (status != CredentialStatus()) json["status"] = WordOf<CredentialStatus>(kStatuses, status);
  PutText(&json, "blocked_because", blocked_because);
  PutSettings(&json, *this);
  return json;
}

std::string CredentialRecord::SettingsText() const {
  Json json = Json::object();
  PutSettings(&json, *this);
  return json.empty() ? "" : json.dump();
}

StatusOr<CredentialSettings> CredentialRecord::ToSettings() const {
  CredentialSettings made = settings;
  auto from = MakeList(senders);
  if (!from.ok()) return from.status();
  auto to = MakeList(recipients);
  if (!to.ok()) return to.status();
  made.senders = std::move(*from);
  made.recipients = std::move(*to);
  if (!networks.empty()) {
    auto list = std::make_shared<NetworkList>();
    for (const std::string& network : networks) list->Add(*IpNetwork::Parse(network));
    made.networks = std::move(list);
  }
  return made;
}

// --- Senders

StatusOr<SenderRecord> SenderRecord::Parse(const Json& object) {
  SenderRecord record;
  RecordReader reader(object, "a sender");
  reader.Text("name", limits::kPathBytesMax, &record.name);
  AccountOf(&reader, "account", &record.account);
  reader.Choice<SenderState>("state", kStates, &record.state);
  if (Status status = reader.Finish(); !status.ok()) return status;
  return record;
}

Json SenderRecord::ToJson() const {
  Json json = {{"name", name}, {"account", account}};
  if (state != SenderState()) json["state"] = WordOf<SenderState>(kStates, state);
  return json;
}

}  // namespace ringpost::identity
