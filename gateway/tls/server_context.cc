#include "gateway/tls/server_context.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <string>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/base/time.h"
#include "gateway/tls/certificate_parts.h"
#include "gateway/tls/cipher_order.h"
#include "gateway/tls/contexts_impl.h"

namespace ringpost::tls {
namespace {

using Impl = ServerContext::Impl;

// Where a context's Impl is found from an SSL that was made of it.
int ImplIndex() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

Impl* ImplOf(const SSL* ssl) {
  return static_cast<Impl*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ImplIndex()));
}

// --- Tickets

size_t TicketOverhead(SSL*) { return kTicketOverheadBytes; }

int SealTicket(SSL* ssl, uint8_t* out, size_t* out_bytes, size_t out_bytes_max, const uint8_t* in,
               size_t in_bytes) {
  *out_bytes = in_bytes + kTicketOverheadBytes;
  if (*out_bytes > out_bytes_max) return 0;
  // The two may be one buffer.
  std::string session(reinterpret_cast<const char*>(in), in_bytes);
  ImplOf(ssl)->options.tickets->Seal(session, ReadMonoClock(), reinterpret_cast<char*>(out));
  OPENSSL_cleanse(session.data(), session.size());
  return 1;
}

ssl_ticket_aead_result_t OpenTicket(SSL* ssl, uint8_t* out, size_t* out_bytes, size_t out_bytes_max,
                                    const uint8_t* in, size_t in_bytes) {
  if (in_bytes < kTicketOverheadBytes) return ssl_ticket_aead_ignore_ticket;
  *out_bytes = in_bytes - kTicketOverheadBytes;
  if (*out_bytes > out_bytes_max) return ssl_ticket_aead_ignore_ticket;
  std::string ticket(reinterpret_cast<const char*>(in), in_bytes);
  bool ours =
      ImplOf(ssl)->options.tickets->Open(ticket, ReadMonoClock(), reinterpret_cast<char*>(out));
  return ours ? ssl_ticket_aead_success : ssl_ticket_aead_ignore_ticket;
}

constexpr SSL_TICKET_AEAD_METHOD kTicketMethod = {TicketOverhead, SealTicket, OpenTicket};

// --- Which certificate

// Whether the list of 16-bit values in a hello (with `prefix_bytes` of length before them) names
// one that `wanted` takes. `prefix_bytes` 0: the bytes are the list.
template <typename Wanted>
bool Lists(const uint8_t* bytes, size_t count, size_t prefix_bytes, Wanted wanted) {
  if (count < prefix_bytes) return false;
  for (size_t at = prefix_bytes; at + 1 < count; at += 2) {
    if (wanted(static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]))) return true;
  }
  return false;
}

bool OffersTls13(const SSL_CLIENT_HELLO* hello) {
  const uint8_t* bytes = nullptr;
  size_t count = 0;
  return SSL_early_callback_ctx_extension_get(hello, TLSEXT_TYPE_supported_versions, &bytes,
                                              &count) == 1 &&
         Lists(bytes, count, 1, [](uint16_t version) { return version == TLS1_3_VERSION; });
}

// The ECDHE_ECDSA ciphers of cipher_order.h, those of old versions among them or not.
bool IsEcdsaCipher(uint16_t cipher, bool old_versions) {
  bool old = cipher == 0xc009 || cipher == 0xc00a;
  return cipher == 0xc02b || cipher == 0xc02c || cipher == 0xcca9 || (old_versions && old);
}

// Whether the client can verify the signature of `certificate`'s key: by its list of schemes, and
// before TLS 1.3 by the ciphers that both have too.
bool CanVerify(const Impl& impl, const SSL_CLIENT_HELLO* hello, const Certificate& certificate) {
  if (certificate.key_kind() == Certificate::KeyKind::kRsa) return true;
  uint16_t scheme = certificate.key_kind() == Certificate::KeyKind::kEd25519
                        ? SSL_SIGN_ED25519
                        : certificate.ecdsa_scheme();
  const uint8_t* bytes = nullptr;
  size_t count = 0;
  bool listed = SSL_early_callback_ctx_extension_get(hello, TLSEXT_TYPE_signature_algorithms,
                                                     &bytes, &count) == 1;
  // Before TLS 1.2 there is no such list, and SHA-1 over P-256 is what is used.
  if (listed && !Lists(bytes, count, 2, [&](uint16_t said) { return said == scheme; })) {
    return false;
  }
  return OffersTls13(hello) ||
         Lists(hello->cipher_suites, hello->cipher_suites_len, 0,
               [&](uint16_t cipher) { return IsEcdsaCipher(cipher, impl.options.old_versions); });
}

const Impl::Identity& Choose(const Impl& impl, const SSL_CLIENT_HELLO* hello) {
  const char* said = SSL_get_servername(hello->ssl, TLSEXT_NAMETYPE_host_name);
  std::string host = ToLower(said ? said : "");
  auto covers = [&](const Impl::Identity& identity) { return identity.certificate->Covers(host); };
  const auto& all = impl.identities;
  if (host.empty() || std::none_of(all.begin(), all.end(), covers)) {
    host = all.front().certificate->names().empty() ? "" : all.front().certificate->names()[0];
  }
  const Impl::Identity* rsa = nullptr;
  for (const Impl::Identity& identity : all) {
    if (&identity != &all.front() && !covers(identity)) continue;
    if (!CanVerify(impl, hello, *identity.certificate)) continue;
    if (identity.certificate->key_kind() != Certificate::KeyKind::kRsa && covers(identity)) {
      return identity;
    }
    if (!rsa || (covers(identity) && !covers(*rsa))) rsa = &identity;
  }
  return rsa ? *rsa : all.front();
}

