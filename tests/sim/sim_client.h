// SimClient: a simulated sender: one connection at a time, several messages, by the seed's whims:
// DATA or BDAT in one chunk or several, requests for reports, recipients that must be refused,
// bodies that must be refused, rubbish between commands, resets and disappearances at any state,
// senders that fall silent, do not read, or close their half once all is sent.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/reactor/sim_io.h"
#include "tests/sim/sim_ledger.h"
#include "tests/sim/sim_talk.h"

namespace ringpost::sim {

// What the gateway of a run is configured for, as far as clients must know it.
inline constexpr uint64_t kMessageBytesMax = 300'000;
inline constexpr std::string_view kUnroutableDomain = "nowhere.invalid";
inline constexpr uint64_t kDomains = 5;  // d0.example.net and so on

class SimClient {
 public:
  struct Task {
    int first_number = 0;
    int messages = 0;
    Seconds lifetime{};             // of the gateway's messages
    const TlsSetup* tls = nullptr;  // for STARTTLS, where it is offered
  };
  SimClient(reactor::SimWorld* world, const Endpoint& server, SimLedger* ledger, const Task& task,
            uint64_t seed);

  // Acts on what has come; called again and again.
  void Act();
  bool done() const { return left_ == 0 && !peer_; }
  // The server's process is gone: what was not answered never will be.
  void ServerDied();

 private:
  enum class Phase : uint8_t {
    kGreeting,
    kHello,
    kStartTls,
    kReady,
    kEnvelope,
    kData,
    kFinal,
    kQuit
  };

  void Connect();
  void HangUp();
  bool Misbehave();
  void Begin();
  void DrawMessage();
  void AddRecipients(std::string* group);
  std::string DrawBody();
  void SendBody();
  void SendHalf();
  std::string AsChunks();
  bool TakeReply(std::string* reply);
  void OnReply(const std::string& reply);
  void OnHello(const std::string& reply);
  void OnEnvelopeReply(const std::string& reply);
  void OnFinalReply(const std::string& reply);
  void Finish(Told told);
  static std::string Stuff(const std::string& body);

  reactor::SimWorld* world_;
  Endpoint server_;
  SimLedger* ledger_;
  Task task_;
  Random random_;
  std::unique_ptr<SimTalk> peer_;
  std::string unread_;
  Phase phase_ = Phase::kGreeting;
  int number_;
  int left_;
  bool silent_ = false;  // until the server has had enough
  SentMessage message_;
  std::vector<std::string> asked_;  // RCPTs in order
  size_t replies_ = 0;              // to the envelope's group so far
  bool sender_refused_ = false;
  bool use_bdat_ = false;
  size_t chunks_due_ = 0;  // replies to BDAT still to come
};

}  // namespace ringpost::sim
