// Bounds of what is known of TLS with mail exchangers, and of the reports on it (RFC 8460), with
// what happens at each.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringpost::mail::limits {

// --- Outcomes of sessions
// Recorded and not summed yet, over all shards; one more is dropped, and counted as lost. They are
// taken twice a second: 32,000 sessions a second are more than a gateway has.
inline constexpr uint32_t kTlsOutcomesWaitingMax = 16'384;
// Between two times that they are taken.
inline constexpr uint32_t kTlsOutcomesTakeMillis = 500;
// Bytes of a domain; an outcome of a longer one is dropped, and counted as lost. Of an exchanger's
// name and of what it calls itself; more is cut off.
inline constexpr size_t kTlsNameBytesMax = 253;
// Bytes of a failure's reason; more is cut off.
inline constexpr size_t kTlsReasonBytesMax = 200;
// Strings of a policy, its patterns of hosts, and bytes of each; what is more is left out, or cut
// off. A policy file of MTA-STS (RFC 8461 section 3.2) has four lines and one for each pattern.
inline constexpr size_t kTlsPolicyStringsMax = 64;
// As above.
inline constexpr size_t kTlsPolicyStringBytesMax = 512;

// --- Sums of a day
// Days that are kept: today, those whose reports are due, and one to look at. Older ones go.
inline constexpr size_t kTlsDaysMax = 3;
// Domains of one day; sessions of one more are counted as lost, and nobody gets a report on them.
inline constexpr size_t kTlsDomainsPerDayMax = 100'000;
// Policies of a domain in one day (each exchanger's TLSA records are one); sessions under one more
// are counted as lost.
inline constexpr size_t kTlsPoliciesPerDomainMax = 32;
// Kinds of failure of a policy in one day that are told apart; those of one more are summed by
// what failed alone, which has at most as many kinds again as there are results.
inline constexpr size_t kTlsFailuresPerPolicyMax = 32;
// Bytes of all that is known of a domain in one day, and of a day, roughly; where they are more,
// new domains, policies and kinds of failure are treated as beyond the bounds above.
inline constexpr size_t kTlsBytesPerDomainMax = 64 << 10;
// As above.
inline constexpr size_t kTlsBytesPerDayMax = 64 << 20;

// --- The record at _smtp._tls
// Places that reports are sent to; what the record names behind them gets none.
inline constexpr size_t kTlsReportTargetsMax = 4;
// Bytes of the record, and of one URI in it; of longer ones there is none.
inline constexpr size_t kTlsReportRecordBytesMax = 4096;
// As above.
inline constexpr size_t kTlsReportUriBytesMax = 1024;

// --- Reports
// Of the organization's name and the contact, which the configuration has; longer is refused there.
inline constexpr size_t kTlsReportWordsBytesMax = 200;

// Between two times that sums are saved; what was summed since is lost by a kill.
inline constexpr uint32_t kTlsSaveSeconds = 60;
// Domains that are saved in one write; more: in the next, at once.
inline constexpr size_t kTlsSaveBatch = 1000;

// --- Sending
// From the end of a day until the first of its reports leaves (its last outcomes come in), and for
// how long after that they are spread (RFC 8460 section 4.1).
inline constexpr uint32_t kTlsReportDelaySeconds = 10 * 60;
// As above.
inline constexpr uint32_t kTlsReportSpreadSeconds = 4 * 3600;
// Reports of a domain that could not be sent, or whose record could not be asked for, are tried
// again after this, then after twice as long each time, until so long after the first try (section
// 5.5); then given up.
inline constexpr uint32_t kTlsReportRetrySeconds = 15 * 60;
// As above.
inline constexpr uint32_t kTlsReportGiveUpSeconds = 24 * 3600;
// Domains that are asked about and sent to at once; more: one such batch after the other.
inline constexpr size_t kTlsReportBatch = 32;
// Between two looks at what is due.
inline constexpr uint32_t kTlsReportLookSeconds = 5;
// One report by HTTPS, from the connection to the answer; later: a failure.
inline constexpr uint32_t kTlsReportPostSeconds = 30;
// Of the answer, which nobody reads; longer: a failure.
inline constexpr size_t kTlsReportAnswerBytesMax = 64 << 10;
// Addresses of a host that are tried; more are not.
inline constexpr size_t kTlsReportAddressesMax = 4;
// Requests of operators that wait for reports to be sent; one more is refused.
inline constexpr size_t kTlsReportRequestsMax = 16;

}  // namespace ringpost::mail::limits
