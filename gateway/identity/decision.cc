#include "gateway/identity/decision.h"

#include "gateway/identity/api_key.h"

namespace ringpost::identity {
namespace {

bool ListAllows(const std::shared_ptr<const AddressList>& list, const ListedAddress& address) {
  return !list || list->Allows(address);
}

Refusal JudgeUse(const Credential& credential, const IpAddress& client) {
  if (credential.status == CredentialStatus::kBlocked || credential.account->suspended) {
    return Refusal::kBlocked;
  }
  const auto& networks = credential.settings->networks;
  if (networks && !networks->Contains(client)) return Refusal::kWrongNetwork;
  return Refusal::kNone;
}

std::optional<Credential> Recognise(const Directory& directory, const ListenerIdentity& listener,
                                    const std::optional<Credential>& login, const IpAddress& client,
                                    std::string_view reverse_path) {
  if (login) return login;
  if (listener.by_network) {
    if (auto found = directory.FindNetwork(client)) return found;
  }
  if (listener.by_address) return directory.FindAddress(ListedAddress::From(reverse_path));
  return std::nullopt;
}

}  // namespace

Identity Identify(const Directory& directory, const ListenerIdentity& listener,
                  const std::optional<Credential>& login, const IpAddress& client,
                  std::string_view reverse_path) {
  Identity identity;
  identity.credential = Recognise(directory, listener, login, client, reverse_path);
  if (identity.credential) {
    identity.refusal = JudgeUse(*identity.credential, client);
  } else if (listener.by_password) {
    identity.refusal = Refusal::kLoginNeeded;
  }
  return identity;
}

Identity VerifyApiKey(const Directory& directory, std::string_view key, const IpAddress& client) {
  Identity identity;
  if (!IsApiKey(key)) return identity;
  identity.credential = directory.FindByKey(ApiKeyRecord::Of(key).digest);
  if (identity.credential) identity.refusal = JudgeUse(*identity.credential, client);
  return identity;
}

Refusal MaySendAs(const Directory& directory, const Credential& credential,
                  const ListedAddress& sender) {
  const Account& account = *credential.account;
  if (!sender.known) return Refusal::kNotAnAddress;
  if (!ListAllows(credential.settings->senders, sender)) return Refusal::kSenderByCredential;
  if (!ListAllows(account.senders, sender)) return Refusal::kSenderByAccount;
  if (credential.kind == CredentialKind::kAddress) {
    auto listed = directory.FindAddress(sender);
    if (!listed || listed->account != &account) return Refusal::kSenderNotListed;
  }
  if (!account.exempt && !directory.Verified(account.id, sender)) {
    return Refusal::kUnverifiedSender;
  }
  return Refusal::kNone;
}

Refusal MaySendTo(const Credential& credential, const ListedAddress& recipient) {
  if (!ListAllows(credential.settings->recipients, recipient)) {
    return Refusal::kRecipientByCredential;
  }
  if (!ListAllows(credential.account->recipients, recipient)) return Refusal::kRecipientByAccount;
  return Refusal::kNone;
}

}  // namespace ringpost::identity
