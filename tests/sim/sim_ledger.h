// SimLedger: the oracle of the simulation: what was promised to clients, what came out at next
// hops.
//
// Every message a simulated client sends carries a number (X-Sim: N). The client notes what it was
// told, the next hop what it accepted. At the end of a run:
//   - a message that was acknowledged (250) came out at each of its recipients, or its sender got a
//   report of it;
//   - a message that was refused for good (5xx), or whose client never finished its data, came out
//   nowhere;
//   - one answered 4xx after its data may come out: counted;
//   - nothing comes out changed;
//   - duplicates appear only where a connection or the process broke: counted, and bounded by those
//   breaks.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace ringpost::sim {

enum class Told : uint8_t { kNothing, kAcknowledged, kRefused, kTempFailed, kUnfinished };

class SimLedger {
 public:
  // A client began message `number`: its body (header and text as sent) and its recipients.
  void Sent(int number, std::string body, std::set<std::string> recipients);
  void Heard(int number, Told told);
  // A next hop accepted (250 to its data) these bytes for these recipients.
  void Arrived(std::string_view content, const std::set<std::string>& recipients);
  // It accepted, but its 250 may not have reached us: a second copy is allowed.
  void BrokeAfterAccepting() { ++breaks_; }
  void NoteCrash() { ++crashes_; }

  // Everything that was acknowledged is out or reported.
  bool Settled() const;
  // Empty where all is well; else what is wrong, in words.
  std::string Verdict() const;

  uint64_t acknowledged() const { return Count(Told::kAcknowledged); }
  uint64_t temp_failed_but_out() const;
  uint64_t duplicates() const { return duplicates_; }
  uint64_t reports() const { return reports_; }

 private:
  struct Message {
    std::string body;
    std::set<std::string> recipients;
    std::map<std::string, int> copies;
    std::set<std::string> reported;
    Told told = Told::kNothing;
  };
  uint64_t Count(Told told) const;
  void ArrivedReport(std::string_view content);

  std::map<int, Message> messages_;
  std::string first_error_;
  uint64_t breaks_ = 0;
  uint64_t crashes_ = 0;
  uint64_t duplicates_ = 0;
  uint64_t reports_ = 0;
};

}  // namespace ringpost::sim
