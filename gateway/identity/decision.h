// Who a client is, and what it may send: pure functions over a Directory, with their reasons as
// values. What the client is told is said elsewhere (session/inbound_rules.h).
//
//   Identify        at MAIL: the credential, by the first that fits of: a login, the client's
//                   address, the reverse-path
//   VerifyApiKey    at a request of the HTTP API: the credential whose key it shows
//   MaySendAs       an address in the reverse-path or the From field
//   MaySendTo       a recipient
//
// A message is judged by its reverse-path at MAIL and by every address of its From field at the end
// of data; with the null reverse-path (a bounce that a customer's own server passes on) by the From
// field alone.
//
// Threads: functions over what is immutable.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "gateway/base/ip_address.h"
#include "gateway/identity/credential.h"
#include "gateway/identity/directory.h"

namespace ringpost::identity {

// What a listener takes for an authentication.
struct ListenerIdentity {
  bool by_password = false;
  bool by_network = false;
  bool by_address = false;
  bool operator==(const ListenerIdentity&) const = default;
};

enum class Refusal : uint8_t {
  kNone,
  // Nobody
  kLoginNeeded,    // this listener knows its clients by password, and there was no login
  kUnknownClient,  // nothing that this listener takes fits
  // The credential
  kBlocked,       // it is, or its account is suspended
  kWrongNetwork,  // it may not be used from the client's address
  // An address
  kNotAnAddress,        // nobody's: it has no domain, or none that is one
  kSenderByCredential,  // its restrict list
  kSenderByAccount,
  kSenderNotListed,  // the credential is an address, and this is none of its account's
  kUnverifiedSender,
  kRecipientByCredential,
  kRecipientByAccount,
};

struct Identity {
  Refusal refusal = Refusal::kUnknownClient;
  std::optional<Credential> credential;  // also where it is refused by what is said of it
};

// `login`: whose password was right, on this connection. `reverse_path`: empty for the null one.
Identity Identify(const Directory& directory, const ListenerIdentity& listener,
                  const std::optional<Credential>& login, const IpAddress& client,
                  std::string_view reverse_path);

// `key`: as the client sent it. kUnknownClient: it is nobody's; IsApiKey (api_key.h) says whether
// it could be one.
Identity VerifyApiKey(const Directory& directory, std::string_view key, const IpAddress& client);

Refusal MaySendAs(const Directory& directory, const Credential& credential,
                  const ListedAddress& sender);
Refusal MaySendTo(const Credential& credential, const ListedAddress& recipient);

}  // namespace ringpost::identity
