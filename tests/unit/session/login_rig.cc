#include "tests/unit/session/login_rig.h"

#include <gtest/gtest.h>

#include <semaphore>
#include <thread>

#include "gateway/smtp/base64.h"
#include "gateway/tls/password_hash.h"

namespace ringpost::session {
namespace {

std::string Base64(std::string_view bytes) {
  std::string out;
  smtp::AppendBase64(bytes, &out);
  return out;
}

std::string FromBase64(std::string_view text) {
  std::string out;
  EXPECT_TRUE(smtp::DecodeBase64(text, &out)) << text;
  return out;
}

bool IsWhole(std::string_view text) {
  if (!text.ends_with("\r\n")) return false;
  size_t before = text.substr(0, text.size() - 2).rfind("\r\n");
  return text[(before == std::string_view::npos ? 0 : before + 2) + 3] == ' ';
}

// "r=" of "r=...,s=...,i=...".
std::string Attribute(std::string_view message, char name) {
  std::string wanted{name, '='};
  size_t at = message.starts_with(wanted) ? 0 : message.find("," + wanted) + 1;
  message.remove_prefix(at + 2);
  return std::string(message.substr(0, message.find(',')));
}

}  // namespace

StatusOr<std::optional<identity::PasswordRecord>> FakePasswords::Read(uint32_t credential) {
  std::lock_guard lock(mutex_);
  asked_.push_back(credential);
  if (!status_.ok()) return status_;
  auto found = records_.find(credential);
  std::optional<identity::PasswordRecord> record;
  if (found != records_.end()) record = found->second;
  return record;
}

void FakePasswords::Set(uint32_t credential, std::string_view password, uint32_t iterations) {
  identity::PasswordSalt salt;
  tls::RandomBytes(salt);
  auto record = identity::PasswordRecord::Make(password, salt, iterations);
  std::lock_guard lock(mutex_);
  records_[credential] = record;
}

void FakePasswords::Copy(uint32_t from, uint32_t to) {
  std::lock_guard lock(mutex_);
  records_[to] = records_.at(from);
}

void FakePasswords::Fail(Status status) {
  std::lock_guard lock(mutex_);
  status_ = std::move(status);
}

std::vector<uint32_t> FakePasswords::asked() {
  std::lock_guard lock(mutex_);
  return asked_;
}

struct LoginRig::Blocker : WorkerPool::Job {
  std::binary_semaphore begun{0}, go{0};
  Inbox inbox;
  bool released = false;
};

std::vector<LoginUser> LoginRig::Tim() {
  return {{.id = 7, .name = "tim", .password = "a right password"}};
}

LoginRig::LoginRig(const std::vector<LoginUser>& users, size_t jobs_max)
    : workers_("test-password", 1, jobs_max) {
  shared_ = {&passwords, &workers_, &unknown_names_};
  rig.identity.shared = &shared_;
  for (const LoginUser& user : users) {
    if (!user.password.empty()) passwords.Set(user.id, user.password, kIterations);
  }
  SetUsers(users);
  rig.policy().smtp.auth = smtp::Auth::kAlsoInClear;
}

LoginRig::~LoginRig() {
  for (auto& blocker : held_) {
    if (!blocker->released) blocker->go.release();
  }
  AwaitWorker();
}

void LoginRig::SetUsers(const std::vector<LoginUser>& users) {
  identity::Directory::Builder builder;
  for (uint32_t account : {1u, 2u}) {
    identity::Account made;
    made.id = account;
    made.name = "account " + std::to_string(account);
    made.suspended = account == 2;
    for (const LoginUser& user : users) {
      if (user.ramp.limited()) made.ramp = user.ramp;
    }
    builder.PutAccount(made);
  }
  for (const LoginUser& user : users) {
    identity::CredentialSettings settings = user.settings;
    if (!user.network.empty()) {
      auto networks = std::make_shared<identity::NetworkList>();
      networks->Add(*IpNetwork::Parse(user.network));
      settings.networks = networks;
    }
    Status added = builder.Add({.id = user.id,
                                .account = user.suspended ? 2u : 1u,
                                .kind = identity::CredentialKind::kUser,
                                .status = user.status,
                                .name = user.name,
                                .settings = builder.AddSettings(settings)});
    EXPECT_TRUE(added.ok()) << added;
  }
  EXPECT_TRUE(builder.AddVerified(1, "client.example").ok());
  rig.identity.SetDirectory(std::move(builder).Build());
}

void LoginRig::Hold() {
  auto blocker = std::make_unique<Blocker>();
  blocker->reply_to = &blocker->inbox;
  blocker->run = [](Posted*) {};
  blocker->work = [](WorkerPool::Job* job) {
    auto* mine = static_cast<Blocker*>(job);
    mine->begun.release();
    mine->go.acquire();
  };
  EXPECT_TRUE(workers_.TrySubmit(blocker.get()));
  // The first one is out of the queue before anything else goes into it.
  if (held_.empty() || held_.back()->released) blocker->begun.acquire();
  held_.push_back(std::move(blocker));
}

void LoginRig::Release() {
  bool done = false;
  for (auto& blocker : held_) {
    if (blocker->released) continue;
    if (std::exchange(done, true)) {
      blocker->begun.acquire();
      return;
    }
    blocker->released = true;
    blocker->go.release();
    while (blocker->inbox.empty()) std::this_thread::yield();
  }
}

void LoginRig::AwaitWorker() {
  Blocker last;
  last.reply_to = &done_;
  last.run = [](Posted*) {};
  last.work = [](WorkerPool::Job*) {};
  while (!workers_.TrySubmit(&last)) std::this_thread::yield();
  while (done_.empty()) std::this_thread::yield();
  done_.TakeAll();
}

std::string LoginRig::Reply(reactor::SimPeer& peer) {
  std::string text;
  for (int i = 0; i < 100 && !IsWhole(text) && !peer.ended(); ++i) {
    if (i > 0) AwaitWorker();
    Run();
    text += peer.TakeReceived();
  }
  return text;
}

std::string LoginRig::Say(reactor::SimPeer& peer, std::string_view line) {
  peer.Write(std::string(line) + "\r\n");
  return Reply(peer);
}

std::string LoginRig::PlainLine(std::string_view name, std::string_view password) {
  std::string message(1, '\0');
  message.append(name).append(1, '\0').append(password);
  return "AUTH PLAIN " + Base64(message);
}

std::string LoginRig::Plain(reactor::SimPeer& peer, std::string_view name,
                            std::string_view password) {
  return Say(peer, PlainLine(name, password));
}

std::string LoginRig::Login(reactor::SimPeer& peer, std::string_view name,
                            std::string_view password) {
  EXPECT_EQ(Say(peer, "AUTH LOGIN"), "334 VXNlcm5hbWU6\r\n");
  EXPECT_EQ(Say(peer, Base64(name)), "334 UGFzc3dvcmQ6\r\n");
  return Say(peer, Base64(password));
}

std::string LoginRig::ScramFirst(reactor::SimPeer& peer, std::string_view name) {
  std::string reply =
      Say(peer, "AUTH SCRAM-SHA-256 " + Base64("n,,n=" + std::string(name) + ",r=client"));
  if (!reply.starts_with("334 ")) return reply;
  return FromBase64(reply.substr(4, reply.size() - 6));
}

// RFC 5802 section 3, as a client has it.
std::string LoginRig::ScramFinal(reactor::SimPeer& peer, std::string_view name,
                                 std::string_view password, std::string_view server_first) {
  using tls::HmacSha256;
  using tls::View;
  const std::string bare = "c=biws,r=" + Attribute(server_first, 'r');
  const std::string auth_message =
      "n=" + std::string(name) + ",r=client," + std::string(server_first) + "," + bare;
  const tls::Digest salted =
      tls::Pbkdf2Sha256(password, FromBase64(Attribute(server_first, 's')),
                        static_cast<uint32_t>(std::stoul(Attribute(server_first, 'i'))));
  tls::Digest proof = HmacSha256(View(salted), {"Client Key"});
  const tls::Digest stored = tls::Sha256Of(View(proof));
  const tls::Digest signature = HmacSha256(View(stored), {auth_message});
  for (size_t i = 0; i < proof.size(); ++i) proof[i] ^= signature[i];
  const tls::Digest server_key = HmacSha256(View(salted), {"Server Key"});
  server_signature_ = Base64(View(HmacSha256(View(server_key), {auth_message})));
  return Say(peer, Base64(bare + ",p=" + Base64(View(proof))));
}

std::string LoginRig::ScramProof(reactor::SimPeer& peer, std::string_view name,
                                 std::string_view password) {
  std::string first = ScramFirst(peer, name);
  if (!first.starts_with("r=client")) return first;
  return ScramFinal(peer, name, password, first);
}

std::string LoginRig::Scram(reactor::SimPeer& peer, std::string_view name,
                            std::string_view password) {
  std::string reply = ScramProof(peer, name, password);
  if (!reply.starts_with("334 ")) return reply;
  EXPECT_EQ(FromBase64(reply.substr(4, reply.size() - 6)), "v=" + server_signature_);
  return Say(peer, "");
}

std::string LoginRig::LastLine(std::string_view event) const {
  std::string field = "\"event\":\"" + std::string(event) + "\"";
  std::string last;
  for (const std::string& line : rig.log.lines) {
    if (line.find(field) != std::string::npos) last = line;
  }
  return last;
}

}  // namespace ringpost::session
