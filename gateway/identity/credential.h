// Accounts and credentials: who may send, and what is said of them. Values alone: the table that
// finds them is directory.h, what follows from them decision.h.
//
// Threads: plain data.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/time.h"
#include "gateway/identity/address_list.h"
#include "gateway/identity/ramp.h"
#include "gateway/identity/rate.h"
#include "gateway/identity/trust.h"

namespace ringpost::identity {

// How a client shows that it is a credential's.
enum class CredentialKind : uint8_t {
  kUser,     // an SMTP user: name and password
  kApiKey,   // the HTTP API's; its name is public (api_key.h)
  kNetwork,  // an address or a CIDR network: from there no password is asked
  kAddress,  // a sender address: it is taken at its word, where a listener allows that
};
inline constexpr size_t kCredentialKinds = 4;

enum class CredentialStatus : uint8_t {
  kAllowed,
  kBlocked,
  kSandbox,  // accepted, recorded, never delivered
};

// Who waits for whom: a bulk sender does not delay another's password reset.
enum class Lane : uint8_t { kTransactional, kBulk };

// What many credentials have in common: one of these is shared by all that are set up alike. Every
// pointer may be null: nothing is restricted.
struct CredentialSettings {
  std::shared_ptr<const AddressList> senders;  // the reverse-path and the From field
  std::shared_ptr<const AddressList> recipients;
  std::shared_ptr<const NetworkList> networks;  // from which it may be used
  RateLimit rate;
  uint32_t daily_quota = 0, monthly_quota = 0;  // recipients; 0: none
  Lane lane = Lane::kTransactional;
  Seconds deadline{0};  // of its messages; 0: the listener's
  bool archive = false;
  std::string audit_copy;  // a copy of each message goes to this address
  std::string bounces_to;  // empty: to the sender
  std::string egress_pool;
  // For devices that cannot be told who they are.
  std::string default_domain;  // of addresses without one
  std::string forced_from, forced_reverse_path;
};

// An account's own, beside those of its credentials.
struct Account {
  uint32_t id = 0;
  std::string name;
  std::string region;  // empty: the nearest
  bool suspended = false;
  // The operator's own: exempt from verified senders.
  bool exempt = false;
  std::shared_ptr<const AddressList> senders, recipients;
  RateLimit rate;
  Ramp ramp;
};

// One of a directory's, for as long as that is held.
struct Credential {
  uint32_t id = 0;
  CredentialKind kind = CredentialKind::kUser;
  CredentialStatus status = CredentialStatus::kAllowed;
  std::string_view name;  // user name, API key's name, network, address
  const Account* account = nullptr;
  const CredentialSettings* settings = nullptr;
};

}  // namespace ringpost::identity
