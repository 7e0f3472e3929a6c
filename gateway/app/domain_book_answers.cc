// DomainBook: what an operator asks.
#include "gateway/app/control_json.h"
#include "gateway/app/domain_book.h"
#include "gateway/app/identity_book_parts.h"
#include "gateway/base/text.h"
#include "gateway/dns/zone_file.h"
#include "gateway/identity/sender_domain_json.h"
#include "gateway/smtp/idna.h"

namespace ringpost::app {
namespace {

using identity::DkimSlot;
using identity::Json;
using storage::ControlStore;

constexpr const char* kStates[] = {"pending", "verified", "broken"};
constexpr const char* kKeyStates[] = {"none", "waiting", "standby", "active", "retired"};

Json TimeOrNull(WallTime time) {
  return time == WallTime() ? Json(nullptr) : Json(FormatRfc3339(time));
}

Json KeyJson(const DkimSlot& slot) {
  bool rsa = slot.kind == tls::DkimKey::Kind::kRsa;
  return {{"selector", slot.selector},
          {"kind", rsa ? "rsa" : "ed25519"},
          {"slot", slot.slot == identity::KeySlot::kA ? "A" : "B"},
          {"state", kKeyStates[static_cast<size_t>(slot.state)]},
          {"since", TimeOrNull(slot.since)},
          {"until", TimeOrNull(slot.until)}};
}

Json PublishJson(const identity::RecordToPublish& record) {
  std::string line =
      dns::RecordLine({record.owner, record.type, limits::kCustomerTtlSeconds, 0, record.value});
  if (line.ends_with('\n')) line.pop_back();
  return {{"owner", record.owner}, {"type", dns::TypeName(record.type)}, {"value", record.value},
          {"why", record.why},     {"required", record.required},        {"line", line}};
}

Json NoDomain(const std::string& name) {
  return ErrorAnswer({"not_found", "there is no domain \"" + Printable(name, 64) + "\"", ""});
}

// Why no other key signs now.
ControlError WhyNoTurn(const identity::SenderDomain& domain) {
  const std::string hint = "ringpost domain show " + domain.name + " has its keys";
  const std::string nothing = "nothing was changed: ";
  for (const DkimSlot& slot : domain.slots) {
    if (slot.state != identity::KeyState::kRetired) continue;
    return {"unavailable",
            nothing + "the key before this one stays published until " + FormatRfc3339(slot.until) +
                ", for mail that is still on its way",
            "the next key is made in its place then"};
  }
  for (const DkimSlot& slot : domain.slots) {
    if (slot.state == identity::KeyState::kActive) {
      return {"unavailable",
              nothing + "the next key of " + domain.name +
                  " is not seen in the DNS, and nobody could verify what it signs",
              "is the operator's zone published (ringpost dns zone)? " + hint};
    }
  }
  return {"unavailable", nothing + "no key of " + domain.name + " signs yet", hint};
}

}  // namespace

Json DomainBook::NoZone() {
  return ErrorAnswer({"unavailable", "this gateway has no zone of its own for what it publishes",
                      "set [dns] zone in its configuration, and restart it"});
}

size_t DomainBook::RegionOf(uint32_t account) const {
  const identity::Account* owner = identity_->directory()->FindAccount(account);
  for (size_t i = 0; owner && i < options_.regions.size(); ++i) {
    if (owner->region == options_.regions[i].first) return i;
  }
  return 0;
}

Json DomainBook::Described(const Domain& domain) const {
  const identity::Account* owner = identity_->directory()->FindAccount(domain.account);
  Json json = {{"name", domain.name}, {"account", owner ? owner->name : ""}};
  json["state"] = kStates[static_cast<size_t>(domain.dns)];
  json["since"] = TimeOrNull(domain.dns_since == WallTime() ? domain.created : domain.dns_since);
  json["last_check"] = TimeOrNull(domain.last_check);
  json["next_check"] = TimeOrNull(domain.next_check);
  json["words"] = domain.words;
  json["advice"] = domain.advice;
  return json;
}

Json DomainBook::Show(const std::string& name) {
  auto domain = Find(name);
  if (!domain.ok()) return ErrorAnswer(StoreError(domain.status()));
  if (!*domain) return NoDomain(name);
  Json json = Described(**domain), publish = Json::array(), keys = Json::array();
  for (const auto& record : identity::RecordsToPublish(**domain, options_.zone)) {
    publish.push_back(PublishJson(record));
  }
  for (const DkimSlot& slot : (*domain)->slots) keys.push_back(KeyJson(slot));
  json["publish"] = std::move(publish);
  json["keys"] = std::move(keys);
  Json answer = OkAnswer();
  answer["domain"] = std::move(json);
  return answer;
}

Json DomainBook::Rotate(const Check& check, const std::vector<dns::Answer>& answers, uint32_t uid,
                        WallTime now) {
  WantedTurn turn{uid};
  Judge(check, answers, now, &turn);
  if (turn.taken) return Show(check.name);
  auto domain = Find(check.name);
  if (!domain.ok()) return ErrorAnswer(StoreError(domain.status()));
  if (!*domain) return NoDomain(check.name);
  return ErrorAnswer(WhyNoTurn(**domain));
}

Json DomainBook::Add(const DomainRequest& request, uint32_t uid, WallTime now) {
  if (options_.zone.empty()) return NoZone();
  auto there = Find(request.name);
  if (!there.ok()) return ErrorAnswer(StoreError(there.status()));
  if (*there) {
    return ErrorAnswer({"exists", "the domain " + (*there)->name + " is there already",
                        "ringpost domain show " + (*there)->name + " says what it lacks"});
  }
  auto account = identity_->AccountNamed(request.account);
  if (!account) {
    return ErrorAnswer({"not_found", "there is no account \"" + request.account + "\"",
                        "add it first: ringpost account add " + request.account});
  }
  auto domain = identity::NewSenderDomain(request.name, *account, request.ed25519, now);
  if (!domain.ok()) {
    return ErrorAnswer({"bad_request", std::string(MessageOf(domain.status())), ""});
  }
  auto sender = identity_->FindSender(domain->name);
  if (!sender.ok()) return ErrorAnswer(StoreError(sender.status()));
  // First what can be refused: it may be another account's.
  Json set = SetSender(*domain, SenderStateOf(*domain, *sender), uid, now);
  if (!set["ok"].get<bool>()) return set;
  std::vector<size_t> wanted;
  for (size_t i = 0; i < domain->slots.size(); ++i) wanted.push_back(i);
  auto keys = MakeKeys(&*domain, wanted, now);
  if (Status status = Write(*domain, std::move(keys)); !status.ok()) {
    return ErrorAnswer(StoreError(status));
  }
  Take(*domain, true);
  return Show(domain->name);
}

Json DomainBook::Remove(const std::string& name, uint32_t uid, WallTime now) {
  auto domain = Find(name);
  if (!domain.ok()) return ErrorAnswer(StoreError(domain.status()));
  if (!*domain) return NoDomain(name);
  IdentityRemove sender;
  sender.type = RecordType::kSender;
  sender.name = (*domain)->name;
  Json removed = identity_->Answer(sender, uid, now);
  bool gone = removed["ok"].get<bool>() || removed["error"]["code"] == "not_found";
  if (!gone) return removed;
  if (Status status = Drop(**domain); !status.ok()) return ErrorAnswer(StoreError(status));
  return OkAnswer();
}

Json DomainBook::List(const DomainRequest& request) {
  Json domains = Json::array();
  std::string last;
  bool more = false;
  std::optional<uint32_t> account;
  if (!request.account.empty()) account = identity_->AccountNamed(request.account).value_or(0);
  Status status =
      store_->ForEachUntil(kDomainPrefix, request.after, ControlStore::Order::kForwards,
                           [&](std::string_view key, const std::string& value) {
                             if (domains.size() >= request.limit) {
                               more = true;
                               return false;
                             }
                             last = key;
                             auto domain = identity::SenderDomainFromJson(value);
                             if (domain.ok() && (!account || domain->account == *account)) {
                               domains.push_back(Described(*domain));
                             }
                             return true;
                           });
  if (!status.ok()) return ErrorAnswer(StoreError(status));
  Json answer = OkAnswer();
  answer["domains"] = std::move(domains);
  if (more) answer["next"] = last;
  return answer;
}

// --- The zone

StatusOr<std::vector<dns::Record>> DomainBook::AllRecords() {
  std::vector<Domain> all;
  Status status = store_->ForEach(kDomainPrefix, [&](std::string_view, const std::string& value) {
    auto domain = identity::SenderDomainFromJson(value);
    if (domain.ok()) all.push_back(std::move(*domain));
  });
  if (!status.ok()) return status;
  std::vector<dns::Record> records;
  for (const Domain& domain : all) {
    auto texts = KeyTexts(domain);
    if (!texts.ok()) return texts.status();
    const identity::RegionMail& region = options_.regions[RegionOf(domain.account)].second;
    auto its =
        identity::ZoneRecords(domain, options_.zone, *texts, region, limits::kZoneTtlSeconds);
    records.insert(records.end(), its.begin(), its.end());
  }
  return records;
}

Json DomainBook::Zone(WallTime now) {
  if (options_.zone.empty()) return NoZone();
  auto records = AllRecords();
  if (!records.ok()) return ErrorAnswer(StoreError(records.status()));
  dns::ZoneHead head;
  head.zone = options_.zone;
  head.name_servers = options_.name_servers;
  head.primary = options_.name_servers.front();
  head.mailbox = options_.mailbox;
  head.ttl_seconds = limits::kZoneTtlSeconds;
  // Seconds since 1970: it grows, whoever asks, also over a restart.
  head.serial = static_cast<uint32_t>(ToMillis(now) / 1000);
  auto text = dns::WriteZoneFile(head, std::move(*records));
  if (!text.ok()) {
    return ErrorAnswer({"unavailable", std::string(MessageOf(text.status())), ""});
  }
  Json answer = OkAnswer();
  answer["zone"] = std::move(*text);
  return answer;
}

Json DomainBook::Records() {
  if (options_.zone.empty()) return NoZone();
  auto records = AllRecords();
  if (!records.ok()) return ErrorAnswer(StoreError(records.status()));
  Json list = Json::array();
  for (const dns::Record& record : *records) {
    list.push_back({{"owner", record.owner},
                    {"type", dns::TypeName(record.type)},
                    {"ttl", record.ttl_seconds},
                    {"preference", record.preference},
                    {"value", record.value}});
  }
  Json answer = OkAnswer();
  answer["zone"] = options_.zone;
  answer["records"] = std::move(list);
  return answer;
}

Json DomainBook::Answer(const DomainRequest& request, uint32_t uid, WallTime now) {
  switch (request.command) {
    case ControlCommand::kDomainAdd:
      return Add(request, uid, now);
    case ControlCommand::kDomainRemove:
      return Remove(request.name, uid, now);
    case ControlCommand::kDomainList:
      return List(request);
    case ControlCommand::kDomainRotate:
      if (options_.zone.empty()) return NoZone();
      if (Json shown = Show(request.name); !shown["ok"].get<bool>()) return shown;
      return ErrorAnswer({"busy", "too many wait for the DNS already", "try again in a moment"});
    case ControlCommand::kDomainExport:
      return Export(request);
    case ControlCommand::kDomainImport:
      return Import(request, uid, now);
    case ControlCommand::kDnsZone:
      return Zone(now);
    case ControlCommand::kDnsRecords:
      return Records();
    default:
      return Show(request.name);
  }
}

}  // namespace ringpost::app
