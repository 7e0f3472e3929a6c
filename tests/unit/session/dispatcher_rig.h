// DispatcherRig: a Dispatcher on the simulated ring and the memory store, with next hops that do as
// told.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/base/worker_pool.h"
#include "gateway/delivery/config.h"
#include "gateway/delivery/site_budget.h"
#include "gateway/reactor/sim_io.h"
#include "gateway/session/dispatcher.h"
#include "gateway/smtp/envelope.h"
#include "storage/sim/memory_spool.h"
#include "tests/unit/tls/tls_pair.h"

namespace ringpost::session {

class RecordingLog final : public Log {
 public:
  void Append(std::string_view line) override { lines.emplace_back(line); }
  // Lines of this event, in order.
  std::vector<std::string> Of(std::string_view event) const;
  static std::string Field(const std::string& line, std::string_view name);
  std::vector<std::string> lines;
};

struct HopMessage {
  std::string from;                     // MAIL's argument, parameters included
  std::vector<std::string> recipients;  // RCPT's
  std::string content;                  // un-stuffed
  std::string tls;                      // its version; empty: in clear
  bool resumed = false;
  int connection = 0;
  WallTime at;
};

// A next hop. Its behaviour can be changed at any time.
class ScriptedHop {
 public:
  // What to answer to a command ("EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "." or
  // "greeting"); empty: yes. "drop": close without a word; "silence": nothing, for ever; "garbage":
  // bytes that are no record, under TLS too.
  using Answer = std::function<std::string(std::string_view command, std::string_view line)>;

  ScriptedHop(reactor::SimWorld* world, const std::string& endpoint);
  ~ScriptedHop();

  void SetUp(bool up);
  // False: new connections are refused; those that are open go on.
  void SetListening(bool on);
  Answer answer = [](std::string_view, std::string_view) { return std::string(); };
  std::vector<std::string> extensions = {"PIPELINING", "8BITMIME", "SIZE 10000000"};
  // Not null: STARTTLS is offered, or (implicit) comes first.
  std::shared_ptr<const tls::ServerContext> tls;
  bool implicit_tls = false;
  // What is sent in the place of a handshake.
  std::string spoiled_handshake;
  std::vector<HopMessage> messages;
  int connections = 0;
  std::vector<WallTime> connected_at;
  int transactions_begun = 0;
  const std::string endpoint;

  // How often `recipient` came out.
  int Count(std::string_view recipient) const;

 private:
  struct Session {
    std::unique_ptr<reactor::SimPeer> peer;
    tls::Side secured;  // without a connection: in clear
    std::string unread;
    HopMessage message;
    bool in_mail = false;
    bool in_data = false;
    bool mute = false;
    bool over = false;
  };
  void Serve(std::unique_ptr<reactor::SimPeer> peer);
  void BeginTls(Session* session);
  static void Write(Session* session, const std::string& bytes);
  void OnActivity(Session* session);
  void OnLine(Session* session, std::string line);
  void OnDataLine(Session* session, std::string line);
  void Say(Session* session, std::string_view command, std::string_view line,
           const std::string& yes, const std::function<void()>& on_yes);

  reactor::SimWorld* world_;
  std::list<Session> sessions_;
  bool up_ = false;
};

struct Sent {
  std::string from = "sender@example.com";
  std::vector<std::string> to = {"a@one.example"};
  std::string body = "Subject: test\r\n\r\nHello.\r\n";
  uint8_t notify = 0;
  bool body_8bit = false;
  smtp::BodyType declared = smtp::BodyType::k7Bit;
  Millis lifetime = Seconds(5 * 86'400);
  bool require_tls = false;
  uint32_t account = 0, credential = 0;  // whose it is
  bool bulk = false;
  std::string signing_domain;  // as the inbound side would have found it in From
};

class DispatcherRig {
 public:
  explicit DispatcherRig(uint64_t seed, reactor::SimFaults faults = reactor::SimFaults::None(),
                         storage::MemorySpoolFaults spool_faults = {});
  ~DispatcherRig();

  // Routes as {domain, hops}; hops in order of preference. Begins (or reloads) with them.
  void Route(std::vector<std::pair<std::string, std::vector<std::string>>> routes);
  void RouteTo(delivery::Route route);
  // Accepts a message as the inbound side would: stored, then admitted.
  MessageId Send(const Sent& sent);
  // A process that ends and begins again: what is stored is all that is left.
  void Restart(bool power_cut = false);
  QueueCommand Ask(QueueCommand command);

  bool RunUntil(const std::function<bool()>& done, int steps = 400'000);
  void RunFor(Millis span);
  bool Settled();  // nothing queued, nothing in flight

  reactor::SimWorld world;
  storage::MemorySpool spool;
  RecordingLog log;
  std::unique_ptr<reactor::SimIo> io;
  RegionContext region;
  delivery::SiteBudgets budgets;
  delivery::DeliveryConfig config;
  std::unique_ptr<Dispatcher> dispatcher;
  // They do one job a step, but where they are to be busy with something else.
  WorkerPool signers{"test", 0, 4};
  bool signers_busy = false;

 private:
  void UseRoutes(std::vector<delivery::Route> table);
  void Begin();
  void End();
  std::shared_ptr<const delivery::DeliveryConfig> Snapshot() const {
    return std::make_shared<delivery::DeliveryConfig>(config);
  }
  bool Step();
  bool answered_ = false;
  // The store counts in ticks: while it has work the clock must not leap to the next time-out.
  std::unique_ptr<reactor::Timer> pace_;
};

}  // namespace ringpost::session
