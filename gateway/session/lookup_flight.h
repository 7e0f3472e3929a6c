// LookupFlight: all requests of a MailLookup for one thing, from the first question to the replies:
// what is to be asked next, and what is said when all is known. It asks nobody itself.
//
//   kExchangers  MX, and the TXT record of MTA-STS where policies are wanted; then, where there are
//                hosts, the domain's policy
//   kAddresses   AAAA and A
//   kDane        these, and then what dns/dane_lookup.h wants to know
//
// Private to MailLookup, whose lock guards `askers`, `in_work` and the place among those that wait;
// the rest is its thread's alone, from the moment on that the flight is in work.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/inbox.h"
#include "gateway/base/time.h"
#include "gateway/delivery/target_addresses.h"
#include "gateway/dns/answer.h"
#include "gateway/dns/dane_lookup.h"
#include "gateway/session/mail_lookup.h"

namespace ringpost::session {

class LookupFlight {
 public:
  enum class Kind : uint8_t { kExchangers, kAddresses, kDane };
  // What the replies go by, besides the answers.
  struct Rules {
    std::vector<std::string> own_names;
    delivery::TargetAddresses targets;
    bool policies = false;  // of MTA-STS are asked for
  };

  LookupFlight(Kind kind, std::string name, const Rules* rules)
      : kind_(kind), name_(std::move(name)), rules_(rules) {}

  Kind kind() const { return kind_; }
  const std::string& name() const { return name_; }

  // All that is asked at once, to begin with.
  std::vector<dns::Question> First() const;

  enum class Next : uint8_t {
    kWait,    // more answers are on their way
    kAsk,     // question()
    kPolicy,  // of the domain name(), whose TXT answer is txt(): SetPolicy
    kDone,
  };
  // After each answer, and after SetPolicy.
  Next Take(dns::Answer answer);
  const dns::Question& question() const { return *dane_->next(); }
  const dns::Answer& txt() const { return Of(dns::RecordType::kTxt); }
  Next SetPolicy(StsVerdict policy);
  // Everything asked has failed so.
  void Fail(std::string_view words, dns::Answer::Failure failure);

  // Of kDone, or failed: writes what was found into the requests, and posts them.
  void Reply() const;

  std::vector<Posted*> askers;  // of its kind; in work there may be none any more
  bool in_work = false;
  std::list<LookupFlight*>::iterator place;  // among those that wait
  MonoTime due;                              // it waits for no longer
  size_t reserved = 0;                       // questions that it has room for

 private:
  const dns::Answer& Of(dns::RecordType type) const;
  Next AfterAnswers();
  void ReplyExchangers() const;
  void ReplyAddresses() const;

  const Kind kind_;
  const std::string name_;  // canonical
  const Rules* rules_;
  std::vector<dns::Answer> answers_;  // to First
  std::optional<dns::DaneLookup> dane_;
  StsVerdict policy_;
};

}  // namespace ringpost::session
