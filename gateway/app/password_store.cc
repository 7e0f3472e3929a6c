#include "gateway/app/password_store.h"

#include <string_view>
#include <utility>

#include "gateway/base/wipe.h"

namespace ringpost::app {
namespace {

constexpr std::string_view kUnknownNamesKey = "unknown_names";

}  // namespace

std::string PasswordStore::KeyOf(uint32_t credential) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string key = "password/";
  for (int shift = 28; shift >= 0; shift -= 4) key.push_back(kDigits[credential >> shift & 0xf]);
  return key;
}

StatusOr<std::optional<identity::PasswordRecord>> PasswordStore::Read(uint32_t credential) {
  auto found = store_->Get(KeyOf(credential));
  if (!found.ok()) return found.status();
  std::optional<identity::PasswordRecord> record;
  if (!*found) return record;
  WipedAtEnd wiped(&**found);
  record = identity::PasswordRecord::Decode(**found);
  if (!record) {
    return MakeStatus(StatusCode::kDataLoss,
                      "the record " + KeyOf(credential) +
                          " of the control store is no record of a password, or of another "
                          "version. Set the password anew");
  }
  return record;
}

StatusOr<tls::Key> PasswordStore::UnknownNamesSecret() {
  auto found = store_->Get(kUnknownNamesKey);
  if (!found.ok()) return found.status();
  if (*found) {
    WipedAtEnd wiped(&**found);
    if ((*found)->size() == tls::kKeyBytes) return tls::Key::From(**found);
    return MakeStatus(StatusCode::kDataLoss,
                      "the record unknown_names of the control store is not of 32 bytes");
  }
  tls::Key made = tls::Key::Random();
  Status written = store_->Put(kUnknownNamesKey, made.view());
  if (!written.ok()) return written;
  return StatusOr<tls::Key>(std::move(made));
}

}  // namespace ringpost::app
