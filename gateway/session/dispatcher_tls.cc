// TLS with mail exchangers: what domains' policies ask for, and what came of it, for the log and
// for reports (RFC 8460).
#include <utility>

#include "gateway/dns/dns_limits.h"
#include "gateway/session/dispatcher_core.h"
#include "gateway/session/tls_outcomes.h"

namespace ringpost::session {
namespace {

using mail::TlsResult;
using What = TlsOutcomeSeen::What;

std::shared_ptr<const mail::TlsPolicy> AsReported(const HeldStsPolicy& held) {
  auto policy = std::make_shared<mail::TlsPolicy>();
  policy->type = mail::TlsPolicyType::kSts;
  policy->strings = held.policy.Lines();
  policy->mx_hosts = held.policy.mx;
  return policy;
}

std::shared_ptr<const mail::TlsPolicy> TlsaAsReported(const std::string& host,
                                                      const dns::TlsaSet& tlsa) {
  auto policy = std::make_shared<mail::TlsPolicy>();
  policy->type = mail::TlsPolicyType::kTlsa;
  policy->domain = tlsa.base_domain.empty() ? host : tlsa.base_domain;
  if (tlsa.policy) {
    for (const TlsaRecord& record : tlsa.policy->records) {
      policy->strings.push_back(TlsaText(record));
    }
  }
  return policy;
}

TlsResult ResultOf(StsFailure failure) {
  switch (failure) {
    case StsFailure::kNone:
      break;
    case StsFailure::kFetch:
      return TlsResult::kStsPolicyFetchError;
    case StsFailure::kInvalid:
      return TlsResult::kStsPolicyInvalid;
    case StsFailure::kWebPki:
      return TlsResult::kStsWebpkiInvalid;
  }
  return TlsResult::kSuccess;
}

TlsResult ResultOf(tls::PeerFault fault) {
  if (fault == tls::PeerFault::kNone) return TlsResult::kSuccess;
  return mail::TlsResultOf(tls::ReportResultType(fault)).value_or(TlsResult::kValidationFailure);
}

// `proof_wanted`: the policy asks who the server is.
TlsResult ResultOf(const TlsOutcomeSeen& seen, bool proof_wanted) {
  if (seen.what == What::kNotOffered) return TlsResult::kStarttlsNotSupported;
  TlsResult by_fault = ResultOf(seen.fault);
  if (seen.what == What::kSecured) return proof_wanted ? by_fault : TlsResult::kSuccess;
  return by_fault == TlsResult::kSuccess ? TlsResult::kValidationFailure : by_fault;
}

}  // namespace

void DispatcherCore::KeepPolicy(const std::string& domain, const StsVerdict& policy) {
  if (policy.failure != StsFailure::kNone) {
    LogLine(io_->wall_now(), "sts_policy_not_had")
        .Text("to_domain", domain)
        .Text("result", StsFailureName(policy.failure))
        .Text("reason", policy.words)
        .To(*region_->log);
    // Where none was ever seen the report says that there is none, and why (RFC 8460 section 4.4).
    RecordTls(domain, policy.policy ? AsReported(*policy.policy) : nullptr,
              {.result = ResultOf(policy.failure), .reason = policy.words});
  }
  if (policy.outcome != StsVerdict::Outcome::kPolicy) {
    sts_policies_.erase(domain);
    return;
  }
  auto kept = sts_policies_.find(domain);
  if (kept != sts_policies_.end() && kept->second.held == policy.policy) return;
  if (sts_policies_.size() >= dns::limits::kStsPoliciesPerShardMax) sts_policies_.clear();
  sts_policies_[domain] = {policy.policy, AsReported(*policy.policy)};
}

// Null: the domain has none, or it is only tried out.
const dns::StsPolicy* DispatcherCore::EnforcedPolicy(const std::string& domain) const {
  auto kept = sts_policies_.find(domain);
  if (kept == sts_policies_.end()) return nullptr;
  const dns::StsPolicy& policy = kept->second.held->policy;
  return policy.mode == dns::StsMode::kEnforce ? &policy : nullptr;
}

void DispatcherCore::OnTlsOutcome(OutboundConnection* connection, const TlsOutcomeSeen& seen) {
  const Site& site = *sites_[connection->site()];
  if (!site.by_mx || connection->for_domain.empty()) return;
  const delivery::HopHealth::Hop& hop = site.health.hops()[connection->hop_index];
  using Tlsa = dns::TlsaSet::Outcome;
  mail::TlsEvent event{.mx_host = hop.next_hop.host, .reason = std::string(seen.reason)};
  event.receiving_address = connection->peer().address;
  std::shared_ptr<const mail::TlsPolicy> policy;
  auto sts = sts_policies_.find(connection->for_domain);
  if (hop.tlsa.outcome == Tlsa::kUsable || hop.tlsa.outcome == Tlsa::kUnusable) {
    policy = TlsaAsReported(hop.next_hop.host, hop.tlsa);
    event.result = ResultOf(seen, hop.tlsa.outcome == Tlsa::kUsable);
    bool unusable = hop.tlsa.outcome == Tlsa::kUnusable;
    if (unusable && event.result == TlsResult::kSuccess) event.result = TlsResult::kTlsaInvalid;
  } else if (sts != sts_policies_.end()) {
    policy = sts->second.as_reported;
    event.result = ResultOf(seen, true);
    if (event.result == TlsResult::kSuccess &&
        !sts->second.held->policy.Allows(hop.next_hop.host)) {
      event.result = TlsResult::kValidationFailure;  // in testing mode
      event.reason = "not named by the policy";
    }
  } else {
    event.result = ResultOf(seen, false);
  }
  RecordTls(connection->for_domain, std::move(policy), std::move(event));
}

// What is known of the host's TLSA records is that they cannot be had.
void DispatcherCore::RecordNoTlsa(const Site& site, const Site::Lookup& lookup) {
  std::string_view domain = schedule_.FrontDomain(lookup.site);
  if (!site.by_mx || domain.empty()) return;
  RecordTls(
      domain, TlsaAsReported(lookup.host, lookup.tlsa),
      {.result = TlsResult::kDnssecInvalid, .mx_host = lookup.host, .reason = lookup.tlsa.words});
}

void DispatcherCore::RecordTls(std::string_view domain,
                               std::shared_ptr<const mail::TlsPolicy> policy,
                               mail::TlsEvent event) {
  if (policy && event.result != TlsResult::kSuccess) {
    LogLine(io_->wall_now(), "tls_policy_failed")
        .Text("to_domain", domain)
        .Text("policy", mail::NameOf(policy->type))
        .Text("result", mail::NameOf(event.result))
        .Text("exchanger", event.mx_host)
        .Text("reason", event.reason)
        .To(*region_->log);
  }
  if (!region_->tls_outcomes) return;
  region_->tls_outcomes->Record({.domain = std::string(domain),
                                 .policy = std::move(policy),
                                 .event = std::move(event),
                                 .at = io_->wall_now()});
}

}  // namespace ringpost::session
