#include "gateway/http/acme_records.h"

#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/wipe.h"
#include "storage/byte_codec.h"

namespace ringpost::http {
namespace {

using storage::ByteReader;
using storage::ByteWriter;

constexpr uint8_t kFormat = 1;

Status Damaged(std::string_view what) {
  return MakeStatus(StatusCode::kDataLoss,
                    "the record of " + std::string(what) + " is damaged, or a newer version's");
}

// `before`, the key, and `chain` where there is one.
std::string Encode(std::string_view before, const tls::AcmeKey& key, const std::string* chain) {
  std::string der = key.ToDer();
  WipedAtEnd wiped(&der);
  RP_CHECK(before.size() <= UINT16_MAX && der.size() <= UINT16_MAX);
  std::string record(1 + 2 + before.size() + 2 + der.size() + (chain ? 4 + chain->size() : 0), 0);
  ByteWriter out(record.data());
  out.U8(kFormat);
  out.Text16(before);
  out.Text16(der);
  if (chain) out.Text32(*chain);
  return record;
}

}  // namespace

std::string AccountRecordKey(std::string_view directory) {
  return "acme/account/" + std::string(directory);
}
std::string CertificateRecordKey(std::string_view name) {
  return "acme/certificate/" + std::string(name);
}

std::string EncodeAccount(const AcmeAccount& account) {
  return Encode(account.url, *account.key, nullptr);
}
std::string EncodeCertificate(const AcmeCertificate& certificate) {
  return Encode(certificate.directory, *certificate.key, &certificate.chain);
}

StatusOr<AcmeAccount> DecodeAccount(std::string_view record) {
  ByteReader in(record);
  bool known = in.U8() == kFormat;
  std::string_view url = in.Text16(), der = in.Text16();
  auto key = tls::AcmeKey::FromDer(der);
  if (!known || !in.AtEnd() || !key.ok()) return Damaged("the ACME account");
  return AcmeAccount{std::string(url), std::move(*key)};
}

StatusOr<AcmeCertificate> DecodeCertificate(std::string_view record) {
  ByteReader in(record);
  bool known = in.U8() == kFormat;
  std::string_view directory = in.Text16(), der = in.Text16(), chain = in.Text32();
  auto key = tls::AcmeKey::FromDer(der);
  if (!known || !in.AtEnd() || !key.ok()) return Damaged("a certificate by ACME");
  return AcmeCertificate{std::string(directory), std::move(*key), std::string(chain)};
}

}  // namespace ringpost::http
