// How the bench programs come to speak TLS: which way, and with what contexts.
//
// The one thing they share with the gateway is its TLS library (gateway/tls). A second record layer
// beside it would be one more thing to trust, and the processor time of either is nearly all
// BoringSSL's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "gateway/tls/client_context.h"
#include "gateway/tls/server_context.h"

namespace ringpost::bench {

enum class TlsMode : uint8_t { kNone, kStartTls, kImplicit };

// The words of the command line.
inline const std::map<std::string, TlsMode> kTlsModes = {
    {"none", TlsMode::kNone}, {"starttls", TlsMode::kStartTls}, {"implicit", TlsMode::kImplicit}};

// Any certificate will do. With `resume` a connection takes up its peer's last session where there
// is one; without it every handshake is a full one.
std::shared_ptr<const tls::ClientContext> MakeClientContext(bool resume);

// With the certificate in these files or, where they are not named, one that is made on the spot
// (ECDSA P-256). Null, and why in `error`.
std::shared_ptr<const tls::ServerContext> MakeServerContext(const std::string& chain_path,
                                                            const std::string& key_path,
                                                            std::string* error);

}  // namespace ringpost::bench
