// IdentityBook: the accounts, credentials and verified senders of a gateway: its records in the
// control store, and the Directory that follows from them.
//
// A request is answered with the JSON that its client gets. What it changes is in the store before
// it is answered, all of it or nothing, with a line of the audit log for each record; the Directory
// is then another one, which the caller hands to the shards.
//
// In the store: identity/1/ID (accounts), identity/2/NAME (senders), identity/3/ID (credentials),
// password/ID, api_key/ID (a digest), identity/next (numbers that were never given),
// audit/TIME-NUMBER. IDs are eight hexadecimal digits, and are not given twice.
//
// In memory are, besides the Directory, the names of accounts alone. What is asked for by name is
// found there; lists are read from the store.
//
// Threads: one; every call may wait for the disk, and for a password's iterations.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/app/identity_request.h"
#include "gateway/identity/directory.h"
#include "gateway/identity/outcome_counts.h"
#include "gateway/identity/quota_table.h"
#include "gateway/identity/records.h"
#include "storage/control_store.h"

namespace ringpost::app {

// Whom the brake has blocked.
struct BrakedCredential {
  std::string account, name;
};

class IdentityBook {
 public:
  using Json = identity::Json;

  // Reads all there is; DATA_LOSS where a record cannot be read. `store` outlives it.
  static StatusOr<std::unique_ptr<IdentityBook>> Open(storage::ControlStore* store);

  const std::shared_ptr<const identity::Directory>& directory() const { return directory_; }

  // Nothing: there is no such sender.
  StatusOr<std::optional<identity::SenderRecord>> FindSender(std::string_view name);
  std::optional<uint32_t> AccountNamed(std::string_view name) const;

  // What has been counted, to be shown with one account or credential. Without it nothing is.
  struct Uses {
    const identity::QuotaTable* quotas = nullptr;
    const identity::OutcomeCounts* outcomes = nullptr;
  };
  void ShowUses(const Uses& uses) { uses_ = uses; }  // they outlive it
  // Called when a credential that was blocked may send again, on the thread that answers.
  void OnUnblocked(std::function<void(uint32_t credential)> call) {
    on_unblocked_ = std::move(call);
  }
  // Blocks a credential, with `why` in its record; by "brake" in the audit log. Nothing: it is not
  // there, may not send as it is, or its account is exempt.
  StatusOr<std::optional<BrakedCredential>> Brake(uint32_t credential, const std::string& why,
                                                  WallTime now);

  // An entry of the audit log, for the caller's own batch: of what is no record of this book.
  struct AuditNote {
    std::string what, type, name, account;
  };
  storage::ControlStore::Change AuditEntry(const AuditNote& note, uint32_t uid, WallTime now);
  // For the LinkBook, which has what it writes itself go into the same batch (`more`). Notes in the
  // audit log what was done about a sender that stays as it is; makes one that is pending verified,
  // by "link". `note`: more members of the entry.
  Status NoteSender(const identity::SenderRecord& sender, const char* what, const Json& note,
                    uint32_t uid, std::vector<storage::ControlStore::Change> more, WallTime now);
  Status ConfirmSender(const std::string& name, const Json& note,
                       std::vector<storage::ControlStore::Change> more, WallTime now);

  // `uid`: who asks, for the audit log.
  Json Answer(const IdentityRequest& request, uint32_t uid, WallTime now);

 private:
  struct Staged;
  struct Held {  // of what is there already
    uint32_t id = 0;
    Json record;  // canonical, without a type
  };

  explicit IdentityBook(storage::ControlStore* store) : store_(store) {}
  Status Load();
  Status LoadAccount(std::string_view key, const std::string& value,
                     identity::Directory::Builder* builder);
  Status LoadCredential(std::string_view key, const std::string& value,
                        const std::map<uint32_t, tls::Digest>& api_keys,
                        identity::Directory::Builder* builder);
  Status LoadNext();

  // identity_book_put.cc
  Json Put(const IdentityPut& put, uint32_t uid, WallTime now);
  std::optional<ControlError> Stage(const IdentityPut& put, const Json& record, Staged* staged);
  std::optional<ControlError> StageAccount(const IdentityPut& put, const Json& given,
                                           Staged* staged);
  std::optional<ControlError> StageSender(const IdentityPut& put, const Json& given,
                                          Staged* staged);
  std::optional<ControlError> StageCredential(const IdentityPut& put, Json given, Staged* staged);
  std::optional<uint32_t> AccountId(std::string_view name, const IdentityPut& put,
                                    const Staged& staged) const;
  // Writes what is staged; then the Directory is the new one.
  std::optional<ControlError> Commit(Staged* staged, uint32_t uid, WallTime now);
  void StageAudit(Staged* staged, uint32_t uid, WallTime now);
  std::string NextAuditKey(WallTime now);

  // identity_book_remove.cc
  Json Remove(const IdentityRemove& remove, uint32_t uid, WallTime now);
  std::optional<ControlError> StageRemoveAccount(const IdentityRemove& remove, Staged* staged);
  std::optional<ControlError> StageRemoveSender(const std::string& name, Staged* staged);
  std::optional<ControlError> StageRemoveCredential(identity::CredentialKind kind,
                                                    const std::string& name, Staged* staged);

  // identity_book_list.cc
  Json List(const IdentityList& list, WallTime now);
  Json One(const IdentityList& list, WallTime now);
  Json Audit(const IdentityAudit& audit);

  // identity_book_use.cc
  Json UseOfAccount(uint32_t id, WallTime now) const;
  Json UseOfCredential(identity::CredentialKind kind, const std::string& name, WallTime now) const;

  // identity_book_secrets.cc
  Status LoadApiKeys(std::map<uint32_t, tls::Digest>* digests);
  Status AddSecret(uint32_t credential, Json* record);

  // What was put into settings_ for a Directory that came to nothing.
  void ForgetFreshSettings();
  // Nothing: there is none.
  StatusOr<std::optional<Json>> Read(const std::string& key);
  StatusOr<std::optional<Held>> FindAccount(std::string_view name);
  StatusOr<std::optional<Held>> FindCredential(identity::CredentialKind kind,
                                               std::string_view name);
  uint32_t SettingsOf(const identity::CredentialRecord& record,
                      identity::Directory::Builder* builder);

  storage::ControlStore* store_;
  Uses uses_;
  std::function<void(uint32_t credential)> on_unblocked_;
  std::shared_ptr<const identity::Directory> directory_;
  std::map<std::string, uint32_t, std::less<>> accounts_;  // by name in lower case
  std::unordered_map<std::string, uint32_t> settings_;     // of the Directory, by their text
  std::vector<std::string> fresh_settings_;  // of a Directory that is not in force yet
  uint32_t next_account_ = 1, next_credential_ = 1;
  uint64_t audit_number_ = 0;
  size_t senders_ = 0;
};

}  // namespace ringpost::app
