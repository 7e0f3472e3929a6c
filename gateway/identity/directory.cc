#include "gateway/identity/directory.h"

#include <absl/hash/hash.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/smtp/address.h"
#include "gateway/smtp/idna.h"

namespace ringpost::identity {
namespace {

constexpr uint8_t kPrefixBitsMax = 128;  // of an IPv6 address

// A network's key: its 16 bytes, and how many of their bits count.
std::string NetworkKey(const IpAddress& address, uint8_t prefix_bits) {
  std::string key(reinterpret_cast<const char*>(address.bytes.data()), address.bytes.size());
  for (size_t bit = prefix_bits; bit < kPrefixBitsMax; ++bit) {
    key[bit / 8] = static_cast<char>(key[bit / 8] & ~(0x80 >> bit % 8));
  }
  key.push_back(static_cast<char>(prefix_bits));
  return key;
}

std::string AddressKey(const ListedAddress& address) {
  return address.local_part + "@" + address.domain;
}

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= limits::kCredentialNameBytesMax && IsUtf8(name) &&
         std::none_of(name.begin(), name.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

Status NoName(std::string_view what, std::string_view name) {
  return MakeStatus(
      StatusCode::kInvalidArgument,
      std::string(what) + ", not \"" + Printable(name, limits::kCredentialNameBytesMax) + "\"");
}

// What a credential of this kind is found by, and its prefix where it is a network.
StatusOr<std::string> KeyName(CredentialKind kind, std::string_view name, uint8_t* prefix_bits) {
  switch (kind) {
    case CredentialKind::kUser:
    case CredentialKind::kApiKey:
      if (IsName(name)) return ToLower(name);
      return NoName("a name has 1 to " + std::to_string(limits::kCredentialNameBytesMax) +
                        " bytes of UTF-8 without control characters",
                    name);
    case CredentialKind::kNetwork: {
      auto network = IpNetwork::Parse(name);
      if (!network) {
        return NoName("expects \"192.0.2.1\", \"192.0.2.0/24\" or \"2001:db8::/32\"", name);
      }
      *prefix_bits = network->prefix_bits;
      return NetworkKey(network->address, network->prefix_bits);
    }
    case CredentialKind::kAddress: {
      ListedAddress address = ListedAddress::From(name);
      if (address.known) return AddressKey(address);
      return NoName("expects an address such as \"printer@example.com\"", name);
    }
  }
  return NoName("expects a kind of credential", name);
}

}  // namespace

size_t Directory::KeyHash::operator()(const Key& key) const {
  return absl::HashOf(static_cast<uint8_t>(key.kind),
                      absl::string_view(key.name.data(), key.name.size()));
}

size_t Directory::DigestHash::operator()(std::string_view digest) const {
  return absl::HashOf(absl::string_view(digest.data(), digest.size()));
}

Directory::Directory()
    : by_name_(0, KeyHash{this}, KeyEqual{this}), by_key_(0, DigestHash{this}, DigestEqual{this}) {}

bool Directory::HasKey(uint32_t row) const {
  return rows_[row].kind == CredentialKind::kApiKey && DigestOf(row) != tls::View(tls::Digest());
}

void Directory::Index(uint32_t row) {
  by_name_.insert(row);
  if (HasKey(row)) by_key_.insert(row);
}

void Directory::Unindex(uint32_t row) {
  by_name_.erase(row);
  if (HasKey(row)) by_key_.erase(row);
}

Status Directory::SetKey(uint32_t row, const tls::Digest& api_key) {
  if (api_key == tls::Digest() || DigestOf(row) == tls::View(api_key)) return OkStatus();
  if (by_key_.contains(tls::View(api_key))) {
    return MakeStatus(StatusCode::kAlreadyExists, "another API key has the same key already");
  }
  if (HasKey(row)) by_key_.erase(row);
  names_.replace(rows_[row].name_at + rows_[row].name_bytes, api_key.size(), tls::View(api_key));
  by_key_.insert(row);
  return OkStatus();
}

// --- Making

Directory::Builder::Builder() : made_(new Directory()) { AddSettings({}); }

Directory::Builder::Builder(const Directory& from) : made_(new Directory()) {
  made_->accounts_ = from.accounts_;
  made_->account_of_id_ = from.account_of_id_;
  made_->settings_ = from.settings_;
  made_->rows_ = from.rows_;
  made_->names_ = from.names_;
  made_->prefixes_ = from.prefixes_;
  made_->verified_ = from.verified_;
  made_->by_name_.reserve(made_->rows_.size());
  for (uint32_t row = 0; row < made_->rows_.size(); ++row) made_->Index(row);
}

Directory::Builder::~Builder() = default;

uint32_t Directory::Builder::AddSettings(CredentialSettings settings) {
  made_->settings_.push_back(std::make_shared<const CredentialSettings>(std::move(settings)));
  return static_cast<uint32_t>(made_->settings_.size() - 1);
}

void Directory::Builder::PutAccount(Account account) {
  auto index = static_cast<uint32_t>(made_->accounts_.size());
  auto [at, fresh] = made_->account_of_id_.emplace(account.id, index);
  auto shared = std::make_shared<const Account>(std::move(account));
  if (fresh) {
    made_->accounts_.push_back(std::move(shared));
  } else {
    made_->accounts_[at->second] = std::move(shared);
  }
}

Status Directory::Builder::RemoveAccount(uint32_t id) {
  auto found = made_->account_of_id_.find(id);
  if (found == made_->account_of_id_.end()) {
    return MakeStatus(StatusCode::kNotFound, "there is no account " + std::to_string(id));
  }
  uint32_t index = found->second;
  bool used = std::any_of(made_->rows_.begin(), made_->rows_.end(),
                          [index](const Row& row) { return row.account == index; });
  if (used) {
    return MakeStatus(StatusCode::kFailedPrecondition,
                      "the account " + made_->accounts_[index]->name + " has credentials");
  }
  made_->accounts_[index].reset();
  made_->account_of_id_.erase(found);
  return OkStatus();
}

Status Directory::Builder::Add(const NewCredential& credential) {
  auto account = made_->account_of_id_.find(credential.account);
  if (account == made_->account_of_id_.end() || credential.settings >= made_->settings_.size()) {
    return MakeStatus(StatusCode::kNotFound,
                      "there is no account " + std::to_string(credential.account) +
                          " for the credential \"" + credential.name + "\", or no such settings");
  }
  uint8_t prefix_bits = 0;
  auto key = KeyName(credential.kind, credential.name, &prefix_bits);
  if (!key.ok()) return key.status();
  if (made_->by_name_.contains(Key{credential.kind, *key})) {
    return MakeStatus(StatusCode::kAlreadyExists,
                      "there is a credential \"" + credential.name + "\" already");
  }
  bool keyed = credential.kind == CredentialKind::kApiKey;
  if (made_->rows_.size() >= limits::kCredentialsMax ||
      made_->names_.size() + key->size() + (keyed ? credential.api_key.size() : 0) >
          std::numeric_limits<uint32_t>::max()) {
    return MakeStatus(StatusCode::kResourceExhausted,
                      "there are as many credentials as there can be");
  }
  Row row{credential.id,
          account->second,
          credential.settings,
          static_cast<uint32_t>(made_->names_.size()),
          static_cast<uint16_t>(key->size()),
          credential.kind,
          credential.status};
  if (keyed && made_->by_key_.contains(tls::View(credential.api_key))) {
    return MakeStatus(StatusCode::kAlreadyExists, "another API key has the same key already");
  }
  made_->names_ += *key;
  if (keyed) made_->names_ += tls::View(credential.api_key);
  made_->rows_.push_back(row);
  made_->Index(static_cast<uint32_t>(made_->rows_.size() - 1));
  auto& prefixes = made_->prefixes_;
  if (credential.kind == CredentialKind::kNetwork &&
      std::find(prefixes.begin(), prefixes.end(), prefix_bits) == prefixes.end()) {
    prefixes.push_back(prefix_bits);
  }
  return OkStatus();
}

Status Directory::Builder::Put(const NewCredential& credential) {
  uint8_t prefix_bits = 0;
  auto key = KeyName(credential.kind, credential.name, &prefix_bits);
  if (!key.ok()) return key.status();
  auto found = made_->by_name_.find(Key{credential.kind, *key});
  if (found == made_->by_name_.end()) return Add(credential);
  Row& row = made_->rows_[*found];
  if (row.id != credential.id) {
    return MakeStatus(StatusCode::kAlreadyExists,
                      "there is a credential \"" + credential.name + "\" already");
  }
  auto account = made_->account_of_id_.find(credential.account);
  if (account == made_->account_of_id_.end() || credential.settings >= made_->settings_.size()) {
    return MakeStatus(
        StatusCode::kNotFound,
        "there is no account " + std::to_string(credential.account) + ", or no such settings");
  }
  if (row.kind == CredentialKind::kApiKey) {
    if (Status status = made_->SetKey(*found, credential.api_key); !status.ok()) return status;
  }
  row.account = account->second;
  row.settings = credential.settings;
  row.status = credential.status;
  return OkStatus();
}

Status Directory::Builder::Remove(CredentialKind kind, std::string_view name) {
  uint8_t prefix_bits = 0;
  auto key = KeyName(kind, name, &prefix_bits);
  if (!key.ok()) return key.status();
  auto found = made_->by_name_.find(Key{kind, *key});
  if (found == made_->by_name_.end()) {
    return MakeStatus(StatusCode::kNotFound,
                      "there is no credential \"" + std::string(name) + "\"");
  }
  // The last one takes its place: the set looks at rows, so it leaves first and comes again.
  uint32_t row = *found, last = static_cast<uint32_t>(made_->rows_.size() - 1);
  made_->Unindex(row);
  if (row != last) {
    made_->Unindex(last);
    made_->rows_[row] = made_->rows_[last];
  }
  made_->rows_.pop_back();
  if (row != last) made_->Index(row);
  return OkStatus();
}

void Directory::Builder::RemoveVerified(std::string_view domain_or_address) {
  made_->verified_.erase(VerifiedKeyOf(domain_or_address));
}

Status Directory::Builder::AddVerified(uint32_t account, std::string_view domain_or_address) {
  std::string key = VerifiedKeyOf(domain_or_address);
  if (key.empty()) {
    return NoName("expects \"example.com\" or \"user@example.com\"", domain_or_address);
  }
  auto [at, added] = made_->verified_.emplace(std::move(key), account);
  if (added || at->second == account) return OkStatus();
  return MakeStatus(StatusCode::kAlreadyExists, at->first + " is another account's");
}

std::shared_ptr<const Directory> Directory::Builder::Build() && {
  std::sort(made_->prefixes_.rbegin(), made_->prefixes_.rend());
  made_->rows_.shrink_to_fit();
  made_->names_.shrink_to_fit();
  return std::shared_ptr<const Directory>(std::move(made_));
}

// --- Finding

std::optional<Credential> Directory::Find(CredentialKind kind, std::string_view name) const {
  auto found = by_name_.find(Key{kind, name});
  if (found == by_name_.end()) return std::nullopt;
  return CredentialOf(*found);
}

Credential Directory::CredentialOf(uint32_t row) const {
  const Row& at = rows_[row];
  return {at.id,
          at.kind,
          at.status,
          KeyOf(row).name,
          accounts_[at.account].get(),
          settings_[at.settings].get()};
}

std::optional<Credential> Directory::FindByKey(const tls::Digest& api_key) const {
  auto found = by_key_.find(tls::View(api_key));
  if (found == by_key_.end()) return std::nullopt;
  return CredentialOf(*found);
}

StatusOr<std::string> Directory::KeyOf(CredentialKind kind, std::string_view name) {
  uint8_t prefix_bits = 0;
  return KeyName(kind, name, &prefix_bits);
}

std::string Directory::VerifiedKeyOf(std::string_view domain_or_address) {
  if (domain_or_address.find('@') != std::string_view::npos) {
    ListedAddress address = ListedAddress::From(domain_or_address);
    return address.known ? AddressKey(address) : "";
  }
  auto domain = smtp::CanonicalDomain(domain_or_address);
  return domain && smtp::IsDomain(*domain, false) ? std::move(*domain) : "";
}

const Account* Directory::FindAccount(uint32_t id) const {
  auto found = account_of_id_.find(id);
  return found == account_of_id_.end() ? nullptr : accounts_[found->second].get();
}

std::optional<uint32_t> Directory::VerifiedFor(std::string_view domain_or_address) const {
  auto found = verified_.find(VerifiedKeyOf(domain_or_address));
  if (found == verified_.end()) return std::nullopt;
  return found->second;
}

std::shared_ptr<const Directory> Directory::Empty() { return Builder().Build(); }

std::optional<Credential> Directory::FindExactly(CredentialKind kind, std::string_view name) const {
  uint8_t prefix_bits = 0;
  auto key = KeyName(kind, name, &prefix_bits);
  return key.ok() ? Find(kind, *key) : std::nullopt;
}

std::optional<Credential> Directory::FindUser(std::string_view name) const {
  if (name.size() > limits::kCredentialNameBytesMax) return std::nullopt;
  return Find(CredentialKind::kUser, ToLower(name));
}

std::optional<Credential> Directory::FindApiKey(std::string_view name) const {
  if (name.size() > limits::kCredentialNameBytesMax) return std::nullopt;
  return Find(CredentialKind::kApiKey, ToLower(name));
}

std::optional<Credential> Directory::FindNetwork(const IpAddress& address) const {
  for (uint8_t bits : prefixes_) {
    auto found = Find(CredentialKind::kNetwork, NetworkKey(address, bits));
    if (found) return found;
  }
  return std::nullopt;
}

std::optional<Credential> Directory::FindAddress(const ListedAddress& address) const {
  if (!address.known) return std::nullopt;
  return Find(CredentialKind::kAddress, AddressKey(address));
}

bool Directory::Verified(uint32_t account, const ListedAddress& address) const {
  auto is_its = [&](std::string_view key) {
    auto found = verified_.find(absl::string_view(key.data(), key.size()));
    return found != verified_.end() && found->second == account;
  };
  return address.known && (is_its(address.domain) || is_its(AddressKey(address)));
}

size_t Directory::bytes() const {
  size_t bytes = rows_.capacity() * sizeof(Row) + names_.capacity() +
                 (by_name_.capacity() + by_key_.capacity()) * (sizeof(uint32_t) + 1) +
                 verified_.capacity() * (sizeof(std::string) + 8 + 1) +
                 accounts_.size() * sizeof(Account) + settings_.size() * sizeof(CredentialSettings);
  for (const auto& [name, account] : verified_) {
    if (name.capacity() > 15) bytes += name.capacity() + 1;  // not within the string itself
  }
  return bytes;
}

}  // namespace ringpost::identity
