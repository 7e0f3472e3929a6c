#include "gateway/tls/alpn_challenges.h"

#include <openssl/asn1.h>
#include <openssl/obj.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/tls/aead.h"
#include "gateway/tls/contexts_impl.h"
#include "gateway/tls/self_signed_parts.h"

namespace ringpost::tls {
namespace {

// id-pe-acmeIdentifier (RFC 8737 section 6.1).
constexpr char kAcmeIdentifier[] = "1.3.6.1.5.5.7.1.31";
constexpr int kDays = 7;

// Critical, and its value is an OCTET STRING of the SHA-256 (RFC 8737 section 3).
bssl::UniquePtr<X509_EXTENSION> IdentifierOf(std::string_view key_authorization) {
  Sha256 hash;
  hash.Update(key_authorization);
  std::array<uint8_t, 32> digest = hash.Finish();
  std::string der = {0x04, 0x20};
  der.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  bssl::UniquePtr<ASN1_OBJECT> object(OBJ_txt2obj(kAcmeIdentifier, 1));
  bssl::UniquePtr<ASN1_OCTET_STRING> value(ASN1_OCTET_STRING_new());
  RP_CHECK(object && value &&
           ASN1_OCTET_STRING_set(value.get(), reinterpret_cast<const uint8_t*>(der.data()),
                                 static_cast<int>(der.size())) == 1);
  bssl::UniquePtr<X509_EXTENSION> extension(
      X509_EXTENSION_create_by_OBJ(nullptr, object.get(), 1, value.get()));
  RP_CHECK(extension != nullptr);
  return extension;
}

int SelectAcme(SSL*, const uint8_t** out, uint8_t* out_bytes, const uint8_t*, unsigned, void*) {
  *out = reinterpret_cast<const uint8_t*>(kAcmeProtocol.data());  // it is what was offered
  *out_bytes = static_cast<uint8_t>(kAcmeProtocol.size());
  return SSL_TLSEXT_ERR_OK;
}

bssl::UniquePtr<SSL_CTX> MakeContext(const std::string& name, std::string_view key_authorization,
                                     WallTime now) {
  bssl::UniquePtr<X509_EXTENSION> identifier = IdentifierOf(key_authorization);
  SelfSigned made =
      BuildSelfSigned({name}, Certificate::KeyKind::kEcdsa, now, kDays, identifier.get());
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  RP_CHECK(context && SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1 &&
           SSL_CTX_use_certificate(context.get(), made.certificate.get()) == 1 &&
           SSL_CTX_use_PrivateKey(context.get(), made.key.get()) == 1);
  SSL_CTX_set_alpn_select_cb(context.get(), SelectAcme, nullptr);
  return context;
}

}  // namespace

bssl::UniquePtr<SSL_CTX> AlpnChallenges::Impl::Find(std::string_view name) const {
  std::lock_guard lock(mutex);
  auto found = contexts.find(ToLower(name));
  return found == contexts.end() ? nullptr : bssl::UpRef(found->second);
}

AlpnChallenges::AlpnChallenges() : impl_(std::make_unique<Impl>()) {}
AlpnChallenges::~AlpnChallenges() = default;

bool AlpnChallenges::Add(const std::string& name, std::string_view key_authorization,
                         WallTime now) {
  bssl::UniquePtr<SSL_CTX> context = MakeContext(name, key_authorization, now);
  std::lock_guard lock(impl_->mutex);
  if (impl_->contexts.size() >= limits::kAcmeChallengesMax && !impl_->contexts.contains(name)) {
    return false;
  }
  impl_->contexts[name] = std::move(context);
  return true;
}

void AlpnChallenges::Remove(std::string_view name) {
  std::lock_guard lock(impl_->mutex);
  auto found = impl_->contexts.find(name);
  if (found != impl_->contexts.end()) impl_->contexts.erase(found);
}

}  // namespace ringpost::tls
