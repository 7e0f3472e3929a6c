// Counters: one set per thread, added to without contention, summed when somebody looks.
//
// A thread that counts installs its set with CountersScope (shards, committers); threads without
// one count into a shared spill set. Reading is safe from any thread and sees each counter whole,
// not all of them at one instant. Names are those of `ringpost status` and, later, of the metrics
// page (ringpost_<name>).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringpost {

// To add one: a line here, at the end of its group; name and help follow from it.
#define RINGPOST_COUNTERS(X)                                            \
  X(kConnectionsAccepted, "connections_accepted_total")                 \
  X(kConnectionsRefused, "connections_refused_total")                   \
  X(kConnectionsClosed, "connections_closed_total")                     \
  X(kConnectionsHandedOver, "connections_to_http_total")                \
  X(kHttpRequests, "http_requests_total")                               \
  X(kHttpRefused, "http_requests_refused_total")                        \
  X(kTlsHandshakes, "tls_handshakes_total")                             \
  X(kTlsResumed, "tls_sessions_resumed_total")                          \
  X(kTlsHandshakesFailed, "tls_handshakes_failed_total")                \
  X(kTlsKernelSend, "tls_kernel_send_total")                            \
  X(kTlsKernelReceive, "tls_kernel_receive_total")                      \
  X(kTlsKernelRefused, "tls_kernel_refused_total")                      \
  X(kTlsKernelFailed, "tls_kernel_failed_total")                        \
  X(kTlsKernelKeysSpent, "tls_kernel_keys_spent_total")                 \
  X(kAcmeChallenges, "acme_tls_alpn_challenges_shown_total")            \
  X(kAcmeIssued, "acme_certificates_total")                             \
  X(kAcmeFailed, "acme_attempts_failed_total")                          \
  X(kTlsOut, "tls_outbound_handshakes_total")                           \
  X(kTlsOutFailed, "tls_outbound_handshakes_failed_total")              \
  X(kTlsOutFallbacks, "tls_outbound_clear_text_fallbacks_total")        \
  X(kAuthOut, "smtp_auth_outbound_total")                               \
  X(kAuthOutRefused, "smtp_auth_outbound_refused_total")                \
  X(kAuthIn, "smtp_auth_total")                                         \
  X(kAuthInRefused, "smtp_auth_refused_total")                          \
  X(kAuthInDelayed, "smtp_auth_too_soon_total")                         \
  X(kAuthInBusy, "smtp_auth_workers_full_total")                        \
  X(kPasswordIterations, "password_iterations_total")                   \
  X(kCommands, "smtp_commands_total")                                   \
  X(kMessagesAccepted, "messages_accepted_total")                       \
  X(kMessagesRefused, "messages_refused_total")                         \
  X(kMessagesDeferredAfterData, "messages_tempfailed_after_data_total") \
  X(kMessagesSandboxed, "messages_sandboxed_total")                     \
  X(kRateLimited, "commands_rate_limited_total")                        \
  X(kReturnPathsTaken, "return_paths_taken_total")                      \
  X(kReturnPathsRefused, "return_paths_refused_total")                  \
  X(kOverQuota, "recipients_over_quota_total")                          \
  X(kLimitsNotCounted, "limits_not_counted_total")                      \
  X(kBraked, "credentials_braked_total")                                \
  X(kRecipientsSuppressed, "recipients_suppressed_total")               \
  X(kSuppressionsAdded, "suppressions_added_total")                     \
  X(kSuppressionsDropped, "suppressions_dropped_total")                 \
  X(kRecipientsAccepted, "recipients_accepted_total")                   \
  X(kBodyBytesIn, "body_bytes_in_total")                                \
  X(kBodyBytesOut, "body_bytes_out_total")                              \
  X(kBodyBytesCopied, "body_bytes_copied_total")                        \
  X(kBodyBytesSealed, "body_bytes_sealed_total")                        \
  X(kLongLines, "text_lines_too_long_total")                            \
  X(kOutboundConnections, "outbound_connections_total")                 \
  X(kOutboundReused, "outbound_connections_reused_total")               \
  X(kDelivered, "recipients_delivered_total")                           \
  X(kDeferred, "recipients_deferred_total")                             \
  X(kBounced, "recipients_bounced_total")                               \
  X(kDowngraded, "messages_downgraded_total")                           \
  X(kDkimSigned, "messages_dkim_signed_total")                          \
  X(kDkimUnsigned, "messages_dkim_unsigned_total")                      \
  X(kBouncesQueued, "bounce_messages_queued_total")                     \
  X(kCommitGroups, "commit_groups_total")                               \
  X(kCommitRequests, "commit_requests_total")                           \
  X(kCommitSyncs, "commit_syncs_total")                                 \
  X(kCommitBytes, "commit_bytes_total")                                 \
  X(kStoreErrors, "store_errors_total")                                 \
  X(kStoreReopens, "store_reopens_total")                               \
  X(kStoreSuspects, "store_suspect_records_total")                      \
  X(kRingEnters, "ring_enters_total")                                   \
  X(kRingCompletions, "ring_completions_total")                         \
  X(kRingNoBuffers, "ring_no_buffers_total")                            \
  X(kReceiveBytes, "receive_bytes_total")                               \
  X(kSendBytes, "send_bytes_total")

enum class Counter : uint16_t {
#define X(id, name) id,
  RINGPOST_COUNTERS(X)
#undef X
      kEnd
};
inline constexpr size_t kCounterCount = static_cast<size_t>(Counter::kEnd);

std::string_view CounterName(Counter counter);

// One thread's counters. Only that thread adds; anyone may read.
class Counters {
 public:
  void Add(Counter counter, uint64_t amount) {
    std::atomic<uint64_t>& value = values_[static_cast<size_t>(counter)];
    value.store(value.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  uint64_t Get(Counter counter) const {
    return values_[static_cast<size_t>(counter)].load(std::memory_order_relaxed);
  }

 private:
  alignas(64) std::array<std::atomic<uint64_t>, kCounterCount> values_{};
};

// Makes `counters` this thread's set until the scope ends.
class CountersScope {
 public:
  explicit CountersScope(Counters* counters);
  ~CountersScope();
  CountersScope(const CountersScope&) = delete;
  CountersScope& operator=(const CountersScope&) = delete;

 private:
  Counters* previous_;
};

// Adds to this thread's set.
void Count(Counter counter, uint64_t amount = 1);
// What threads without a set of their own counted.
uint64_t SpilledCount(Counter counter);

}  // namespace ringpost
