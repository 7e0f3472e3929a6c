// Which versions, ciphers and groups a connection may use, in which order: stated here and nowhere
// else.
//
// TLS 1.3's three ciphers are ordered by BoringSSL itself: AES-GCM first where the processor has
// instructions for it, ChaCha20-Poly1305 first where it or the client has not. The lists below are
// TLS 1.2's and older.
//
// Server (RFC 9325 section 4.2, RFC 8314 section 4): forward secrecy and AEAD only; the order is
// ours. Old devices (a listener's option, TLS 1.0 and 1.1, RFC 8996 notwithstanding): the same,
// then CBC with forward secrecy, then RSA key transport, which is all that some printers have.
//
// Client: what it verifies it wants strong. Opportunistic TLS takes what the peer has, since the
// next step down is clear text (RFC 7435 section 3).
#pragma once

namespace ringpost::tls {

inline constexpr char kCiphers[] =
    "[ECDHE-ECDSA-AES256-GCM-SHA384|ECDHE-ECDSA-CHACHA20-POLY1305]:ECDHE-ECDSA-AES128-GCM-SHA256:"
    "[ECDHE-RSA-AES256-GCM-SHA384|ECDHE-RSA-CHACHA20-POLY1305]:ECDHE-RSA-AES128-GCM-SHA256";

inline constexpr char kCiphersLenient[] =
    "[ECDHE-ECDSA-AES256-GCM-SHA384|ECDHE-ECDSA-CHACHA20-POLY1305]:ECDHE-ECDSA-AES128-GCM-SHA256:"
    "[ECDHE-RSA-AES256-GCM-SHA384|ECDHE-RSA-CHACHA20-POLY1305]:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES256-SHA:ECDHE-RSA-AES128-SHA:"
    "AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-SHA:AES128-SHA";

inline constexpr char kGroups[] = "X25519:P-256:P-384";

}  // namespace ringpost::tls
