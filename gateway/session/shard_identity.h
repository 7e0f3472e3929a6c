// ShardIdentity: what a shard knows of who may send: one for all of its regions, since credentials
// are global.
//
// The directory is replaced as a whole (SetDirectory); who is in the middle of a transaction keeps
// the one it began with. Passwords are not here: their records are in the control store, behind
// PasswordSource, which workers ask.
//
// Threads: the shard's own, but for PasswordSource.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "gateway/base/status.h"
#include "gateway/base/worker_pool.h"
#include "gateway/identity/directory.h"
#include "gateway/identity/login_throttle.h"
#include "gateway/identity/password_record.h"
#include "gateway/identity/verified_cache.h"
#include "gateway/session/password_records.h"
#include "gateway/session/password_turns.h"

namespace ringpost::session {

// Where the records of passwords are. Threads: any, several at once; may wait for a disk.
class PasswordSource {
 public:
  virtual ~PasswordSource() = default;
  // Nothing: the credential has none, or there is no such credential. Not OK: our own trouble.
  virtual StatusOr<std::optional<identity::PasswordRecord>> Read(uint32_t credential) = 0;
};

// One for the process; outlives every shard.
struct LoginShared {
  PasswordSource* passwords = nullptr;
  WorkerPool* workers = nullptr;
  const identity::UnknownNames* unknown_names = nullptr;
};

struct ShardIdentity {
  // `shared`: null: no password is right here.
  explicit ShardIdentity(const LoginShared* shared_by_all) : shared(shared_by_all) {}

  void SetDirectory(std::shared_ptr<const identity::Directory> changed) {
    directory = std::move(changed);
    ++version;
  }

  const LoginShared* shared;
  std::shared_ptr<const identity::Directory> directory = identity::Directory::Empty();
  uint64_t version = 0;  // of the directory: another number, another directory
  identity::LoginThrottle throttle;
  identity::VerifiedCache verified;
  PasswordRecords records;  // by name
  PasswordTurns turns;
};

}  // namespace ringpost::session
