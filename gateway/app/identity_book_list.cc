// IdentityBook: records as they are, and what became of them.
#include "gateway/app/control_json.h"
#include "gateway/app/identity_book_parts.h"
#include "gateway/base/text.h"

namespace ringpost::app {
namespace {

using identity::Json;

// Rows that one request looks at: a page may be short, or empty, with more behind it.
constexpr uint32_t kRowsLookedAtMax = 50'000;

bool HasText(const Json& object, const char* member, std::string_view text) {
  auto found = object.find(member);
  return found != object.end() && found->is_string() &&
         EqualsIgnoreCase(found->get_ref<const std::string&>(), text);
}

std::string_view PrefixOf(RecordType type) {
  switch (type) {
    case RecordType::kAccount:
      return kAccountPrefix;
    case RecordType::kSender:
      return kSenderPrefix;
    case RecordType::kCredential:
      break;
  }
  return kCredentialPrefix;
}

bool Wanted(const IdentityList& list, RecordType type, const Json& record) {
  if (!list.account.empty() &&
      !HasText(record, type == RecordType::kAccount ? "name" : "account", list.account)) {
    return false;
  }
  if (!list.kind || type != RecordType::kCredential) return true;
  return HasText(record, "kind", identity::KindName(*list.kind));
}

}  // namespace

IdentityBook::Json IdentityBook::One(const IdentityList& list, WallTime now) {
  auto kind = list.kind.value_or(identity::CredentialKind::kUser);
  StatusOr<std::optional<Held>> held = std::optional<Held>();
  if (*list.type == RecordType::kAccount) {
    held = FindAccount(list.name);
  } else if (*list.type == RecordType::kCredential) {
    held = FindCredential(kind, list.name);
  } else if (std::string key = identity::Directory::VerifiedKeyOf(list.name); !key.empty()) {
    auto record = Read(SenderKey(key));
    if (!record.ok()) {
      held = record.status();
    } else if (*record) {
      held = std::optional<Held>({0, std::move(**record)});
    }
  }
  if (!held.ok()) return ErrorAnswer(StoreError(held.status()));
  if (!*held) {
    return ErrorAnswer({"not_found",
                        "there is no " + std::string(RecordTypeName(*list.type)) + " \"" +
                            Printable(list.name, 64) + "\"",
                        ""});
  }
  Json record = WithType(*list.type, (*held)->record);
  if (list.secrets && *list.type == RecordType::kCredential) {
    Status status = AddSecret((*held)->id, &record);
    if (!status.ok()) return ErrorAnswer(StoreError(status));
  }
  Json answer = OkAnswer();
  answer["records"] = Json::array({std::move(record)});
  answer["total"] = 1;
  if (uses_.quotas == nullptr) return answer;
  if (*list.type == RecordType::kAccount) answer["use"] = UseOfAccount((*held)->id, now);
  if (*list.type == RecordType::kCredential) answer["use"] = UseOfCredential(kind, list.name, now);
  return answer;
}

IdentityBook::Json IdentityBook::List(const IdentityList& list, WallTime now) {
  if (!list.name.empty()) return One(list, now);
  Json records = Json::array();
  std::vector<uint32_t> ids;  // of credentials among them
  size_t total = 0, bytes = 0;
  uint32_t looked_at = 0;
  std::string last;
  bool more = false;
  Status status;
  for (RecordType type : {RecordType::kAccount, RecordType::kSender, RecordType::kCredential}) {
    if (list.type && *list.type != type) continue;
    total += type == RecordType::kAccount  ? accounts_.size()
             : type == RecordType::kSender ? senders_
                                           : directory_->credentials();
    std::string_view prefix = PrefixOf(type);
    if (more || !status.ok() || list.after.substr(0, prefix.size()) > prefix) continue;
    std::string_view after = list.after.starts_with(prefix) ? std::string_view(list.after) : "";
    status = store_->ForEachUntil(
        prefix, after, storage::ControlStore::Order::kForwards,
        [&](std::string_view key, const std::string& value) {
          if (records.size() >= list.limit || ++looked_at > kRowsLookedAtMax ||
              bytes > limits::kControlAnswerBytesMax / 2) {
            more = true;
            return false;
          }
          last = key;
          Json record = Json::parse(value, nullptr, false);
          if (!record.is_object() || !Wanted(list, type, record)) return true;
          records.push_back(WithType(type, record));
          bytes += value.size();
          ids.push_back(type == RecordType::kCredential
                            ? IdOfKey(key, kCredentialPrefix).value_or(UINT32_MAX)
                            : UINT32_MAX);
          return true;
        });
  }
  for (size_t i = 0; list.secrets && status.ok() && i < ids.size(); ++i) {
    if (ids[i] != UINT32_MAX) status = AddSecret(ids[i], &records[i]);
  }
  if (!status.ok()) return ErrorAnswer(StoreError(status));
  Json answer = OkAnswer();
  answer["records"] = std::move(records);
  if (more) answer["next"] = last;
  answer["total"] = total;
  return answer;
}

IdentityBook::Json IdentityBook::Audit(const IdentityAudit& audit) {
  Json entries = Json::array();
  uint32_t looked_at = 0;
  std::string last;
  bool more = false;
  size_t bytes = 0;
  Status status = store_->ForEachUntil(
      kAuditPrefix, audit.after, storage::ControlStore::Order::kBackwards,
      [&](std::string_view key, const std::string& value) {
        if (entries.size() >= audit.limit || ++looked_at > kRowsLookedAtMax ||
            bytes > limits::kControlAnswerBytesMax / 2) {
          more = true;
          return false;
        }
        last = key;
        Json entry = Json::parse(value, nullptr, false);
        if (audit.account.empty() || HasText(entry, "account", audit.account)) {
          entries.push_back(std::move(entry));
          bytes += value.size();
        }
        return true;
      });
  if (!status.ok()) return ErrorAnswer(StoreError(status));
  Json answer = OkAnswer();
  answer["entries"] = std::move(entries);
  if (more) answer["next"] = last;
  return answer;
}

}  // namespace ringpost::app
