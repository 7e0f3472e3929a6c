// LoginRig: an InboundRig whose listener offers AUTH, with users, their passwords and one worker.
//
// The worker is a real thread. Time of the simulation stands while it works: Reply waits for it.
// Between Hold and Release it does nothing, and its jobs are out for as long as a test needs.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/worker_pool.h"
#include "gateway/identity/directory.h"
#include "tests/unit/session/inbound_rig.h"

namespace ringpost::session {

class FakePasswords final : public PasswordSource {
 public:
  StatusOr<std::optional<identity::PasswordRecord>> Read(uint32_t credential) override;
  void Set(uint32_t credential, std::string_view password, uint32_t iterations);
  void Copy(uint32_t from, uint32_t to);
  void Fail(Status status);
  // Whose records were asked for, so far.
  std::vector<uint32_t> asked();

 private:
  std::mutex mutex_;
  std::map<uint32_t, identity::PasswordRecord> records_;
  std::vector<uint32_t> asked_;
  Status status_;
};

struct LoginUser {
  uint32_t id = 0;
  std::string name;
  std::string password;  // empty: none
  identity::CredentialStatus status = identity::CredentialStatus::kAllowed;
  std::string network;  // empty: any
  bool suspended = false;
  identity::CredentialSettings settings = {};  // but for its networks
  identity::Ramp ramp = {};                    // of its account
};

class LoginRig {
 public:
  static constexpr uint32_t kIterations = limits::kPasswordIterationsMin;
  static std::vector<LoginUser> Tim();  // 7, "tim", "a right password"

  explicit LoginRig(const std::vector<LoginUser>& users = Tim(), size_t jobs_max = 16);
  ~LoginRig();

  // Another directory, with these users; passwords stay as they are in `passwords`.
  void SetUsers(const std::vector<LoginUser>& users);
  // The same one as another version.
  void ChangeDirectory() { rig.identity.SetDirectory(rig.identity.directory); }

  // The worker stops at the end of its queue as it is now, until Release.
  void Hold();
  // Ends the first Hold. Where there is another, all before that is done then.
  void Release();
  // What was submitted so far is done, and waits in the shard's inbox.
  void AwaitWorker();
  // A moment of the simulation, without waiting for the worker.
  void Run() { rig.RunFor(Millis(3)); }

  // The next whole reply, whatever it takes of the worker; "" where there is none.
  std::string Reply(reactor::SimPeer& peer);
  std::string Say(reactor::SimPeer& peer, std::string_view line);
  std::string Plain(reactor::SimPeer& peer, std::string_view name, std::string_view password);
  std::string Login(reactor::SimPeer& peer, std::string_view name, std::string_view password);
  // Up to the reply to the proof, or to the name where that is refused.
  std::string ScramProof(reactor::SimPeer& peer, std::string_view name, std::string_view password);
  // All of it; that the server proves itself too is checked.
  std::string Scram(reactor::SimPeer& peer, std::string_view name, std::string_view password);
  // SCRAM's first round trip alone: the server's challenge, decoded; or the reply.
  std::string ScramFirst(reactor::SimPeer& peer, std::string_view name);
  std::string ScramFinal(reactor::SimPeer& peer, std::string_view name, std::string_view password,
                         std::string_view server_first);

  static std::string PlainLine(std::string_view name, std::string_view password);
  // The last line of the log that is of this event.
  std::string LastLine(std::string_view event) const;

  FakePasswords passwords;

 private:
  struct Blocker;
  std::vector<std::unique_ptr<Blocker>> held_;
  // AwaitWorker's. Like those above it outlives the worker, which may still look at it.
  Inbox done_;
  identity::UnknownNames unknown_names_{tls::Key::Random()};
  WorkerPool workers_;
  LoginShared shared_;
  std::string server_signature_;  // that the last proof asks for, in base64

 public:
  InboundRig rig;  // goes first
};

}  // namespace ringpost::session
