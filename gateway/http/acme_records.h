// What ACME keeps in the control store (storage/FORMAT.md): the account at each server, and for
// each name the newest certificate with its key.
//
// Threads: any. Encoded records and keys in them are secret: the caller wipes them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/status.h"
#include "gateway/tls/acme_key.h"

namespace ringpost::http {

struct AcmeAccount {
  std::string url;  // empty: the key is made, the account is not
  std::shared_ptr<const tls::AcmeKey> key;
};
struct AcmeCertificate {
  std::string directory;  // who issued it
  std::shared_ptr<const tls::AcmeKey> key;
  std::string chain;  // PEM
};

std::string AccountRecordKey(std::string_view directory);
std::string CertificateRecordKey(std::string_view name);

std::string EncodeAccount(const AcmeAccount& account);
std::string EncodeCertificate(const AcmeCertificate& certificate);
// DATA_LOSS, in words: another format, or lengths that do not add up, or no key of ours.
StatusOr<AcmeAccount> DecodeAccount(std::string_view record);
StatusOr<AcmeCertificate> DecodeCertificate(std::string_view record);

}  // namespace ringpost::http
