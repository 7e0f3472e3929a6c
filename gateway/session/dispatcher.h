// Dispatcher: a shard's outbound side for one region: it takes accepted messages, schedules them
// (delivery::), leases outbound connections, and writes outcomes to the spool.
//
// It owns: the schedule of this home shard, the outbound connections, the messages held in memory
// between their 250 and their first attempt. It is the only writer of their records.
//
// Threads: the shard's own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/reactor/io.h"
#include "gateway/session/queue_control.h"
#include "gateway/tls/client_context.h"
#include "gateway/tls/kernel_records.h"
#include "storage/spool.h"

namespace ringpost {
class WorkerPool;  // base/worker_pool.h
}  // namespace ringpost

namespace ringpost::identity {
class OutcomeCounts;     // identity/outcome_counts.h
class SuppressionTable;  // identity/suppression_table.h
}  // namespace ringpost::identity

namespace ringpost::mail {
class ReturnPaths;    // mail/return_paths.h
class SenderDomains;  // mail/sender_domains.h
}  // namespace ringpost::mail

namespace ringpost::delivery {
struct DeliveryConfig;  // delivery/config.h: routes, retry schedule, limits
class SiteBudgets;      // delivery/site_budget.h: connection slots of a site, shared by all shards
}  // namespace ringpost::delivery

namespace ringpost::session {

class HostResolver;       // host_resolver.h
class MailLookup;         // mail_lookup.h
class SigningKeys;        // signing_keys.h
class SuppressionIntake;  // suppression_intake.h

// What every session of a region on one shard works with. All pointers outlive the shard's
// sessions.
struct RegionContext {
  std::string name;
  std::string hostname;
  reactor::Io* io = nullptr;
  storage::Spool* spool = nullptr;
  Log* log = nullptr;
  std::vector<IpAddress> egress;  // source addresses; empty: the kernel's choice
  uint32_t shards = 1;
  HostResolver* resolver = nullptr;   // for next hops given by name; null: the process's own
  MailLookup* mail_lookup = nullptr;  // for mail that goes by MX; null: none does
  // For next hops that need not prove who they are, and for those that must. Null: none is spoken
  // to under TLS, and mail that must not leave in clear waits.
  std::shared_ptr<const tls::ClientContext> tls_any;
  std::shared_ptr<const tls::ClientContext> tls_verified;
  tls::KernelRecordRule kernel_records;  // of next hops' connections
  // What is known of customers' domains; null: nothing is signed. Another takes its place at any
  // time, on the shard's thread.
  std::shared_ptr<const mail::SenderDomains> sender_domains;
  // Their DKIM keys, and the workers that make signatures: without both none are made.
  std::shared_ptr<SigningKeys> signing_keys;
  WorkerPool* signers = nullptr;
  // Under which reverse-paths mail of customers' domains leaves, where bounces are taken here;
  // null: under their senders' own. Changes as the domains do.
  std::shared_ptr<const mail::ReturnPaths> return_paths;
  bool takes_bounces = false;  // by one of the region's listeners
  // Where hard bounces are counted, for the brake; null: nowhere.
  identity::OutcomeCounts* outcomes = nullptr;
  // Whom its accounts' mail is not sent to, and where that grows; null: there is no list.
  const identity::SuppressionTable* suppressed = nullptr;
  SuppressionIntake* suppression_intake = nullptr;
};

// A message that the gateway writes itself: to one recipient, from nobody (the null reverse-path).
struct OwnMail {
  MessageId id;
  std::string recipient;
  std::string text;  // header section and body, CRLF
};

class Dispatcher {
 public:
  Dispatcher(const RegionContext* region, std::shared_ptr<const delivery::DeliveryConfig> config,
             delivery::SiteBudgets* budgets);
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // A message that is durable now (its Durable was made). Takes it over, body included: the first
  // attempt delivers from memory while the budget lasts.
  void Admit(std::unique_ptr<storage::NewMessage> message);
  // Stores it, admits it, and calls `done` once on the shard's thread: OK: it is durable. Not OK:
  // why it was not taken, in words: FAILED_PRECONDITION: nothing says where its domain's mail goes.
  void Originate(OwnMail mail, std::function<void(const Status&)> done);
  // A page of the scan at start.
  void Restore(const std::vector<storage::ScannedMessage>& messages);

  // New routes and limits, and the region's new contexts for TLS; deliveries in hand end with the
  // old ones.
  void Reload(std::shared_ptr<const delivery::DeliveryConfig> config);

  // Takes the command and posts it back to its reply_to when the answer is whole: see
  // queue_control.h.
  void Handle(QueueCommand* command);

  // `ringpost trace`: lines of outbound sessions to this next hop ("127.0.0.1:2626"; empty: all) go
  // to `sink` until Untrace. Ours begin with "127.0.0.1:2626 C: ", the next hop's with
  // "127.0.0.1:2626 S: ".
  using TraceSink = std::function<void(std::string_view line)>;
  void Trace(std::string_view next_hop, TraceSink sink);
  void Untrace();

  // Stops starting deliveries; drained() once none is in hand and every outcome is committed.
  void BeginDrain();
  bool drained() const;
  // Ends every connection without waiting for replies (the grace period is over).
  void Abort();

  // Bytes of bodies held in memory for first attempts, and entries in the schedule.
  uint64_t held_body_bytes() const;
  uint64_t queued_entries() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::session
