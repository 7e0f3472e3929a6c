// PasswordStore: the records of passwords, and what the records of names that nobody has are made
// with, in the control store (storage/FORMAT.md).
//
// Threads: any, one at a time within the control store; every call may wait for the disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gateway/base/status.h"
#include "gateway/identity/password_record.h"
#include "gateway/session/shard_identity.h"
#include "gateway/tls/aead.h"
#include "storage/control_store.h"

namespace ringpost::app {

class PasswordStore final : public session::PasswordSource {
 public:
  // `store` outlives it.
  explicit PasswordStore(storage::ControlStore* store) : store_(store) {}

  // DATA_LOSS: what is there is no record.
  StatusOr<std::optional<identity::PasswordRecord>> Read(uint32_t credential) override;
  // The record's key, "password/0000002a". The IdentityBook writes it with the credential; shards
  // go on with the old one until their directory changes.
  static std::string KeyOf(uint32_t credential);

  // Of UnknownNames: always the same, made at the first call. DATA_LOSS: it is damaged.
  StatusOr<tls::Key> UnknownNamesSecret();

 private:
  storage::ControlStore* store_;
};

}  // namespace ringpost::app
