#include "gateway/app/identity_book.h"

#include <charconv>

#include "gateway/app/control_json.h"
#include "gateway/app/identity_book_parts.h"
#include "gateway/base/text.h"

namespace ringpost::app {
namespace {

using identity::AccountRecord;
using identity::CredentialRecord;
using identity::Json;
using identity::SenderRecord;

constexpr int kIdDigits = 8;

Status Damaged(std::string_view key, std::string_view why) {
  return MakeStatus(StatusCode::kDataLoss,
                    "the record " + std::string(key) + ": " + std::string(why));
}

}  // namespace

std::string IdText(uint32_t id) {
  std::string text(kIdDigits, '0');
  char digits[kIdDigits];
  auto end = std::to_chars(digits, digits + kIdDigits, id, 16).ptr;
  text.replace(text.size() - static_cast<size_t>(end - digits), std::string::npos,
               std::string(digits, end));
  return text;
}

std::string AccountKey(uint32_t id) { return std::string(kAccountPrefix) + IdText(id); }
std::string SenderKey(std::string_view canonical) {
  return std::string(kSenderPrefix) + std::string(canonical);
}
std::string CredentialKey(uint32_t id) { return std::string(kCredentialPrefix) + IdText(id); }

std::optional<uint32_t> IdOfKey(std::string_view key, std::string_view prefix) {
  uint32_t id = 0;
  if (key.size() != prefix.size() + kIdDigits) return std::nullopt;
  auto [end, error] = std::from_chars(key.data() + prefix.size(), key.data() + key.size(), id, 16);
  if (error != std::errc() || end != key.data() + key.size()) return std::nullopt;
  return id;
}

Json WithType(RecordType type, const Json& record) {
  Json json = {{"type", RecordTypeName(type)}};
  json.update(record);
  return json;
}

ControlError StoreError(const Status& status) {
  if (status.code() == StatusCode::kInvalidArgument) {
    return {"bad_request", "nothing was changed: " + std::string(MessageOf(status)), ""};
  }
  return {"unavailable", "nothing was changed: " + std::string(MessageOf(status)),
          "try again; where it lasts, look at the disk and at the daemon's log"};
}

// --- Reading all there is

StatusOr<std::unique_ptr<IdentityBook>> IdentityBook::Open(storage::ControlStore* store) {
  std::unique_ptr<IdentityBook> book(new IdentityBook(store));
  Status status = book->Load();
  if (!status.ok()) return status;
  return book;
}

Status IdentityBook::Load() {
  identity::Directory::Builder builder;
  Status status, bad;
  auto each = [&](std::string_view prefix, auto load) {
    if (!status.ok()) return;
    status = store_->ForEachUntil(prefix, "", storage::ControlStore::Order::kForwards,
                                  [&](std::string_view key, const std::string& value) {
                                    bad = load(key, value);
                                    return bad.ok();
                                  });
    if (status.ok()) status = bad;
  };
  each(kAccountPrefix, [&](std::string_view key, const std::string& value) {
    return LoadAccount(key, value, &builder);
  });
  std::map<uint32_t, tls::Digest> api_keys;
  if (status.ok()) status = LoadApiKeys(&api_keys);
  each(kCredentialPrefix, [&](std::string_view key, const std::string& value) {
    return LoadCredential(key, value, api_keys, &builder);
  });
  each(kSenderPrefix, [&](std::string_view key, const std::string& value) {
    auto record = SenderRecord::Parse(Json::parse(value, nullptr, false));
    if (!record.ok()) return Damaged(key, MessageOf(record.status()));
    ++senders_;
    auto account = accounts_.find(ToLower(record->account));
    if (account == accounts_.end()) return Damaged(key, "it is of no account");
    if (record->state != identity::SenderState::kVerified) return OkStatus();
    return builder.AddVerified(account->second, record->name);
  });
  fresh_settings_.clear();
  if (status.ok()) status = LoadNext();
  if (status.ok()) directory_ = std::move(builder).Build();
  return status;
}

Status IdentityBook::LoadAccount(std::string_view key, const std::string& value,
                                 identity::Directory::Builder* builder) {
  auto id = IdOfKey(key, kAccountPrefix);
  auto record = AccountRecord::Parse(Json::parse(value, nullptr, false));
  if (!id || !record.ok()) return Damaged(key, MessageOf(record.status()));
  auto account = record->ToAccount(*id);
  if (!account.ok()) return Damaged(key, MessageOf(account.status()));
  builder->PutAccount(std::move(*account));
  accounts_[ToLower(record->name)] = *id;
  next_account_ = std::max(next_account_, *id + 1);
  return OkStatus();
}

Status IdentityBook::LoadCredential(std::string_view key, const std::string& value,
                                    const std::map<uint32_t, tls::Digest>& api_keys,
                                    identity::Directory::Builder* builder) {
  auto id = IdOfKey(key, kCredentialPrefix);
  auto record = CredentialRecord::Parse(Json::parse(value, nullptr, false));
  if (!id || !record.ok()) return Damaged(key, MessageOf(record.status()));
  auto account = accounts_.find(ToLower(record->account));
  if (account == accounts_.end()) return Damaged(key, "it is of no account");
  next_credential_ = std::max(next_credential_, *id + 1);
  auto api_key = api_keys.find(*id);
  return builder->Add({*id, account->second, record->kind, record->status, record->name,
                       SettingsOf(*record, builder),
                       api_key == api_keys.end() ? tls::Digest() : api_key->second});
}

Status IdentityBook::LoadNext() {
  auto value = store_->Get(kNextKey);
  if (!value.ok()) return value.status();
  if (!*value) return OkStatus();
  Json next = Json::parse(**value, nullptr, false);
  if (!next.is_object() || !next.contains("account") || !next.contains("credential") ||
      !next["account"].is_number_unsigned() || !next["credential"].is_number_unsigned()) {
    return Damaged(kNextKey, "it is not one");
  }
  next_account_ = std::max(next_account_, next["account"].get<uint32_t>());
  next_credential_ = std::max(next_credential_, next["credential"].get<uint32_t>());
  return OkStatus();
}

// --- Finding

void IdentityBook::ForgetFreshSettings() {
  for (const std::string& text : fresh_settings_) settings_.erase(text);
  fresh_settings_.clear();
}

StatusOr<std::optional<SenderRecord>> IdentityBook::FindSender(std::string_view name) {
  std::optional<SenderRecord> none;
  auto record = Read(SenderKey(identity::Directory::VerifiedKeyOf(name)));
  if (!record.ok()) return record.status();
  if (!*record) return none;
  auto parsed = SenderRecord::Parse(**record);
  if (!parsed.ok()) return parsed.status();
  return std::optional<SenderRecord>(std::move(*parsed));
}

std::optional<uint32_t> IdentityBook::AccountNamed(std::string_view name) const {
  auto found = accounts_.find(ToLower(name));
  if (found == accounts_.end()) return std::nullopt;
  return found->second;
}

// Lists of a record that was read, or has just been parsed, are known to be good.
uint32_t IdentityBook::SettingsOf(const CredentialRecord& record,
                                  identity::Directory::Builder* builder) {
  std::string text = record.SettingsText();
  if (text.empty()) return 0;
  auto [at, fresh] = settings_.try_emplace(std::move(text), 0);
  if (!fresh) return at->second;
  fresh_settings_.push_back(at->first);
  auto settings = record.ToSettings();
  at->second =
      builder->AddSettings(settings.ok() ? std::move(*settings) : identity::CredentialSettings());
  return at->second;
}

StatusOr<std::optional<Json>> IdentityBook::Read(const std::string& key) {
  auto value = store_->Get(key);
  if (!value.ok()) return value.status();
  if (!*value) return std::optional<Json>();
  Json json = Json::parse(**value, nullptr, false);
  if (!json.is_object()) return Damaged(key, "it is not JSON");
  return std::optional<Json>(std::move(json));
}

StatusOr<std::optional<IdentityBook::Held>> IdentityBook::FindAccount(std::string_view name) {
  auto found = accounts_.find(ToLower(name));
  if (found == accounts_.end()) return std::optional<Held>();
  auto record = Read(AccountKey(found->second));
  if (!record.ok()) return record.status();
  if (!*record) return Damaged(AccountKey(found->second), "it is not there");
  return std::optional<Held>({found->second, std::move(**record)});
}

StatusOr<std::optional<IdentityBook::Held>> IdentityBook::FindCredential(
    identity::CredentialKind kind, std::string_view name) {
  auto found = directory_->FindExactly(kind, name);
  if (!found) return std::optional<Held>();
  auto record = Read(CredentialKey(found->id));
  if (!record.ok()) return record.status();
  if (!*record) return Damaged(CredentialKey(found->id), "it is not there");
  return std::optional<Held>({found->id, std::move(**record)});
}

IdentityBook::Json IdentityBook::Answer(const IdentityRequest& request, uint32_t uid,
                                        WallTime now) {
  if (const auto* put = std::get_if<IdentityPut>(&request)) return Put(*put, uid, now);
  if (const auto* remove = std::get_if<IdentityRemove>(&request)) return Remove(*remove, uid, now);
  if (const auto* list = std::get_if<IdentityList>(&request)) return List(*list, now);
  return Audit(std::get<IdentityAudit>(request));
}

}  // namespace ringpost::app