// Whether the client offers acme-tls/1 and nothing else, as RFC 8737 section 3 has it.
bool OffersAcmeAlone(const SSL_CLIENT_HELLO* hello) {
  const uint8_t* bytes = nullptr;
  size_t count = 0;
  if (SSL_early_callback_ctx_extension_get(
          hello, TLSEXT_TYPE_application_layer_protocol_negotiation, &bytes, &count) != 1 ||
      count < 2) {
    return false;
  }
  return std::string_view(reinterpret_cast<const char*>(bytes) + 2, count - 2) == kAcmeProtocolList;
}

ssl_select_cert_result_t PresentChallenge(const Impl& impl, SSL* ssl) {
  const char* said = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  bssl::UniquePtr<SSL_CTX> context;
  if (impl.options.challenges) context = impl.options.challenges->impl().Find(said ? said : "");
  if (!context) return ssl_select_cert_error;
  SSL_set_SSL_CTX(ssl, context.get());
  SSL_set_options(ssl, SSL_OP_NO_TICKET);  // it has nothing to seal them with
  return ssl_select_cert_success;
}

ssl_select_cert_result_t SelectCertificate(const SSL_CLIENT_HELLO* hello) {
  const Impl* impl = ImplOf(hello->ssl);
  if (OffersAcmeAlone(hello)) return PresentChallenge(*impl, hello->ssl);
  SSL_set_SSL_CTX(hello->ssl, Choose(*impl, hello).context.get());
  return ssl_select_cert_success;
}

// --- ALPN

constexpr std::string_view kHttp = "http/1.1";  // RFC 7301 section 6

// The client's list is names with a byte of length before each; the library has checked its form.
int SelectProtocol(SSL* ssl, const uint8_t** out, uint8_t* out_bytes, const uint8_t* in,
                   unsigned in_bytes, void*) {
  if (SSL_get_ex_data(ssl, HttpOffer::Index()) == nullptr) return SSL_TLSEXT_ERR_NOACK;
  std::string_view list(reinterpret_cast<const char*>(in), in_bytes);
  while (!list.empty()) {
    size_t count = static_cast<uint8_t>(list.front());
    std::string_view name = list.substr(1, count);
    if (name == kHttp) {
      *out = reinterpret_cast<const uint8_t*>(name.data());
      *out_bytes = static_cast<uint8_t>(name.size());
      return SSL_TLSEXT_ERR_OK;
    }
    list.remove_prefix(std::min(list.size(), count + 1));
  }
  return SSL_TLSEXT_ERR_NOACK;
}

// --- Making

bssl::UniquePtr<SSL_CTX> NewContext(Impl* impl) {
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  SSL_CTX* ctx = context.get();
  bool old = impl->options.old_versions;
  RP_CHECK(SSL_CTX_set_min_proto_version(ctx, old ? TLS1_VERSION : TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_strict_cipher_list(ctx, old ? kCiphersLenient : kCiphers) == 1 &&
           SSL_CTX_set1_curves_list(ctx, kGroups) == 1 &&
           SSL_CTX_set_ex_data(ctx, ImplIndex(), impl) == 1);
  SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(ctx, limits::kTlsSessionSeconds);
  SSL_CTX_set_session_psk_dhe_timeout(ctx, limits::kTlsSessionSeconds);
  if (impl->options.tickets) {
    SSL_CTX_set_ticket_aead_method(ctx, &kTicketMethod);
  } else {
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
  }
  SSL_CTX_set_select_certificate_cb(ctx, SelectCertificate);
  SSL_CTX_set_alpn_select_cb(ctx, SelectProtocol, nullptr);
  return context;
}

void Present(SSL_CTX* context, const Certificate::Parts& parts) {
  RP_CHECK(SSL_CTX_use_certificate(context, parts.chain.front().get()) == 1 &&
           SSL_CTX_use_PrivateKey(context, parts.key.get()) == 1);
  for (size_t i = 1; i < parts.chain.size(); ++i) {
    RP_CHECK(SSL_CTX_add1_chain_cert(context, parts.chain[i].get()) == 1);
  }
}

}  // namespace

int HttpOffer::Index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

ServerContext::ServerContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ServerContext::~ServerContext() = default;

std::shared_ptr<const ServerContext> ServerContext::Make(Options options) {
  RP_CHECK(!options.certificates.empty());
  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  for (const auto& certificate : impl->options.certificates) {
    bssl::UniquePtr<SSL_CTX> context = NewContext(impl.get());
    Present(context.get(), certificate->parts());
    impl->identities.push_back({certificate, std::move(context)});
  }
  impl->context = NewContext(impl.get());
  return std::shared_ptr<const ServerContext>(new ServerContext(std::move(impl)));
}

}  // namespace ringpost::tls
