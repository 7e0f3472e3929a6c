// What a Connection is made of. Private to connection.cc, connection_elsewhere.cc,
// connection_control.cc and connection_in_place.cc.
#pragma once

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>

#include "gateway/tls/connection.h"
#include "gateway/tls/contexts_impl.h"
#include "gateway/tls/record_export.h"
#include "gateway/tls/record_opener.h"

namespace ringpost::tls {

struct Connection::Impl {
  std::shared_ptr<const ServerContext> server;  // one of the two, as long as `ssl`
  ClientPeer client;
  bssl::UniquePtr<SSL> ssl;

  static int ReadInput(BIO* bio, char* out, int bytes_max);
  static int WriteOutput(BIO* bio, const char* bytes, int count);
  static const BIO_METHOD* Method();
  static std::unique_ptr<Connection> Make(SSL_CTX* context);
  static std::unique_ptr<Connection> MakeClient(ClientPeer peer);
  static ssl_verify_result_t VerifyByDane(SSL* ssl, uint8_t* alert);
};

// A whole KeyUpdate message, header and all (RFC 8446 section 4.6.3).
inline constexpr uint8_t kKeyUpdateMessage = 24;
inline constexpr size_t kKeyUpdateBytes = 5;

// Where records are made elsewhere, in one direction or both.
struct Connection::Elsewhere {
  std::string handshake_bytes;  // of a message that has not all come
  // Since the last data that was seen.
  uint32_t messages = 0;
  uint32_t warnings = 0;
  bool receives = false;
  bool sends = false;
  bool key_update = false;  // came by the library's own records
  // Where the peer's are opened in place.
  std::unique_ptr<RecordOpener> opener;
  std::optional<TrafficSecret> secret;  // in TLS 1.3
};

}  // namespace ringpost::tls
