#include "gateway/tls/acme_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <utility>

#include "gateway/base/base64url.h"
#include "gateway/base/check.h"
#include "gateway/tls/aead.h"
#include "gateway/tls/errors.h"
#include "gateway/tls/private_key_der.h"

namespace ringpost::tls {
namespace {

constexpr size_t kFieldBytes = 32;  // of P-256

std::string_view View(const uint8_t* bytes, size_t count) {
  return {reinterpret_cast<const char*>(bytes), count};
}

std::array<uint8_t, 32> HashOf(std::string_view text) {
  Sha256 hash;
  hash.Update(text);
  return hash.Finish();
}

// BIGNUMs as long as the field, whatever their value.
std::string FieldText(const BIGNUM* number) {
  uint8_t bytes[kFieldBytes];
  RP_CHECK(BN_bn2bin_padded(bytes, sizeof bytes, number) == 1);
  return std::string(View(bytes, sizeof bytes));
}

}  // namespace

struct AcmeKey::Impl {
  bssl::UniquePtr<EVP_PKEY> key;
  EC_KEY* ec() const { return EVP_PKEY_get0_EC_KEY(key.get()); }
};

AcmeKey::AcmeKey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AcmeKey::~AcmeKey() = default;

std::shared_ptr<const AcmeKey> AcmeKey::Generate() {
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  auto impl = std::make_unique<Impl>();
  impl->key.reset(EVP_PKEY_new());
  RP_CHECK(ec && EC_KEY_generate_key(ec.get()) == 1 &&
           EVP_PKEY_set1_EC_KEY(impl->key.get(), ec.get()) == 1);
  return std::shared_ptr<const AcmeKey>(new AcmeKey(std::move(impl)));
}

StatusOr<std::shared_ptr<const AcmeKey>> AcmeKey::FromDer(std::string_view der) {
  CBS bytes;
  CBS_init(&bytes, reinterpret_cast<const uint8_t*>(der.data()), der.size());
  auto impl = std::make_unique<Impl>();
  impl->key.reset(EVP_parse_private_key(&bytes));
  ForgetErrors();
  const EC_KEY* ec = impl->key ? impl->ec() : nullptr;
  if (CBS_len(&bytes) != 0 || ec == nullptr ||
      EC_GROUP_get_curve_name(EC_KEY_get0_group(ec)) != NID_X9_62_prime256v1) {
    return MakeStatus(StatusCode::kDataLoss, "not a private key on P-256 in PKCS #8 form");
  }
  return std::shared_ptr<const AcmeKey>(new AcmeKey(std::move(impl)));
}

std::string AcmeKey::ToDer() const { return PrivateKeyDer(impl_->key.get()); }

std::string AcmeKey::ToPem() const {
  bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  const uint8_t* bytes = nullptr;
  size_t count = 0;
  RP_CHECK(PEM_write_bio_PKCS8PrivateKey(bio.get(), impl_->key.get(), nullptr, nullptr, 0, nullptr,
                                         nullptr) == 1 &&
           BIO_mem_contents(bio.get(), &bytes, &count) == 1);
  return std::string(View(bytes, count));
}

std::string AcmeKey::Jwk() const {
  const EC_KEY* ec = impl_->ec();
  bssl::UniquePtr<BIGNUM> x(BN_new()), y(BN_new());
  RP_CHECK(EC_POINT_get_affine_coordinates_GFp(EC_KEY_get0_group(ec), EC_KEY_get0_public_key(ec),
                                               x.get(), y.get(), nullptr) == 1);
  return R"({"crv":"P-256","kty":"EC","x":")" + Base64Url(FieldText(x.get())) + R"(","y":")" +
         Base64Url(FieldText(y.get())) + R"("})";
}

std::string AcmeKey::Thumbprint() const {
  auto hash = HashOf(Jwk());
  return Base64Url(View(hash.data(), hash.size()));
}

std::string AcmeKey::SignEs256(std::string_view text) const {
  auto hash = HashOf(text);
  bssl::UniquePtr<ECDSA_SIG> signature(ECDSA_do_sign(hash.data(), hash.size(), impl_->ec()));
  RP_CHECK(signature != nullptr);
  const BIGNUM *r = nullptr, *s = nullptr;
  ECDSA_SIG_get0(signature.get(), &r, &s);
  return FieldText(r) + FieldText(s);
}

std::string AcmeKey::MakeRequest(const std::vector<std::string>& names) const {
  RP_CHECK(!names.empty());
  bssl::UniquePtr<X509_REQ> request(X509_REQ_new());
  bssl::UniquePtr<GENERAL_NAMES> alternatives(sk_GENERAL_NAME_new_null());
  for (const std::string& name : names) {
    bssl::UniquePtr<GENERAL_NAME> one(GENERAL_NAME_new());
    bssl::UniquePtr<ASN1_IA5STRING> text(ASN1_IA5STRING_new());
    RP_CHECK(ASN1_STRING_set(text.get(), name.data(), static_cast<ptrdiff_t>(name.size())) == 1);
    GENERAL_NAME_set0_value(one.get(), GEN_DNS, text.release());
    RP_CHECK(bssl::PushToStack(alternatives.get(), std::move(one)));
  }
  X509_EXTENSIONS* extensions = nullptr;
  RP_CHECK(X509V3_add1_i2d(&extensions, NID_subject_alt_name, alternatives.get(), 0, 0) == 1);
  bssl::UniquePtr<X509_EXTENSIONS> owned(extensions);
  RP_CHECK(X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1 &&
           X509_REQ_add_extensions(request.get(), extensions) == 1 &&
           X509_REQ_set_pubkey(request.get(), impl_->key.get()) == 1 &&
           X509_REQ_sign(request.get(), impl_->key.get(), EVP_sha256()) > 0);
  uint8_t* bytes = nullptr;
  int count = i2d_X509_REQ(request.get(), &bytes);
  RP_CHECK(count > 0);
  std::string der(View(bytes, static_cast<size_t>(count)));
  OPENSSL_free(bytes);
  return der;
}

}  // namespace ringpost::tls
