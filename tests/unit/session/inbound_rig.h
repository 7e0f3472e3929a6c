// InboundRig: an InboundService on a simulated shard with a memory store, and scripted clients.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/reactor/sim_io.h"
#include "gateway/reactor/stream.h"
#include "gateway/session/inbound_service.h"
#include "gateway/session/shard_identity.h"
#include "storage/sim/memory_spool.h"

namespace ringpost::session {

class LinesLog final : public Log {
 public:
  void Append(std::string_view line) override { lines.emplace_back(line); }
  // How many lines are of this event.
  size_t Count(std::string_view event) const;
  std::vector<std::string> lines;
};

class InboundRig final : public reactor::Listener::Handler {
 public:
  explicit InboundRig(uint64_t seed = 1, reactor::SimFaults faults = reactor::SimFaults::None(),
                      storage::MemorySpoolFaults spool_faults = {},
                      reactor::SimIoOptions io_options = {});
  ~InboundRig();  // ends every session and checks that nothing is left

  // Change it before the first Connect.
  ListenerPolicy& policy() { return *policy_; }

  std::unique_ptr<reactor::SimPeer> Connect(std::string_view from = "192.0.2.9");
  // Steps the world and the store; false where `done` did not come.
  bool RunUntil(const std::function<bool()>& done, int steps_max = 400'000);
  void RunFor(Millis span);
  // The next whole reply, its lines as they came; "" where the connection ended without one.
  std::string Reply(reactor::SimPeer& peer);
  // Writes `line` and CRLF, and takes the reply.
  std::string Say(reactor::SimPeer& peer, std::string_view line);
  // A session up to and with the reply to EHLO.
  std::unique_ptr<reactor::SimPeer> Greeted(std::string_view from = "192.0.2.9");
  // MAIL, one RCPT, DATA, `body` and the final dot; the final reply.
  std::string Send(reactor::SimPeer& peer, std::string_view body);

  static constexpr std::string_view kServer = "192.0.2.1:25";

  reactor::SimWorld world;
  reactor::SimIo io;
  storage::MemorySpool spool;
  LinesLog log;
  InboundShared shared;
  RegionContext region;
  ShardIdentity identity{nullptr};  // nobody can log in, unless there is a `shared`
  std::unique_ptr<InboundService> service;
  std::vector<std::unique_ptr<storage::NewMessage>> admitted;
  // The body of an admitted message, trace included.
  static std::string TextOf(const storage::NewMessage& message);
  // The body of a message whose body went ahead in chunks, read back from the store.
  std::string StoredBody(const storage::NewMessage& message);

 private:
  void OnAccept(int fd) override { service->Accept(fd, policy_); }

  std::shared_ptr<ListenerPolicy> policy_;
  int listen_fd_;
  // The store counts in ticks: while it has work the clock must not leap to the next time-out.
  reactor::Timer pace_{[](reactor::Timer*) {}};
  std::unique_ptr<reactor::Listener> listener_;
};

}  // namespace ringpost::session
