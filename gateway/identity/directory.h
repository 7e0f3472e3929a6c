// Directory: every account, credential and verified domain, found by what a client shows.
//
// Immutable: a change makes a new one, and shards go over to it. Made for a million credentials:
// one is a row of 24 bytes, its name, and its place in a set of numbers; nothing of it is an object
// of its own. Passwords are not here; of API keys their digests are (api_key.h).
//
// Names of users and API keys are compared without regard to ASCII case, domains and addresses in
// canonical form (address_list.h). Of networks the longest prefix that contains an address wins.
//
// Threads: immutable once made; any. What Find gives points into the directory.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/ip_address.h"
#include "gateway/base/status.h"
#include "gateway/identity/credential.h"
#include "gateway/tls/password_hash.h"

namespace ringpost::identity {

class Directory {
 public:
  struct NewCredential {
    uint32_t id = 0;
    uint32_t account = 0;  // its id
    CredentialKind kind = CredentialKind::kUser;
    CredentialStatus status = CredentialStatus::kAllowed;
    std::string name;
    uint32_t settings = 0;  // what AddSettings gave
    tls::Digest api_key{};  // of kApiKey; zeros: it has none, or keeps the one it has
  };

  // Fills one, in this order: settings and accounts, then what refers to them.
  class Builder {
   public:
    Builder();
    // Begins with all that is in `from`: 100 ms for a million. What is removed or replaced leaves
    // its name and its settings behind, until one is made from nothing.
    explicit Builder(const Directory& from);
    ~Builder();
    // The number by which credentials refer to them. 0: those of the default, which is there.
    uint32_t AddSettings(CredentialSettings settings);
    // Replaces the one of that id.
    void PutAccount(Account account);
    // NOT_FOUND. FAILED_PRECONDITION: it has credentials.
    Status RemoveAccount(uint32_t id);
    // INVALID_ARGUMENT: a name that is none of its kind. NOT_FOUND: no such account or settings.
    // ALREADY_EXISTS: another has that name, or that key. RESOURCE_EXHAUSTED: more than there can
    // be.
    Status Add(const NewCredential& credential);
    // The same, and replaces what has its id and its name.
    Status Put(const NewCredential& credential);
    Status Remove(CredentialKind kind, std::string_view name);  // NOT_FOUND
    // What is verified as an account's, so that its mail may be from there: a domain, and not those
    // below it, or a single address. ALREADY_EXISTS: it is another's.
    Status AddVerified(uint32_t account, std::string_view domain_or_address);
    void RemoveVerified(std::string_view domain_or_address);
    std::shared_ptr<const Directory> Build() &&;

   private:
    std::unique_ptr<Directory> made_;
  };

  static std::shared_ptr<const Directory> Empty();
  // What a credential is found by: of two names with the same, there can be one. INVALID_ARGUMENT:
  // a name that is none of its kind.
  static StatusOr<std::string> KeyOf(CredentialKind kind, std::string_view name);
  // The same of what is verified: "example.com" or "user@example.com"; empty: it is neither.
  static std::string VerifiedKeyOf(std::string_view domain_or_address);

  // As the Find below, and by the name as it is written: "192.0.2.0/24" is the network itself.
  std::optional<Credential> FindExactly(CredentialKind kind, std::string_view name) const;
  std::optional<Credential> FindUser(std::string_view name) const;
  std::optional<Credential> FindApiKey(std::string_view name) const;
  // Whose key has this digest; the digests are compared in a time that tells nothing.
  std::optional<Credential> FindByKey(const tls::Digest& api_key) const;
  std::optional<Credential> FindNetwork(const IpAddress& address) const;
  std::optional<Credential> FindAddress(const ListedAddress& address) const;
  // Whose account a domain or address is verified for.
  std::optional<uint32_t> VerifiedFor(std::string_view domain_or_address) const;
  // Is its domain one of the account's, or itself?
  bool Verified(uint32_t account, const ListedAddress& address) const;

  const Account* FindAccount(uint32_t id) const;  // null: there is none
  size_t credentials() const { return rows_.size(); }
  size_t bytes() const;  // that it takes, nearly

 private:
  struct Row {
    uint32_t id;
    uint32_t account;  // index
    uint32_t settings;
    uint32_t name_at;
    uint16_t name_bytes;
    CredentialKind kind;
    CredentialStatus status;
  };
  // What a row is found by. The set keeps the numbers of rows alone, and looks at them.
  struct Key {
    CredentialKind kind;
    std::string_view name;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    using is_transparent = void;
    const Directory* directory;
    size_t operator()(const Key& key) const;
    size_t operator()(uint32_t row) const { return (*this)(directory->KeyOf(row)); }
  };
  struct KeyEqual {
    using is_transparent = void;
    const Directory* directory;
    bool operator()(uint32_t a, uint32_t b) const { return a == b; }
    bool operator()(uint32_t row, const Key& key) const { return directory->KeyOf(row) == key; }
    bool operator()(const Key& key, uint32_t row) const { return directory->KeyOf(row) == key; }
  };

  // Of API keys alone: the digests are in names_, each behind its row's name.
  struct DigestHash {
    using is_transparent = void;
    const Directory* directory;
    size_t operator()(std::string_view digest) const;
    size_t operator()(uint32_t row) const { return (*this)(directory->DigestOf(row)); }
  };
  struct DigestEqual {
    using is_transparent = void;
    const Directory* directory;
    bool operator()(uint32_t a, uint32_t b) const { return a == b; }
    bool operator()(uint32_t row, std::string_view digest) const {
      return tls::SameSecret(directory->DigestOf(row), digest);
    }
    bool operator()(std::string_view digest, uint32_t row) const { return (*this)(row, digest); }
  };

  Directory();
  // Of a row of kApiKey; zeros: it has none.
  std::string_view DigestOf(uint32_t row) const {
    const Row& at = rows_[row];
    return std::string_view(names_).substr(at.name_at + at.name_bytes, sizeof(tls::Digest));
  }
  bool HasKey(uint32_t row) const;
  // Into the sets, or out of them: before a row changes its place, and after.
  void Index(uint32_t row);
  void Unindex(uint32_t row);
  Status SetKey(uint32_t row, const tls::Digest& api_key);
  Credential CredentialOf(uint32_t row) const;
  Key KeyOf(uint32_t row) const {
    const Row& at = rows_[row];
    return {at.kind, std::string_view(names_).substr(at.name_at, at.name_bytes)};
  }
  std::optional<Credential> Find(CredentialKind kind, std::string_view name) const;

  std::vector<std::shared_ptr<const Account>> accounts_;  // null: removed
  absl::flat_hash_map<uint32_t, uint32_t> account_of_id_;
  std::vector<std::shared_ptr<const CredentialSettings>> settings_;
  std::vector<Row> rows_;
  std::string names_;
  absl::flat_hash_set<uint32_t, KeyHash, KeyEqual> by_name_;
  absl::flat_hash_set<uint32_t, DigestHash, DigestEqual> by_key_;
  std::vector<uint8_t> prefixes_;                        // of the networks there are, longest first
  absl::flat_hash_map<std::string, uint32_t> verified_;  // whose each domain and address is
};

}  // namespace ringpost::identity
