#include "gateway/tls/certificate.h"

#include <openssl/asn1.h>
#include <openssl/ec_key.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/base/wipe.h"
#include "gateway/tls/certificate_parts.h"
#include "gateway/tls/errors.h"
#include "gateway/tls/read_file.h"

namespace ringpost::tls {
namespace {

using Parts = Certificate::Parts;

Status Wrong(std::string_view file, std::string_view what) {
  return MakeStatus(StatusCode::kInvalidArgument, std::string(file) + ": " + std::string(what));
}

bssl::UniquePtr<BIO> Reader(std::string_view text) {
  return bssl::UniquePtr<BIO>(BIO_new_mem_buf(text.data(), static_cast<ptrdiff_t>(text.size())));
}

// A file that asks for a pass phrase is not ours to open: without this the library would ask the
// terminal.
int NoPassPhrase(char*, int, int, void*) { return -1; }

Status ReadChain(std::string_view pem, const std::string& name, Parts* parts) {
  bssl::UniquePtr<BIO> bio = Reader(pem);
  while (parts->chain.size() < limits::kTlsChainCertificatesMax) {
    bssl::UniquePtr<X509> next(PEM_read_bio_X509(bio.get(), nullptr, NoPassPhrase, nullptr));
    if (!next) break;
    parts->chain.push_back(std::move(next));
  }
  ForgetErrors();
  if (parts->chain.empty()) {
    return Wrong(name,
                 "no certificate in PEM form (-----BEGIN CERTIFICATE-----) is in it; give the "
                 "server's certificate, then those of the authorities between it and the root");
  }
  for (size_t i = 0; i + 1 < parts->chain.size(); ++i) {
    if (X509_check_issued(parts->chain[i + 1].get(), parts->chain[i].get()) == X509_V_OK) continue;
    return Wrong(name, "certificate " + std::to_string(i + 2) + " did not issue certificate " +
                           std::to_string(i + 1) +
                           "; the order is: the server's, then each one's issuer");
  }
  return OkStatus();
}

Status ReadKey(std::string_view pem, const std::string& name, Parts* parts) {
  bssl::UniquePtr<BIO> bio = Reader(pem);
  parts->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassPhrase, nullptr));
  ForgetErrors();
  if (!parts->key) {
    return Wrong(name,
                 "no private key in PEM form is in it, or it needs a pass phrase, which nobody can "
                 "type when the gateway starts; take the pass phrase away (openssl pkey)");
  }
  return OkStatus();
}

Status SetKind(const std::string& name, Parts* parts) {
  switch (EVP_PKEY_id(parts->key.get())) {
    case EVP_PKEY_RSA:
      parts->kind = Certificate::KeyKind::kRsa;
      if (EVP_PKEY_bits(parts->key.get()) >= limits::kTlsRsaKeyBitsMin) return OkStatus();
      return Wrong(name, "the RSA key has fewer than 2048 bits, which clients refuse");
    case EVP_PKEY_ED25519:
      parts->kind = Certificate::KeyKind::kEd25519;
      return OkStatus();
    case EVP_PKEY_EC:
      break;
    default:
      return Wrong(name, "the key is of no kind that TLS servers use; make an ECDSA or RSA key");
  }
  parts->kind = Certificate::KeyKind::kEcdsa;
  const EC_GROUP* group = EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(parts->key.get()));
  switch (EC_GROUP_get_curve_name(group)) {
    case NID_X9_62_prime256v1:
      parts->ecdsa_scheme = SSL_SIGN_ECDSA_SECP256R1_SHA256;
      return OkStatus();
    case NID_secp384r1:
      parts->ecdsa_scheme = SSL_SIGN_ECDSA_SECP384R1_SHA384;
      return OkStatus();
    default:
      return Wrong(name, "the ECDSA key is on a curve other than P-256 and P-384");
  }
}

WallTime TimeOf(const ASN1_TIME* time) {
  bssl::UniquePtr<ASN1_TIME> epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0, seconds = 0;
  if (!ASN1_TIME_diff(&days, &seconds, epoch.get(), time)) return WallTime();
  return WallFromMillis((int64_t{days} * 86400 + seconds) * 1000);
}

