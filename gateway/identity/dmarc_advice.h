// Whether a sender domain has a DMARC policy (RFC 9989), and what is to be said of it: mailbox
// providers ask bulk senders for one. Advice alone: no domain is verified or refused by it.
//
// The policy is looked for at the domain and, where it has none, at those above it (the tree walk
// of section 4.10). Of a record no more is read than what matters here: p, sp, adkim and aspf.
//
// Threads: functions; any.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/dns/answer.h"

namespace ringpost::identity {

// "_dmarc" of the domain, and of those above it, nearest first; eight at most.
std::vector<dns::Question> DmarcQuestions(std::string_view domain);

// Sentences; none: there is nothing to say. `answers`: to DmarcQuestions, in their order. Mail of
// ours is aligned by DKIM under any policy, by SPF under a relaxed one, as the return path is a
// name below the domain.
std::vector<std::string> DmarcAdvice(std::string_view domain, std::span<const dns::Answer> answers);

}  // namespace ringpost::identity
