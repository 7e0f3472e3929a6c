// What could keep a verified domain's mail out of inboxes, and is no matter of whether it may send:
// DMARC, SPF at its return path, and the names of the addresses that the gateway sends from.
//
// Advice alone: no state follows from it. What is not known is not guessed: without an address to
// send from nothing is said of its names, nor of one that others see as another (private networks).
//
// Threads: functions; any.
#pragma once

#include <string>
#include <vector>

#include "gateway/base/ip_address.h"
#include "gateway/dns/known_answers.h"

namespace ringpost::identity {

struct AdviceSubject {
  std::string domain;
  std::string return_path;         // the customer's name for it
  std::string return_path_target;  // what that has to lead to; where it does not, SPF can wait
  std::string helo;                // what the gateway calls itself in EHLO
  std::vector<IpAddress> sources;  // what the domain's mail leaves from; empty: not known
};

// Sentences; none: there is nothing to say. By what is known; what it wants to know is noted.
std::vector<std::string> SendingAdvice(const AdviceSubject& subject, dns::KnownAnswers* known);

}  // namespace ringpost::identity