std::string LowerText(const ASN1_STRING* text) {
  std::string lower(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                    static_cast<size_t>(ASN1_STRING_length(text)));
  return ToLower(lower);
}

void AddCommonName(X509* leaf, std::vector<std::string>* names) {
  X509_NAME* subject = X509_get_subject_name(leaf);
  int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return;
  names->push_back(LowerText(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
}

std::vector<std::string> NamesOf(X509* leaf) {
  std::vector<std::string> names;
  bssl::UniquePtr<GENERAL_NAMES> alternatives(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr)));
  if (!alternatives) AddCommonName(leaf, &names);
  for (size_t i = 0; alternatives && i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type == GEN_DNS) names.push_back(LowerText(name->d.dNSName));
  }
  ForgetErrors();
  return names;
}

Status CheckValidity(const std::string& name, WallTime now, Parts* parts) {
  const X509* leaf = parts->chain.front().get();
  parts->not_before = TimeOf(X509_get0_notBefore(leaf));
  parts->not_after = TimeOf(X509_get0_notAfter(leaf));
  if (now < parts->not_before) {
    return Wrong(name, "the certificate is valid only from " + FormatRfc3339(parts->not_before));
  }
  if (now <= parts->not_after) return OkStatus();
  return Wrong(name, "the certificate expired at " + FormatRfc3339(parts->not_after) +
                         "; renew it, and reload");
}

}  // namespace

Certificate::Certificate(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Certificate::~Certificate() = default;

StatusOr<std::shared_ptr<const Certificate>> Certificate::Load(const CertificateFiles& files,
                                                               WallTime now) {
  StatusOr<std::string> chain = ReadPublicFile(files.chain, limits::kTlsFileBytesMax);
  if (!chain.ok()) return chain.status();
  StatusOr<std::string> key = ReadSecretFile(files.key, limits::kTlsFileBytesMax);
  if (!key.ok()) return key.status();
  WipedAtEnd wiped(&*key);
  return Parse(*chain, *key, files, now);
}

StatusOr<std::shared_ptr<const Certificate>> Certificate::Parse(std::string_view chain_pem,
                                                                std::string_view key_pem,
                                                                const CertificateFiles& names,
                                                                WallTime now) {
  auto parts = std::make_unique<Parts>();
  Status status = ReadChain(chain_pem, names.chain, parts.get());
  if (status.ok()) status = ReadKey(key_pem, names.key, parts.get());
  if (status.ok()) status = SetKind(names.key, parts.get());
  if (status.ok()) status = CheckValidity(names.chain, now, parts.get());
  if (!status.ok()) return status;
  X509* leaf = parts->chain.front().get();
  if (X509_check_private_key(leaf, parts->key.get()) != 1) {
    ForgetErrors();
    return Wrong(names.key, "this key does not belong to the first certificate of " + names.chain);
  }
  parts->names = NamesOf(leaf);
  return std::shared_ptr<const Certificate>(new Certificate(std::move(parts)));
}

Certificate::KeyKind Certificate::key_kind() const { return parts_->kind; }
uint16_t Certificate::ecdsa_scheme() const { return parts_->ecdsa_scheme; }
const std::vector<std::string>& Certificate::names() const { return parts_->names; }
WallTime Certificate::not_before() const { return parts_->not_before; }
WallTime Certificate::not_after() const { return parts_->not_after; }

bool Certificate::Covers(std::string_view host) const {
  size_t dot = host.find('.');
  std::string_view parent = dot == std::string_view::npos ? "" : host.substr(dot);
  return std::any_of(parts_->names.begin(), parts_->names.end(), [&](std::string_view name) {
    if (name == host) return true;
    return name.size() > 2 && name.substr(0, 2) == "*." && !parent.empty() && dot > 0 &&
           name.substr(1) == parent;
  });
}

}  // namespace ringpost::tls
