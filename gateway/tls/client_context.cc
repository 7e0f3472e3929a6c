#include "gateway/tls/client_context.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <utility>

#include "gateway/base/check.h"
#include "gateway/tls/cipher_order.h"
#include "gateway/tls/contexts_impl.h"
#include "gateway/tls/errors.h"

namespace ringpost::tls {

namespace {

int KeepSession(SSL* ssl, SSL_SESSION* session) {
  auto* peer = static_cast<ClientPeer*>(SSL_get_ex_data(ssl, ClientPeer::Index()));
  peer->context->impl().sessions.Keep(peer->name, bssl::UniquePtr<SSL_SESSION>(session));
  return 1;  // it is ours now
}

}  // namespace

int ClientPeer::Index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

ClientContext::ClientContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ClientContext::~ClientContext() = default;

StatusOr<std::shared_ptr<const ClientContext>> ClientContext::Make(Options options) {
  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  impl->context.reset(SSL_CTX_new(TLS_method()));
  SSL_CTX* context = impl->context.get();
  bool strict = impl->options.verify;
  RP_CHECK(SSL_CTX_set_min_proto_version(context, strict ? TLS1_2_VERSION : TLS1_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_strict_cipher_list(context, strict ? kCiphers : kCiphersLenient) == 1 &&
           SSL_CTX_set1_curves_list(context, kGroups) == 1);
  SSL_CTX_set_verify(context, strict ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_session_cache_mode(context, impl->options.resume
                                              ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL
                                              : SSL_SESS_CACHE_OFF);
  SSL_CTX_sess_set_new_cb(context, KeepSession);
  const std::string& authorities = impl->options.authorities;
  if (auto from = std::exchange(impl->options.same_authorities_as, nullptr)) {
    X509_STORE* store = SSL_CTX_get_cert_store(from->impl().context.get());
    X509_STORE_up_ref(store);
    SSL_CTX_set_cert_store(context, store);  // which takes that reference
  } else if (!authorities.empty() &&
             SSL_CTX_load_verify_locations(context, authorities.c_str(), nullptr) != 1) {
    return MakeStatus(
        StatusCode::kInvalidArgument,
        authorities + ": no certificates of authorities could be read from it: " + TakeError());
  }
  std::string offered;
  for (const std::string& name : impl->options.application_protocols) {
    RP_CHECK(!name.empty() && name.size() <= UINT8_MAX);
    offered += static_cast<char>(name.size()) + name;
  }
  RP_CHECK(SSL_CTX_set_alpn_protos(context, reinterpret_cast<const uint8_t*>(offered.data()),
                                   static_cast<unsigned>(offered.size())) == 0);
  ForgetErrors();
  return std::shared_ptr<const ClientContext>(new ClientContext(std::move(impl)));
}

}  // namespace ringpost::tls
