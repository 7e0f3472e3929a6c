// StsPolicies: the policies of MTA-STS (RFC 8461) that domains have, as who delivers asks for them.
//
// A policy is known from the cache, or fetched from the domain's web server when its TXT record
// (dns/mta_sts.h) names an edition that is not in the cache. A policy that was seen once counts
// until its max_age is over, whatever the DNS and the web server say meanwhile, for either may be
// in the hands of who wants it gone (section 5.1); only a policy that is fetched takes its place.
//
//   policies->Find(domain, answer to dns::StsRecordQuestion(domain), [](StsVerdict verdict) {...});
//
// Policies belong to the recipient's domain, never to a set of hosts: what one domain publishes
// must not hold up another's mail.
//
// Threads: any. `found` may be called inside of Find, or on another thread at any time after, also
// before Find has returned: hold no lock that it takes. It must not block.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/time.h"
#include "gateway/dns/answer.h"
#include "gateway/dns/mta_sts.h"

namespace ringpost::session {

// Why a policy could not be had: result types of a report (RFC 8460 section 4.3.2.2).
enum class StsFailure : uint8_t {
  kNone,
  kFetch,    // "sts-policy-fetch-error": no answer, not in time, or not with 200 and text/plain
  kInvalid,  // "sts-policy-invalid": it came, and is none
  kWebPki,   // "sts-webpki-invalid": the web server's certificate proves nothing
};
std::string_view StsFailureName(StsFailure failure);  // "" for kNone

// A policy in the cache.
struct HeldStsPolicy {
  std::string domain;     // canonical
  std::string id;         // of the TXT record for which it was fetched
  dns::StsPolicy policy;  // mode, patterns (Allows), max_age, Lines for reports
  WallTime expires;       // max_age after it was fetched last; it is fetched again before
};

struct StsVerdict {
  enum class Outcome : uint8_t {
    kNone,         // the domain has no policy, or one of mode "none"
    kPolicy,       // this one, of mode "enforce" or "testing"
    kFetchFailed,  // there is one, by the DNS, that could not be had, and none is in the cache:
                   // mail goes out as if there were none (section 3.3), and a report says so
  };
  Outcome outcome = Outcome::kNone;
  std::shared_ptr<const HeldStsPolicy> policy;  // of kPolicy, never null there
  // Of kFetchFailed. Of kPolicy too, where the last attempt to have a newer one has failed: the one
  // that is held counts, and a report may tell of both.
  StsFailure failure = StsFailure::kNone;
  std::string words;  // of the failure; may quote the stranger's server, printable
};

class StsPolicies {
 public:
  using Found = std::function<void(StsVerdict)>;

  virtual ~StsPolicies() = default;

  // `domain`: canonical (dns/name.h), the recipient's, in A-labels. `txt`: what the DNS answered to
  // dns::StsRecordQuestion(domain), a failure included. `found` is called exactly once:
  //   inside of Find  the cache has that edition; or the record is absent or unknown: what the
  //   cache
  //                   has, or kNone; or the last fetch has failed and it is too early for another;
  //                   or too many are waited for
  //   later           a policy was fetched, or could not be; limits::kStsWaitMillis of
  //                   dns/dns_limits.h after Find at the latest, with what is known by then, while
  //                   the fetch goes on
  virtual void Find(const std::string& domain, const dns::Answer& txt, Found found) = 0;
};

}  // namespace ringpost::session
