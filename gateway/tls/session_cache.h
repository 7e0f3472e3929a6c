// SessionCache: the sessions that a client may resume, by the peer they are of. Private to
// gateway/tls.
//
// Bounded: at limits::kTlsClientSessionsMax some other peer's session is forgotten, which costs a
// full handshake. A TLS 1.3 session serves once (RFC 8446 appendix C.4); an older one until it is
// replaced or too old.
//
// Threads: any; a lock for the time of a look into a table, once in a handshake.
#pragma once

#include <openssl/base.h>
#include <openssl/ssl.h>

#include <mutex>
#include <string>
#include <unordered_map>

namespace ringpost::tls {

class SessionCache {
 public:
  void Keep(const std::string& peer, bssl::UniquePtr<SSL_SESSION> session);
  // Null: none.
  bssl::UniquePtr<SSL_SESSION> Find(const std::string& peer);
  void Forget(const std::string& peer);

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, bssl::UniquePtr<SSL_SESSION>> sessions_;
};

}  // namespace ringpost::tls
