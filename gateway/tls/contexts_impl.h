// The library's objects behind ServerContext and ClientContext. Private to gateway/tls.
#pragma once

#include <openssl/base.h>
#include <openssl/ssl.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/dane_policy.h"
#include "gateway/tls/alpn_challenges.h"
#include "gateway/tls/client_context.h"
#include "gateway/tls/dane_verify.h"
#include "gateway/tls/server_context.h"
#include "gateway/tls/session_cache.h"

namespace ringpost::tls {

// RFC 8737 section 6.2, and how it is in a hello's list (RFC 7301 section 3.1).
inline constexpr std::string_view kAcmeProtocol = "acme-tls/1";
inline constexpr std::string_view kAcmeProtocolList =
    "\x0a"
    "acme-tls/1";

struct AlpnChallenges::Impl {
  mutable std::mutex mutex;
  std::map<std::string, bssl::UniquePtr<SSL_CTX>, std::less<>> contexts;  // by name

  // Null: the name is not being validated.
  bssl::UniquePtr<SSL_CTX> Find(std::string_view name) const;
};

struct ServerContext::Impl {
  struct Identity {
    std::shared_ptr<const Certificate> certificate;
    // Holds the chain and key; a connection is pointed to it when its client's hello is known.
    bssl::UniquePtr<SSL_CTX> context;
  };

  Options options;
  bssl::UniquePtr<SSL_CTX> context;  // connections begin with this one
  std::vector<Identity> identities;
};

// Whose session a client's connection has, where the library tells of a new one.
struct ClientPeer {
  std::shared_ptr<const ClientContext> context;
  std::string name;
  std::shared_ptr<const DanePolicy> dane;  // or null
  PeerVerdict verdict;                     // where `dane` is there and was looked at

  static int Index();  // of SSL's extra data
};

// Marks a server's connection that may speak HTTP, where the client's ALPN is looked at: any value
// but null.
struct HttpOffer {
  static int Index();  // of SSL's extra data
};

struct ClientContext::Impl {
  Options options;
  mutable SessionCache sessions;
  bssl::UniquePtr<SSL_CTX> context;
};

}  // namespace ringpost::tls
