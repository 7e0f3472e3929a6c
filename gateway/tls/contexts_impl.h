// The library's objects behind ServerContext and ClientContext. Private to gateway/tls.
#pragma once

#include <openssl/base.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "gateway/tls/client_context.h"
#include "gateway/tls/server_context.h"
#include "gateway/tls/session_cache.h"

namespace ringpost::tls {

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
