// IdentityBook: passwords and API keys that a request brings, or wants made, and where they lie.
#include "gateway/app/identity_book_parts.h"
#include "gateway/app/password_store.h"
#include "gateway/base/wipe.h"
#include "gateway/identity/api_key.h"
#include "gateway/identity/password_choice.h"
#include "gateway/identity/password_record.h"
#include "gateway/smtp/base64.h"

namespace ringpost::app {
namespace {

using identity::ApiKeyRecord;
using identity::CredentialKind;
using identity::Json;
using identity::PasswordRecord;

ControlError BadRecord(std::string words) { return {"bad_request", std::move(words), ""}; }

// Out of the record, which does not have it.
Json Taken(const char* member, Json* given) {
  auto at = given->find(member);
  if (at == given->end()) return nullptr;
  Json value = std::move(*at);
  given->erase(at);
  return value;
}

// The bytes of an export; nothing: it is none.
std::optional<std::string> Stored(const Json& value) {
  const auto* text = value.get_ptr<const std::string*>();
  std::string bytes;
  if (!text || !smtp::DecodeBase64(*text, &bytes)) return std::nullopt;
  return bytes;
}

std::optional<ControlError> TakePassword(const Json& password, const std::string& name,
                                         bool dry_run, GivenSecret* secret) {
  std::string chosen;
  WipedAtEnd wiped(&chosen);
  if (const auto* text = password.get_ptr<const std::string*>()) {
    chosen = *text;
    if (auto why = identity::WhyNotPassword(chosen, name); !why.empty()) {
      return ControlError{"bad_request", "the password was not taken: " + std::string(why),
                          "choose another, or let one be made"};
    }
  } else if (password == Json(true)) {
    chosen = identity::GeneratePassword();
    secret->made = chosen;
  } else {
    return BadRecord("a credential's \"password\" is text, or true: one is made");
  }
  if (dry_run) {
    secret->record = "x";
    return std::nullopt;
  }
  auto bytes = PasswordRecord::Make(chosen).Encode();
  secret->record.assign(bytes.data(), bytes.size());
  return std::nullopt;
}

}  // namespace

const char* SecretMember(CredentialKind kind) {
  return kind == CredentialKind::kApiKey ? "key" : "password";
}

const char* StoredSecretMember(CredentialKind kind) {
  return kind == CredentialKind::kApiKey ? "key_record" : "password_record";
}

std::string SecretKey(CredentialKind kind, uint32_t credential) {
  if (kind != CredentialKind::kApiKey) return PasswordStore::KeyOf(credential);
  return std::string(kApiKeyPrefix) + IdText(credential);
}

std::optional<ControlError> TakeSecret(CredentialKind kind, const std::string& name, bool dry_run,
                                       Json* given, GivenSecret* secret) {
  Json password = Taken("password", given), password_record = Taken("password_record", given);
  Json key = Taken("key", given), key_record = Taken("key_record", given);
  auto there = [](const Json& value) { return !value.is_null() && value != Json(false); };
  if (there(password_record)) {
    auto bytes = Stored(password_record);
    if (!bytes || !PasswordRecord::Decode(*bytes)) {
      return BadRecord("a credential's \"password_record\" is what an export with secrets has");
    }
    secret->record = std::move(*bytes);
  }
  if (there(key_record)) {
    auto bytes = Stored(key_record);
    if (!bytes || !ApiKeyRecord::Decode(*bytes)) {
      return BadRecord("an API key's \"key_record\" is what an export with secrets has");
    }
    secret->record = std::move(*bytes);
  }
  if ((there(password) || there(password_record)) && kind != CredentialKind::kUser) {
    return BadRecord("\"" + name + "\" is none that logs in: only users have passwords");
  }
  if ((there(key) || there(key_record)) && kind != CredentialKind::kApiKey) {
    return BadRecord("\"" + name + "\" is no API key: only these have keys");
  }
  if (there(password)) return TakePassword(password, name, dry_run, secret);
  if (!there(key)) return std::nullopt;
  if (key != Json(true)) return BadRecord("an API key's \"key\" is true: one is made, not chosen");
  secret->made = identity::GenerateApiKey();
  secret->record = ApiKeyRecord::Of(secret->made).Encode();
  return std::nullopt;
}

Status IdentityBook::LoadApiKeys(std::map<uint32_t, tls::Digest>* digests) {
  Status bad;
  Status status =
      store_->ForEach(kApiKeyPrefix, [&](std::string_view key, const std::string& value) {
        auto id = IdOfKey(key, kApiKeyPrefix);
        auto record = ApiKeyRecord::Decode(value);
        if (id && record) {
          digests->emplace(*id, record->digest);
        } else {
          bad = MakeStatus(StatusCode::kDataLoss,
                           "the record " + std::string(key) + ": it is no record of an API key");
        }
      });
  return status.ok() ? bad : status;
}

Status IdentityBook::AddSecret(uint32_t credential, Json* record) {
  auto at = record->find("kind");
  const auto* word = at == record->end() ? nullptr : at->get_ptr<const std::string*>();
  CredentialKind kind = identity::ParseKind(word ? *word : "user").value_or(CredentialKind::kUser);
  auto bytes = store_->Get(SecretKey(kind, credential));
  if (!bytes.ok()) return bytes.status();
  if (!*bytes) return OkStatus();
  std::string text;
  smtp::AppendBase64(**bytes, &text);
  (*record)[StoredSecretMember(kind)] = std::move(text);
  return OkStatus();
}

}  // namespace ringpost::app
