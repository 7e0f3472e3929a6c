// IdentityBook: records that are removed.
#include "gateway/app/control_json.h"
#include "gateway/app/identity_book_parts.h"
#include "gateway/base/text.h"

namespace ringpost::app {
namespace {

using identity::Json;

ControlError NotFound(std::string what) {
  return {"not_found", "there is no " + std::move(what), ""};
}

std::string MemberText(const Json& object, const char* member) {
  auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

std::optional<ControlError> IdentityBook::StageRemoveCredential(identity::CredentialKind kind,
                                                                const std::string& name,
                                                                Staged* staged) {
  auto held = FindCredential(kind, name);
  if (!held.ok()) return StoreError(held.status());
  if (!*held) return NotFound("credential \"" + Printable(name, 64) + "\"");
  Staged::Change change;
  change.type = RecordType::kCredential;
  change.what = "removed";
  change.kind = identity::KindName(kind);
  change.name = MemberText((*held)->record, "name");
  change.account = MemberText((*held)->record, "account");
  change.before = std::move((*held)->record);
  staged->changes.push_back(std::move(change));
  staged->writes.push_back({CredentialKey((*held)->id), std::nullopt});
  staged->writes.push_back({SecretKey(kind, (*held)->id), std::nullopt});
  staged->edits.push_back(
      [kind, name](identity::Directory::Builder* builder) { return builder->Remove(kind, name); });
  return std::nullopt;
}

std::optional<ControlError> IdentityBook::StageRemoveSender(const std::string& name,
                                                            Staged* staged) {
  std::string key = identity::Directory::VerifiedKeyOf(name);
  if (key.empty()) return NotFound("sender \"" + Printable(name, 64) + "\"");
  auto held = Read(SenderKey(key));
  if (!held.ok()) return StoreError(held.status());
  if (!*held) return NotFound("sender \"" + key + "\"");
  Staged::Change change;
  change.type = RecordType::kSender;
  change.what = "removed";
  change.name = key;
  change.account = MemberText(**held, "account");
  change.before = std::move(**held);
  staged->changes.push_back(std::move(change));
  staged->writes.push_back({SenderKey(key), std::nullopt});
  --staged->senders;
  staged->edits.push_back([key](identity::Directory::Builder* builder) {
    builder->RemoveVerified(key);
    return OkStatus();
  });
  return std::nullopt;
}

std::optional<ControlError> IdentityBook::StageRemoveAccount(const IdentityRemove& remove,
                                                             Staged* staged) {
  auto held = FindAccount(remove.name);
  if (!held.ok()) return StoreError(held.status());
  if (!*held) return NotFound("account \"" + Printable(remove.name, 64) + "\"");
  std::string lower = ToLower(remove.name);
  struct Owned {
    std::string kind, name;  // kind: empty: a sender
  };
  std::vector<Owned> owned;
  Status status;
  for (std::string_view prefix : {kSenderPrefix, kCredentialPrefix}) {
    if (!status.ok()) break;
    status = store_->ForEach(prefix, [&](std::string_view, const std::string& value) {
      Json record = Json::parse(value, nullptr, false);
      if (!record.is_object() || ToLower(MemberText(record, "account")) != lower) return;
      owned.push_back({MemberText(record, "kind"), MemberText(record, "name")});
    });
  }
  if (!status.ok()) return StoreError(status);
  if (!owned.empty() && !remove.with) {
    return ControlError{"exists",
                        "the account \"" + remove.name + "\" has " + std::to_string(owned.size()) +
                            " credentials and senders",
                        "remove them first, or all of them with it"};
  }
  for (const Owned& one : owned) {
    auto kind = identity::ParseKind(one.kind);
    auto error =
        kind ? StageRemoveCredential(*kind, one.name, staged) : StageRemoveSender(one.name, staged);
    if (error) return error;
  }
  Staged::Change change;
  change.what = "removed";
  change.name = change.account = MemberText((*held)->record, "name");
  change.before = std::move((*held)->record);
  staged->changes.push_back(std::move(change));
  staged->writes.push_back({AccountKey((*held)->id), std::nullopt});
  staged->gone_accounts.push_back(lower);
  staged->edits.push_back([id = (*held)->id](identity::Directory::Builder* builder) {
    return builder->RemoveAccount(id);
  });
  return std::nullopt;
}

IdentityBook::Json IdentityBook::Remove(const IdentityRemove& remove, uint32_t uid, WallTime now) {
  Staged staged;
  std::optional<ControlError> error;
  switch (remove.type) {
    case RecordType::kAccount:
      error = StageRemoveAccount(remove, &staged);
      break;
    case RecordType::kSender:
      error = StageRemoveSender(remove.name, &staged);
      break;
    case RecordType::kCredential:
      error = StageRemoveCredential(remove.kind, remove.name, &staged);
      break;
  }
  if (!error && !remove.dry_run) error = Commit(&staged, uid, now);
  if (error) return ErrorAnswer(*error);
  Json answer = OkAnswer(), changes = Json::array();
  for (const Staged::Change& change : staged.changes) {
    Json json = {{"type", RecordTypeName(change.type)}};
    if (!change.kind.empty()) json["kind"] = change.kind;
    json["name"] = change.name;
    json["what"] = change.what;
    changes.push_back(std::move(json));
  }
  answer["changes"] = std::move(changes);
  return answer;
}

}  // namespace ringpost::app
