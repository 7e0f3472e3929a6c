// TlsOutcomes: what came of TLS in sessions with mail exchangers, on its way from the shards to who
// sums it up for reports (RFC 8460).
//
//   region_->tls_outcomes->Record({.domain = "company-y.example",      // on a shard
//                                  .policy = policy,
//                                  .event = {.result = mail::TlsResult::kSuccess},
//                                  .at = io_->wall_now()});
//   outcomes->Take([&](const TlsOutcome& outcome) { ... });            // app/tls_report_service.h
//
// What is to be recorded: each connection to a mail exchanger, once for each policy that it was
// under, for the domain whose mail it was opened for: when TLS is in place and all that the policy
// asks for was found (kSuccess), or when it is clear what failed, whether the mail then went on in
// clear or not at all. Not: connections that failed before TLS could (no connect, no 220, no reply
// to EHLO), for they say nothing of it; next hops that routes name; a connection's later messages.
// Where a policy itself could not be had (kStsPolicyFetchError, kStsPolicyInvalid,
// kStsWebpkiInvalid, kDnssecInvalid, kTlsaInvalid, kDaneRequired) that is a failure of its own, of
// the session that was to be under it. A session without any policy: `policy` is null.
//
// It costs a shard one allocation and one atomic exchange; no lock, no wake-up, no wait. At
// limits::kTlsOutcomesWaitingMax (mail/tls_report_limits.h) an outcome is dropped; lost() says how
// many were.
//
// Threads: Record from any; Take from one at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "gateway/base/inbox.h"
#include "gateway/base/time.h"
#include "gateway/mail/tls_outcome.h"

namespace ringpost::session {

struct TlsOutcome {
  // The recipients', A-labels, in any case. Mail to an address literal has none: not recorded.
  std::string domain;
  std::shared_ptr<const mail::TlsPolicy> policy;  // null: none was found
  mail::TlsEvent event;
  WallTime at;  // when it was known: it belongs to that UTC day
};

class TlsOutcomes {
 public:
  TlsOutcomes() = default;
  ~TlsOutcomes();  // what was not taken is gone
  TlsOutcomes(const TlsOutcomes&) = delete;
  TlsOutcomes& operator=(const TlsOutcomes&) = delete;

  void Record(TlsOutcome outcome);

  // All that was recorded so far, in each shard's order; how many.
  size_t Take(const std::function<void(const TlsOutcome& outcome)>& each);
  // Since the start.
  uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  struct Item;

  Inbox inbox_;
  std::atomic<uint32_t> waiting_{0};
  std::atomic<uint64_t> lost_{0};
};

}  // namespace ringpost::session
