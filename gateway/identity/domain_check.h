// What DNS shows of a sender domain: what to ask, and what the answers mean, in words.
//
// A domain is verified when all aliases that it needs lead where they should. A right answer that
// says otherwise makes it broken (pending, as long as it never was verified). A failure of DNS
// (SERVFAIL, a time-out, bogus signatures) is no answer: the state stays as it is, and the words
// say so; it is asked again soon. The alias may take more steps than one, as long as our name is
// one of them.
//
// Pure: answers and the time are arguments. Threads: functions; any.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/time.h"
#include "gateway/dns/answer.h"
#include "gateway/identity/key_rotation.h"
#include "gateway/identity/sender_domain.h"

namespace ringpost::identity {

// Two for each record to be published: the alias by itself, and what is behind it.
std::vector<dns::Question> DomainQuestions(const SenderDomain& domain,
                                           std::string_view operator_zone);

struct DomainVerdict {
  SenderDomain domain;           // with the new state, words and times
  std::vector<KeySight> sights;  // of each slot, for Rotate
  bool state_changed = false;
};

// `answers`: to DomainQuestions, in their order. `key_texts` as for ZoneRecords.
DomainVerdict JudgeDomain(const SenderDomain& domain, std::string_view operator_zone,
                          std::span<const std::string> key_texts,
                          std::span<const dns::Answer> answers, WallTime now);

}  // namespace ringpost::identity
