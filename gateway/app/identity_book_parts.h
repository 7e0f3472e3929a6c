// What the files of IdentityBook share. Private to them.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "gateway/app/identity_book.h"

namespace ringpost::app {

// One request's work, until it is written.
struct IdentityBook::Staged {
  // What is said of one record, to the client and in the audit log.
  struct Change {
    RecordType type = RecordType::kAccount;
    std::string what;  // added, changed, unchanged, removed
    std::string kind;  // of a credential
    std::string name;
    std::string account;  // whose it is; of an account itself
    Json before, after;   // null: it was not there, or is no more
    bool secret_changed = false;
    std::string secret;  // that was made: for the client, not for the log
  };
  using Edit = std::function<Status(identity::Directory::Builder*)>;

  std::vector<storage::ControlStore::Change> writes;
  std::vector<Edit> edits;  // of the Directory, in their order
  std::vector<Change> changes;
  std::map<std::string, uint32_t, std::less<>> new_accounts;  // by name in lower case
  std::vector<std::string> gone_accounts;
  std::set<std::string> seen;  // keys: the same record twice is an error
  WallTime now;
  uint32_t next_account = 0, next_credential = 0;
  int senders = 0;                  // more or fewer
  std::string by;                   // who asks, where nobody's uid does: for the audit log
  Json note = Json::object();       // more members of each entry of the audit log
  std::vector<uint32_t> unblocked;  // credentials that may send again
};

// A password or an API key that a request brings, or wants made.
struct GivenSecret {
  std::string record;  // what is stored of it; empty: there is none
  std::string made;    // that one itself, for whoever asked
};
// Takes its members out of `given`.
std::optional<ControlError> TakeSecret(identity::CredentialKind kind, const std::string& name,
                                       bool dry_run, identity::Json* given, GivenSecret* secret);
const char* SecretMember(identity::CredentialKind kind);        // "password", "key"
const char* StoredSecretMember(identity::CredentialKind kind);  // "password_record", "key_record"
std::string SecretKey(identity::CredentialKind kind, uint32_t credential);  // in the store

std::string IdText(uint32_t id);  // eight hexadecimal digits
std::string AccountKey(uint32_t id);
std::string SenderKey(std::string_view canonical);
std::string CredentialKey(uint32_t id);
// Of a key that ends in one; nothing: it does not.
std::optional<uint32_t> IdOfKey(std::string_view key, std::string_view prefix);
inline constexpr std::string_view kAccountPrefix = "identity/1/";
inline constexpr std::string_view kSenderPrefix = "identity/2/";
inline constexpr std::string_view kCredentialPrefix = "identity/3/";
inline constexpr std::string_view kApiKeyPrefix = "api_key/";
inline constexpr std::string_view kAuditPrefix = "audit/";
inline constexpr std::string_view kNextKey = "identity/next";

// {"type":"account", ...record}
identity::Json WithType(RecordType type, const identity::Json& record);
identity::Json ChangesAnswer(const std::vector<identity::Json>& changes);
ControlError StoreError(const Status& status);

}  // namespace ringpost::app
