// SimNextHop: a simulated next hop that takes mail and fails by the seed: 4xx and 5xx at every
// command, drops at every state, with and without the extensions, replies that break the grammar or
// off in the middle, and moods in which it takes nothing for a while.
#pragma once

#include <list>
#include <memory>
#include <set>
#include <string>

#include "gateway/reactor/sim_io.h"
#include "tests/sim/sim_ledger.h"
#include "tests/sim/sim_talk.h"

namespace ringpost::sim {

class SimNextHop {
 public:
  enum class Mood : uint8_t {
    kUsual,
    kBusy,    // 4xx to every MAIL
    kSilent,  // says nothing more, neither to new connections
    kDeaf,    // reads nothing more: what is sent to it fills the pipe
    kAway,    // refuses connections
    kLost,    // connects neither succeed nor fail
  };
  static constexpr uint64_t kMoods = 6;

  SimNextHop(reactor::SimWorld* world, const Endpoint& local, SimLedger* ledger,
             const TlsSetup* tls, uint64_t seed);
  ~SimNextHop();

  void SetMood(Mood mood);
  // From now on it refuses nothing and breaks nothing: what is queued can leave.
  void BecomeKind();
  void Tidy();  // forgets connections that have ended
  // The end of the world: nobody will say whether what was taken last is known.
  void EndAll();

 private:
  struct Session {
    std::unique_ptr<SimTalk> peer;
    std::string unread;
    std::string content;
    std::string reverse_path;
    std::set<std::string> recipients;
    std::set<std::string> in_doubt;  // taken, and no command has shown yet that we know
    size_t bdat_left = 0;
    bool bdat_last = false;
    bool in_data = false;
    bool over = false;
    bool refused_sender = false;
    bool final_said = false;  // the reply to what is in doubt was sent
  };

  void Serve();
  void OnActivity(Session* session);
  bool ConsumeLine(Session* session);
  bool ConsumeData(Session* session);
  bool ConsumeBdat(Session* session);
  void OnCommand(Session* session, const std::string& line);
  void OnHello(Session* session);
  void OnMail(Session* session, const std::string& line);
  void OnRecipient(Session* session, const std::string& line);
  void OnStartTls(Session* session);
  void OnBdat(Session* session, const std::string& line);
  void EndOfMessage(Session* session);
  void End(Session* session);
  void Say(Session* session, const std::string& line);
  bool Chance(uint64_t one_in) { return !kind_ && random_.OneIn(one_in); }

  reactor::SimWorld* world_;
  Endpoint local_;
  SimLedger* ledger_;
  const TlsSetup* tls_;
  Random random_;
  Mood mood_ = Mood::kUsual;
  bool kind_ = false;
  std::list<Session> sessions_;
};

}  // namespace ringpost::sim
