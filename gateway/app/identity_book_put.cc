// IdentityBook: records that are added and changed.
#include "gateway/app/control_json.h"
#include "gateway/app/identity_book_parts.h"
#include "gateway/base/text.h"
#include "gateway/identity/api_key.h"
#include "gateway/identity/period_count.h"

namespace ringpost::app {
namespace {

using identity::AccountRecord;
using identity::CredentialKind;
using identity::CredentialRecord;
using identity::Json;
using identity::SenderRecord;
using Mode = IdentityPut::Mode;

ControlError BadRecord(const Status& status) {
  return {"bad_request", std::string(MessageOf(status)), ""};
}
ControlError BadRecord(std::string words) { return {"bad_request", std::move(words), ""}; }

std::string TextOf(const Json& object, const char* member) {
  auto found = object.find(member);
  const auto* text = found == object.end() ? nullptr : found->get_ptr<const std::string*>();
  return text ? *text : "";
}

// Whether there may be one already, by the mode.
std::optional<ControlError> CheckMode(Mode mode, bool there, const std::string& what) {
  if (mode == Mode::kCreate && there) {
    return ControlError{"exists", what + " is there already", "change it with \"set\""};
  }
  if (mode == Mode::kUpdate && !there) {
    return ControlError{"not_found", "there is no " + what, "add it first"};
  }
  return std::nullopt;
}

// What the record is to be: the members that are given over those that are there (RFC 7396), or
// the given ones alone.
Json Merged(Mode mode, const Json* before, const Json& given) {
  if (mode != Mode::kUpdate || !before) return given;
  Json merged = *before;
  merged.merge_patch(given);
  return merged;
}

std::string What(const Json* before, const Json& after, bool more = false) {
  if (!before) return "added";
  return *before == after && !more ? "unchanged" : "changed";
}

// A ramp begins when it is first asked for. Where a record is replaced as a whole, by one that does
// not say when, it goes on.
void BeginRamp(Mode mode, const Json* before, WallTime now, identity::Ramp* ramp) {
  if (!ramp->limited() || ramp->begins > 0) return;
  ramp->begins = identity::UtcDay(now);
  if (mode != Mode::kPut || !before) return;
  auto held = AccountRecord::Parse(*before);
  if (held.ok() && held->ramp.limited()) ramp->begins = held->ramp.begins;
}

// Of long lists how long they are: an entry must fit, and be read.
Json ForAudit(Json record) {
  constexpr size_t kEntriesShown = 100;
  for (const char* name : {"senders", "recipients"}) {
    auto list = record.find(name);
    if (list == record.end() || !list->contains("entries")) continue;
    Json& entries = (*list)["entries"];
    if (entries.size() <= kEntriesShown) continue;
    (*list)["count"] = entries.size();
    list->erase("entries");
  }
  return record;
}

const char* SecretMemberOf(const auto& change) {
  return SecretMember(identity::ParseKind(change.kind).value_or(CredentialKind::kUser));
}

Json ChangeJson(const auto& change) {
  Json json = {{"type", RecordTypeName(change.type)}};
  if (!change.kind.empty()) json["kind"] = change.kind;
  json["name"] = change.name;
  json["what"] = change.what;
  if (!change.secret.empty()) json[SecretMemberOf(change)] = change.secret;
  return json;
}

}  // namespace

std::optional<uint32_t> IdentityBook::AccountId(std::string_view name, const IdentityPut& put,
                                                const Staged& staged) const {
  std::string lower = ToLower(name);
  if (auto found = accounts_.find(lower); found != accounts_.end()) return found->second;
  auto fresh = staged.new_accounts.find(lower);
  if (fresh != staged.new_accounts.end()) return fresh->second;
  if (put.assume_accounts.contains(lower)) return UINT32_MAX;  // of a dry run: never used
  return std::nullopt;
}

std::optional<ControlError> IdentityBook::StageAccount(const IdentityPut& put, const Json& given,
                                                       Staged* staged) {
  std::string name = TextOf(given, "name");
  auto held = FindAccount(name);
  if (!held.ok()) return StoreError(held.status());
  const Json* before = *held ? &(*held)->record : nullptr;
  if (auto error = CheckMode(put.mode, before, "the account \"" + Printable(name, 64) + "\"")) {
    return error;
  }
  auto record = AccountRecord::Parse(Merged(put.mode, before, given));
  if (!record.ok()) return BadRecord(record.status());
  BeginRamp(put.mode, before, staged->now, &record->ramp);
  uint32_t id = before ? (*held)->id : staged->next_account;
  auto account = record->ToAccount(id);
  if (!account.ok()) return BadRecord(account.status());
  if (!staged->seen.insert("account " + ToLower(record->name)).second) {
    return BadRecord("the account \"" + record->name + "\" is in this request twice");
  }
  Json after = record->ToJson();
  Staged::Change& change = staged->changes.emplace_back();
  change.type = RecordType::kAccount;
  change.name = change.account = record->name;
  change.what = What(before, after);
  if (change.what == "unchanged") return std::nullopt;
  if (!before) {
    ++staged->next_account;
    staged->new_accounts[ToLower(record->name)] = id;
  } else {
    change.before = *before;
  }
  staged->writes.push_back({AccountKey(id), after.dump()});
  change.after = std::move(after);
  staged->edits.push_back([account = std::move(*account)](identity::Directory::Builder* builder) {
    builder->PutAccount(account);
    return OkStatus();
  });
  return std::nullopt;
}

std::optional<ControlError> IdentityBook::StageSender(const IdentityPut& put, const Json& given,
                                                      Staged* staged) {
  std::string key = identity::Directory::VerifiedKeyOf(TextOf(given, "name"));
  if (key.empty()) {
    return BadRecord(
        "a sender's \"name\" is a domain such as \"example.com\" or an address such as "
        "\"user@example.com\"");
  }
  if (identity::Directory::VerifiedKeyOf(key) != key) {  // what is written must be read again
    return BadRecord("a sender's \"name\" is an address that needs no quotes");
  }
  if (SenderKey(key).size() > limits::kControlKeyBytesMax) {
    return BadRecord("a sender's \"name\" is too long");
  }
  auto held = Read(SenderKey(key));
  if (!held.ok()) return StoreError(held.status());
  const Json* before = *held ? &**held : nullptr;
  if (auto error = CheckMode(put.mode, before, "the sender \"" + key + "\"")) return error;
  auto record = SenderRecord::Parse(Merged(put.mode, before, given));
  if (!record.ok()) return BadRecord(record.status());
  record->name = key;
  auto account = AccountId(record->account, put, *staged);
  if (!account) {
    return ControlError{"not_found", "there is no account \"" + record->account + "\"",
                        "add it first"};
  }
  if (before && ToLower(TextOf(*before, "account")) != ToLower(record->account)) {
    return ControlError{"exists",
                        key + " is another account's: \"" + TextOf(*before, "account") + "\"",
                        "remove it there first"};
  }
  if (!staged->seen.insert("sender " + key).second) {
    return BadRecord("the sender \"" + key + "\" is in this request twice");
  }
  Json after = record->ToJson();
  Staged::Change& change = staged->changes.emplace_back();
  change.type = RecordType::kSender;
  change.name = key;
  change.account = record->account;
  change.what = What(before, after);
  if (change.what == "unchanged") return std::nullopt;
  if (before) change.before = *before;
  staged->senders += before ? 0 : 1;
  staged->writes.push_back({SenderKey(key), after.dump()});
  change.after = std::move(after);
  bool verified = record->state == identity::SenderState::kVerified;
  staged->edits.push_back([key, verified, id = *account](identity::Directory::Builder* builder) {
    builder->RemoveVerified(key);
    return verified ? builder->AddVerified(id, key) : OkStatus();
  });
  return std::nullopt;
}

std::optional<ControlError> IdentityBook::StageCredential(const IdentityPut& put, Json given,
                                                          Staged* staged) {
  Staged::Change change;
  change.type = RecordType::kCredential;
  change.kind = given.contains("kind") ? TextOf(given, "kind") : "user";
  auto kind = identity::ParseKind(change.kind);
  if (!kind) return BadRecord("a credential's \"kind\" is user, api_key, network or address");
  change.name = TextOf(given, "name");
  auto key = identity::Directory::KeyOf(*kind, change.name);
  if (!key.ok()) return BadRecord(key.status());
  auto held = FindCredential(*kind, change.name);
  if (!held.ok()) return StoreError(held.status());
  const Json* before = *held ? &(*held)->record : nullptr;
  std::string label = "the credential \"" + Printable(change.name, 64) + "\"";
  if (auto error = CheckMode(put.mode, before, label)) return error;
  GivenSecret secret;
  if (auto error = TakeSecret(*kind, change.name, put.dry_run, &given, &secret)) return error;
  change.secret = std::move(secret.made);
  auto record = CredentialRecord::Parse(Merged(put.mode, before, given));
  if (!record.ok()) return BadRecord(record.status());
  auto account = AccountId(record->account, put, *staged);
  if (!account) {
    return ControlError{"not_found", "there is no account \"" + record->account + "\" for " + label,
                        "add it first: ringpost account add " + record->account};
  }
  if (!staged->seen.insert("credential " + change.kind + " " + *key).second) {
    return BadRecord(label + " is in this request twice");
  }
  if (before && !secret.record.empty()) {
    auto stored = store_->Get(SecretKey(*kind, (*held)->id));
    if (!stored.ok()) return StoreError(stored.status());
    if (*stored == secret.record) secret.record.clear();  // as it is already
  }
  Json after = record->ToJson();
  change.account = record->account;
  change.secret_changed = !secret.record.empty();
  change.what = What(before, after, change.secret_changed);
  if (change.what == "unchanged") {
    staged->changes.push_back(std::move(change));
    return std::nullopt;
  }
  uint32_t id = before ? (*held)->id : staged->next_credential++;
  if (before) change.before = *before;
  if (before && TextOf(*before, "status") == "blocked" &&
      record->status != identity::CredentialStatus::kBlocked) {
    staged->unblocked.push_back(id);
  }
  staged->writes.push_back({CredentialKey(id), after.dump()});
  tls::Digest api_key{};
  if (*kind == CredentialKind::kApiKey) {
    if (auto key_record = identity::ApiKeyRecord::Decode(secret.record)) {
      api_key = key_record->digest;
    }
  }
  if (change.secret_changed)
    staged->writes.push_back({SecretKey(*kind, id), std::move(secret.record)});
  change.after = std::move(after);
  staged->changes.push_back(std::move(change));
  staged->edits.push_back([this, id, account = *account, record = std::move(*record),
                           api_key](identity::Directory::Builder* builder) {
    return builder->Put({id, account, record.kind, record.status, record.name,
                         SettingsOf(record, builder), api_key});
  });
  return std::nullopt;
}

std::optional<ControlError> IdentityBook::Stage(const IdentityPut& put, const Json& record,
                                                Staged* staged) {
  std::string type = record.is_object() ? TextOf(record, "type") : "";
  Json given = record;
  if (!type.empty()) given.erase("type");
  if (type == "account") return StageAccount(put, given, staged);
  if (type == "sender") return StageSender(put, given, staged);
  if (type == "credential") return StageCredential(put, std::move(given), staged);
  return BadRecord("a record has a \"type\": account, sender or credential");
}

IdentityBook::Json IdentityBook::Put(const IdentityPut& put, uint32_t uid, WallTime now) {
  Staged staged;
  staged.now = now;
  staged.next_account = next_account_;
  staged.next_credential = next_credential_;
  for (size_t i = 0; i < put.records.size(); ++i) {
    if (auto error = Stage(put, put.records[i], &staged)) {
      Json answer = ErrorAnswer(*error);
      answer["record"] = i;
      return answer;
    }
  }
  if (!put.dry_run) {
    if (auto error = Commit(&staged, uid, now)) return ErrorAnswer(*error);
  }
  Json answer = OkAnswer(), changes = Json::array();
  for (const Staged::Change& change : staged.changes) changes.push_back(ChangeJson(change));
  answer["changes"] = std::move(changes);
  return answer;
}

// Made before it is written: what the Directory refuses is not in the store either.
std::optional<ControlError> IdentityBook::Commit(Staged* staged, uint32_t uid, WallTime now) {
  if (staged->writes.empty()) return std::nullopt;
  identity::Directory::Builder builder(*directory_);
  for (const Staged::Edit& edit : staged->edits) {
    Status status = edit(&builder);
    if (status.ok()) continue;
    ForgetFreshSettings();
    return BadRecord(status);
  }
  StageAudit(staged, uid, now);
  Json next = {{"account", std::max(next_account_, staged->next_account)},
               {"credential", std::max(next_credential_, staged->next_credential)}};
  staged->writes.push_back({std::string(kNextKey), next.dump()});
  if (Status status = store_->Write(staged->writes); !status.ok()) {
    ForgetFreshSettings();
    return StoreError(status);
  }
  fresh_settings_.clear();
  directory_ = std::move(builder).Build();
  next_account_ = next["account"].get<uint32_t>();
  next_credential_ = next["credential"].get<uint32_t>();
  accounts_.insert(staged->new_accounts.begin(), staged->new_accounts.end());
  for (const std::string& name : staged->gone_accounts) accounts_.erase(name);
  senders_ = static_cast<size_t>(static_cast<int64_t>(senders_) + staged->senders);
  for (uint32_t id : staged->unblocked) {
    if (on_unblocked_) on_unblocked_(id);
  }
  return std::nullopt;
}

void IdentityBook::StageAudit(Staged* staged, uint32_t uid, WallTime now) {
  for (const Staged::Change& change : staged->changes) {
    if (change.what == "unchanged") continue;
    Json entry = {{"time", FormatRfc3339(now)}};
    if (staged->by.empty()) {
      entry["uid"] = uid;
    } else {
      entry["by"] = staged->by;
    }
    entry["what"] = change.what;
    entry["type"] = RecordTypeName(change.type);
    if (!change.kind.empty()) entry["kind"] = change.kind;
    entry["name"] = change.name;
    entry["account"] = change.account;
    if (change.secret_changed) entry[SecretMemberOf(change)] = "set";
    entry.update(staged->note);
    if (!change.before.is_null()) entry["before"] = ForAudit(change.before);
    if (!change.after.is_null()) entry["after"] = ForAudit(change.after);
    staged->writes.push_back({NextAuditKey(now), entry.dump()});
  }
}

std::string IdentityBook::NextAuditKey(WallTime now) {
  char key[64];
  int size =
      std::snprintf(key, sizeof key, "%.*s%013llx-%08llx", static_cast<int>(kAuditPrefix.size()),
                    kAuditPrefix.data(), static_cast<unsigned long long>(ToMillis(now)),
                    static_cast<unsigned long long>(audit_number_++ & 0xffffffff));
  return std::string(key, static_cast<size_t>(size));
}

storage::ControlStore::Change IdentityBook::AuditEntry(const AuditNote& note, uint32_t uid,
                                                       WallTime now) {
  Json entry = {{"time", FormatRfc3339(now)}, {"uid", uid},        {"what", note.what},
                {"type", note.type},          {"name", note.name}, {"account", note.account}};
  return {NextAuditKey(now), entry.dump()};
}

}  // namespace ringpost::app
