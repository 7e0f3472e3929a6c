// Classification: what a next hop's words mean for a recipient, and whether the host or the
// recipient is to blame.
//
// 2xx delivered; 4xx deferred; 5xx bounced (RFC 5321 section 4.2.1). No word at all, or one that is
// none of these: deferred, and the host is to blame. 421 is the host's (RFC 5321 section 3.8), and
// so is whatever came before EHLO was answered: that is not about any recipient, so a 5xx there
// defers too. 452 to some recipients of a transaction that others got through means too many at
// once (RFC 5321 section 4.5.3.1.10): those were not tried.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/dns/exchangers.h"
#include "gateway/smtp/reply.h"

namespace ringpost::delivery {

enum class Verdict : uint8_t { kDelivered, kDeferred, kBounced, kNotTried };

struct Classified {
  Verdict verdict = Verdict::kDeferred;
  bool host_trouble = false;
  bool in_doubt = false;  // it may have been delivered all the same
};

// `others_delivered`: a recipient of the same transaction was delivered. `in_doubt`: of the
// transaction.
Classified Classify(const smtp::Reply& reply, bool others_delivered, bool in_doubt);

// Replies of our own making, for records, logs and reports; their code is 0 where no server spoke.
smtp::Reply ExpiredReply(const smtp::Reply& last);
smtp::Reply NoRouteReply(std::string_view domain);
smtp::Reply UnreachableReply(std::string_view next_hop, std::string_view why);
// Where the DNS names no host for a domain's mail, or cannot be asked: RFC 7505 section 4.1 and
// RFC 3463. With a code of 5xx where waiting does not help. Of kNoHost too where no exchanger has
// an address.
smtp::Reply NoExchangerReply(std::string_view domain, dns::Exchangers::Outcome outcome);
// The domain's policy (MTA-STS, in force) lets none of its exchangers take its mail: RFC 8461
// section 5. Waiting may help.
smtp::Reply PolicyForbidsReply(std::string_view domain);
// The message asks for TLS all the way, to a server that proves who it is (RFC 8689 section 4.2),
// and this one does not.
smtp::Reply NotProvenReply(std::string_view next_hop);
smtp::Reply TooLargeReply(uint64_t size, uint64_t size_max);

}  // namespace ringpost::delivery
