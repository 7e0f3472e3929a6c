// SimLedger: the oracle of the simulation: what was promised to clients, what came out at next
// hops, and what of it was for a reason.
//
// Every message a simulated client sends carries a number ("X-Sim: N"), and each of its recipients
// is a mailbox of its own ("r2.N@d1.example.net"). Clients note what they were told, next hops what
// they took, refused and left in doubt, the operator what was asked. At the end of a run:
//   - a message that was acknowledged (250) came out at each of its recipients, or its sender got a
//     report of it, or it lies held in the store. Without a word to anybody it ends only where that
//     was asked: NOTIFY=NEVER, a null reverse-path, an operator's delete; or where the report
//     itself could not be brought to anybody in its own lifetime;
//   - a message that was refused for good (5xx at any stage), refused before its data, or whose
//     client never finished its data came out nowhere; nor did one that had to be refused (a bare
//     newline, a loop, too large) and was not;
//   - one answered 4xx after its data may come out: counted;
//   - nothing comes out changed, for a stranger, or with another reverse-path;
//   - its DKIM signature verifies, where it has one, and it has one where there always are keys;
//   - each second copy has a cause of its own: a connection that ended between a next hop's taking
//     the message and its 250's being understood, or a power cut before the outcome was stored;
//   - a report of failure has a cause (a next hop's 5xx, the message's lifetime, an operator) and
//   is
//     made once;
//   - what an operator deleted does not come out afterwards.
// The first thing wrong is kept and is the verdict.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/time.h"
#include "tests/sim/sim_signing.h"

namespace ringpost::sim {

enum class Told : uint8_t {
  kNothing,       // all of it was sent, and no answer came
  kAcknowledged,  // 250
  kRefused,       // 5xx
  kTempFailed,    // 4xx after end of data
  kUnfinished,    // the server can't have all of it, or said 4xx before it had
};

// A message as its client knows it.
struct SentMessage {
  std::string body;                        // header and text as sent
  std::string sender;                      // reverse-path; may be empty
  std::map<std::string, bool> recipients;  // accepted by RCPT; true: NOTIFY=NEVER
  bool must_be_refused = false;
  WallTime deadline;  // not earlier than the gateway's own
};

class SimLedger {
 public:
  // How the run ends for a recipient whose message is held in the store.
  using HeldFn = std::function<bool(const std::string& recipient)>;

  // Before all else.
  void Expect(Signing signing) { signing_ = signing; }

  // Clients.
  void Sent(int number, SentMessage message);
  void Heard(int number, Told told);

  // Next hops. Arrived: accepted with 250 to its data, or without a word before the connection
  // broke.
  void Arrived(std::string_view content, const std::string& reverse_path,
               const std::set<std::string>& recipients, WallTime now);
  // The gateway may not know that these were taken: each may come once more.
  void LeftInDoubt(const std::set<std::string>& recipients);
  void RefusedForGood(const std::string& recipient, WallTime now);
  void RefusedSender(const std::string& reverse_path, WallTime now);  // 5xx to MAIL

  // The operator: asked to bounce or delete (parts of) a message; and a domain's part is deleted.
  void AskedToBounce(int number);
  void AskedToDelete(int number);
  void Deleted(int number, const std::string& domain);

  // After a power cut, the recipients that the store still has open.
  void PowerCut(const std::vector<std::string>& open);

  // Everything that was acknowledged has come to its end.
  bool Settled(const HeldFn& held, WallTime now) const;
  // Empty where all is well; else what is wrong, in words.
  std::string Verdict(const HeldFn& held, WallTime now) const;

  // A message that was acknowledged and has recipients without a copy, or -1; for the operator.
  int SomeOpen(uint64_t choice) const;
  static int NumberOf(std::string_view address);
  static std::string DomainOf(std::string_view address);
  static std::string SenderOf(int number) { return "s." + std::to_string(number) + "@example.com"; }

  uint64_t Count(Told told) const;
  uint64_t temp_failed_but_out() const;
  uint64_t held(const HeldFn& held) const;
  uint64_t duplicates() const { return duplicates_; }
  uint64_t reports() const { return reports_; }
  uint64_t in_doubt() const { return in_doubt_; }
  // Of all that was noted, in order: equal for equal runs.
  uint64_t digest() const { return digest_; }

 private:
  struct Recipient {
    bool never = false;  // NOTIFY=NEVER
    uint32_t copies = 0;
    uint32_t doubts = 0;              // copies that may be repeated
    bool refused = false;             // for good, by a next hop
    WallTime refused_at;              // the last time
    bool deleted = false;             // by an operator
    std::set<std::string> failed_by;  // Message-IDs of reports of failure
  };
  struct Message {
    SentMessage sent;
    std::map<std::string, Recipient> recipients;
    Told told = Told::kNothing;
    bool asked_to_bounce = false;
    bool asked_to_delete = false;
  };

  void Wrong(std::string what);
  void Note(std::string_view what);
  Message* Find(int number);
  Recipient* FindRecipient(const std::string& address);
  void ReportArrived(std::string_view content, const std::set<std::string>& recipients,
                     WallTime now);
  void Reported(const std::string& address, const std::string& action, const std::string& report_id,
                const std::set<std::string>& to, WallTime now);
  static bool MayFail(const Message& message, const Recipient& recipient, WallTime now);
  static bool AtItsEnd(const Message& message, const std::string& address,
                       const Recipient& recipient, const HeldFn& held, WallTime now);

  Signing signing_ = Signing::kNever;
  std::map<int, Message> messages_;
  std::string first_wrong_;
  uint64_t duplicates_ = 0;
  uint64_t reports_ = 0;
  uint64_t in_doubt_ = 0;
  uint64_t digest_ = 0xCBF29CE484222325u;
};

}  // namespace ringpost::sim
