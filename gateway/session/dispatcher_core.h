// DispatcherCore: what a Dispatcher does, in parts that share its state:
//   dispatcher_core.cc      messages come, live in memory for a while, and go; the clock's tick
//   dispatcher_sites.cc     connections to the next hops: opened as the backlog wants, reused,
//   given up
//   dispatcher_exchangers.cc  which site a domain's mail goes to, where the DNS decides
//   dispatcher_transfer.cc  one transaction: envelope and body on their way to a next hop
//   dispatcher_signing.cc   its DKIM signatures
//   dispatcher_outcomes.cc  what became of it: records, log, what comes next
//   dispatcher_reports.cc   delivery status notifications
//   dispatcher_own_mail.cc  other messages that the gateway writes itself
//   dispatcher_tasks.cc     entries that expire, are deferred unseen, held, released, deleted,
//   bounced dispatcher_queue.cc     what operators ask
//
// Who has an entry: delivery::Schedule, or, in hand, exactly one of a Transaction, an Outcome on
// its way to the spool, or an EntryTask. Each gives it back with what comes next.
//
// Private to session. Threads: the shard's own.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "gateway/delivery/classify.h"
#include "gateway/delivery/config.h"
#include "gateway/delivery/hop_health.h"
#include "gateway/delivery/schedule.h"
#include "gateway/delivery/shaping.h"
#include "gateway/delivery/shaping_automation.h"
#include "gateway/delivery/site_budget.h"
#include "gateway/delivery/site_limits.h"
#include "gateway/mail/tls_outcome.h"
#include "gateway/session/dispatcher.h"
#include "gateway/session/host_resolver.h"
#include "gateway/session/live_message.h"
#include "gateway/session/mail_lookup.h"
#include "gateway/session/outbound_connection.h"
#include "gateway/session/pool.h"
#include "gateway/session/recipient_groups.h"

namespace ringpost::session {

// Of what has no route.
inline constexpr delivery::SiteId kNoRouteSite = 0;

// The next hops of a route, as this shard sees them. TLS belongs to it, which recipients' domains
// may ask more of than their route does: those have a site, and connections, of their own.
struct Site {
  struct Lookup : HostRequest {
    DispatcherCore* core = nullptr;  // null: the dispatcher is gone; the lookup deletes itself
    delivery::SiteId site = 0;
    size_t hop = 0;
  };
  struct RetryTimer : reactor::Timer {
    using reactor::Timer::Timer;
    DispatcherCore* core = nullptr;
    delivery::SiteId site = 0;
  };

  Site(std::string site_name, std::vector<delivery::NextHop> next_hops, reactor::Timer::Fn fire)
      : name(std::move(site_name)), health(std::move(next_hops)), retry(fire) {}

  std::string name;
  bool by_mx = false;  // the DNS says who these next hops are, and that domains go here
  bool plain = true;   // no rule of shaping tells it from others
  // Of the site of domains that no mail can go to: it has no next hop.
  std::optional<dns::Exchangers::Outcome> verdict;
  bool forbidden = false;  // likewise: by the domains' own policies
  delivery::HopHealth health;
  std::vector<std::string> hosts;  // the next hops' names, as rules match them
  delivery::SiteLimits limits;
  OutboundConnection::Settings settings;   // of its connections, which it outlives
  delivery::SiteBudget* budget = nullptr;  // null: the site of what has no route
  struct Provider* provider = nullptr;     // null: no limit is shared with other sites
  std::vector<OutboundConnection*> idle;   // the one used last at the back
  uint32_t open = 0;                       // connections, those being made included
  uint32_t connecting = 0;
  MonoTime paused_until;    // this host has no descriptors for new connections
  MonoTime waits_until;     // by a rule of shaping, for what it has said
  std::string rule_domain;  // one of those whose rules it is made by
  smtp::Reply last_failure;
  std::string last_failure_hop;
  RetryTimer retry;  // asks for a connection slot again, or for an address
  std::vector<std::unique_ptr<Lookup>> lookups;  // by hop; null while none is open
};

// Sites whose limits count together, as this shard sees them.
struct Provider {
  delivery::SiteBudget* budget = nullptr;
  std::set<delivery::SiteId> waiting;  // for a connection of those that others have
  delivery::SiteId served = 0;         // of these, the last that was looked at
};

// Which mail exchangers a domain has. It is asked for by its A-labels.
struct ExchangersLookup : ExchangersRequest {
  std::string key;                 // the domain as the schedule knows it
  DispatcherCore* core = nullptr;  // null: the dispatcher is gone; the lookup deletes itself
};

// What is done with an entry in hand outside of a transaction.
struct EntryTask {
  enum class Kind : uint8_t { kExpire, kDefer, kHold, kRelease, kDelete, kBounce, kSandbox };
  Kind kind = Kind::kExpire;
  delivery::Slot slot = delivery::kNone;
  smtp::Reply reply;  // kDefer, kBounce: why
  std::string relay;  // kDefer: which next hop is to blame
  QueueJob* job = nullptr;
};

// A task that waits for the message's envelope.
struct TaskRead : storage::ReadRequest {
  DispatcherCore* core = nullptr;
  EntryTask task;
};

// An outcome with a report that waits for the original's header section.
struct OriginalRead : storage::ReadRequest {
  DispatcherCore* core = nullptr;
  Outcome* outcome = nullptr;
};

// A message of our own on its way to the spool.
struct OwnMailRequest : storage::CommitRequest {
  DispatcherCore* core = nullptr;
  std::unique_ptr<storage::NewMessage> own;
  std::function<void(const Status&)> done;
};

// An operator's command in work: a walk over the queue, and what it set off.
struct QueueJob {
  QueueCommand* command = nullptr;
  delivery::Slot cursor = 0;
  bool walked = false;
  uint32_t pending = 0;  // tasks and reads that must come back
  uint32_t sender_hash = 0;
  std::string domain_key;
  std::vector<MessageId> selected;  // kList: the smallest ids so far, a heap; then what is read
  size_t next_selected = 0;
  absl::flat_hash_map<delivery::DomainId, size_t> rows;  // kSummary
};
struct ViewRead : storage::ReadRequest {
  DispatcherCore* core = nullptr;
  QueueJob* job = nullptr;
};

class DispatcherCore final : public OutboundConnection::Owner {
 public:
  DispatcherCore(const RegionContext* region,
                 std::shared_ptr<const delivery::DeliveryConfig> config,
                 delivery::SiteBudgets* budgets);
  ~DispatcherCore();

  void Admit(std::unique_ptr<storage::NewMessage> message);
  void Originate(OwnMail mail, std::function<void(const Status&)> done);
  void Restore(const std::vector<storage::ScannedMessage>& messages);
  void Reload(std::shared_ptr<const delivery::DeliveryConfig> config);
  void Handle(QueueCommand* command);
  void Trace(std::string_view next_hop, Dispatcher::TraceSink sink);
  void Untrace();
  void BeginDrain();
  bool drained() const;
  void Abort();
  uint64_t held_body_bytes() const { return held_bytes_; }
  uint64_t queued_entries() const { return schedule_.size(); }

 private:
  using Slot = delivery::Slot;
  using SiteId = delivery::SiteId;
  struct TickTimer : reactor::Timer {
    using reactor::Timer::Timer;
    DispatcherCore* core = nullptr;
  };

  // --- dispatcher_core.cc
  LiveMessage* NewLive(std::unique_ptr<storage::NewMessage> message);
  void AddEntries(LiveMessage* live, const storage::StoredEnvelope& envelope, const MessageId& id,
                  const std::vector<storage::RecipientState>& states);
  bool MayKeepBody(const storage::NewMessage& message) const;
  // The message leaves memory where nobody needs it there; its entries stay.
  void ReleaseLive(LiveMessage* live);
  void ForgetLive(LiveMessage* live);
  void ShedBodies();
  // From an envelope that was read: into memory, joined to its entries.
  LiveMessage* Revive(storage::ReadRequest* read);
  std::vector<Slot> JoinToEntries(const std::vector<RecipientGroup>& groups, Slot first);
  void TakeOver(LiveMessage* live, const std::vector<RecipientGroup>& groups,
                const std::vector<Slot>& slots);
  bool AloneInDomain(const LiveMessage& live, Slot slot) const;
  static void SetAllRecipients(delivery::Entry* entry, bool all);
  LiveMessage* LiveOf(Slot slot);
  void Tick();
  void WakeBy(WallTime due);
  void Defer(Slot slot, WallTime due);
  void StepExpiry();
  void ServiceTouched();
  SiteId RouteSite(std::string_view domain);
  SiteId FindSite(std::string_view domain, delivery::Route route);
  delivery::SiteLimits LimitsFor(std::string_view domain, delivery::Route* route,
                                 std::string* tag) const;
  void Limit(Site* site, delivery::SiteLimits limits);
  Provider* FindProvider(const delivery::SiteLimits& limits);
  void RenewCredentials(SiteId id, const delivery::Route& route);

  void PutSite(SiteId id, std::unique_ptr<Site> site);

  // --- dispatcher_exchangers.cc
  SiteId AskExchangers(std::string_view domain);
  size_t ExchangerLookupsMax() const;
  void StartExchangerLookup(std::string key, std::string domain);
  void ExchangersFound(ExchangersLookup* lookup);
  SiteId SiteOfExchangers(const std::string& domain, const dns::Exchangers& found);
  SiteId VerdictSite(dns::Exchangers::Outcome outcome);
  SiteId ForbiddenSite();
  SiteId WaySite(std::string name);
  SiteId SiteByPolicy(const std::string& domain, const delivery::Route& route,
                      const dns::Exchangers& found);
  void SweepSites();
  void CancelLookups();
  HostResolver* ResolverOf(const Site& site);

  // --- dispatcher_tls.cc
  void KeepPolicy(const std::string& domain, const StsVerdict& policy);
  const dns::StsPolicy* EnforcedPolicy(const std::string& domain) const;
  void OnTlsOutcome(OutboundConnection* connection, const TlsOutcomeSeen& seen) override;
  void RecordNoTlsa(const Site& site, const Site::Lookup& lookup);
  void RecordTls(std::string_view domain, std::shared_ptr<const mail::TlsPolicy> policy,
                 mail::TlsEvent event);

  // --- dispatcher_pace.cc
  std::optional<delivery::Shaping> ShapingOf(Slot slot) const;
  delivery::RetryPolicy RetryOf(Slot slot) const;
  Seconds DelayWarningOf(Slot slot) const;
  bool Lease(SiteId id);
  void Release(SiteId id);
  bool ShouldYield(SiteId id) const;
  void StopWaiting(SiteId id);
  void ServiceProvider(const Site& site);
  enum class Paced : uint8_t { kConnection, kMessage };
  MonoTime NextAllowed(const Site& site, Paced what) const;
  bool TakePace(Site* site, Paced what);

  // --- dispatcher_automation.cc
  void Observe(SiteId id, std::string_view domain, const smtp::Reply& reply);
  void ObserveAll(SiteId id, Slot slot, const std::vector<smtp::Reply>& replies);
  static delivery::ShapingPlace PlaceOf(const Site& site);
  void ApplyActions();
  void ApplyTo(Site* site);
  void ActionEnded();

  // --- dispatcher_sites.cc
  void ServiceSite(SiteId id);
  void OpenConnections(SiteId id);
  void Connect(SiteId id, size_t target);
  void ResolveHops(SiteId id);
  void Resolved(Site::Lookup* lookup);
  void YieldIdle(SiteId id);
  void DeferReady(SiteId id);
  EntryTask Undeliverable(const Site& site, Slot slot) const;
  enum class Started : uint8_t { kNothing, kUnderWay, kSettled };
  Started StartNext(OutboundConnection* connection);
  void GiveWork(OutboundConnection* connection);
  static bool SaysClosing(const smtp::ClientSession::Outcome& outcome, const smtp::Reply& failure);
  void FailTransaction(Transaction* transaction, size_t target);
  void TraceConnection(OutboundConnection* connection);
  bool MustQuit(OutboundConnection* connection) const;
  void OnReady(OutboundConnection* connection) override;
  void OnBroken(OutboundConnection* connection) override;
  void OnClosed(OutboundConnection* connection) override;
  void OnTlsFallback(OutboundConnection* connection, std::string_view reason) override;
  void LogUnusable(OutboundConnection* connection, const smtp::Reply& failure);
  bool outbound_full() const;

  // --- dispatcher_transfer.cc
  Transaction* NewTransaction(OutboundConnection* connection);
  void EndTransaction(Transaction* transaction);
  void RecycleTransaction(Transaction* transaction);
  void GiveBack(Transaction* transaction);
  void LoadEnvelope(Transaction* transaction);
  void EnvelopeLoaded(Transaction* transaction);
  bool Prepare(Transaction* transaction);
  std::string ReversePathOf(const LiveMessage& live);
  bool KeepsOrigin(const storage::StoredEnvelope& envelope) const;
  void ChooseRecipients(Transaction* transaction);
  bool ProvenAllTheWay(const OutboundConnection& connection) const;
  bool RefusedByCapabilities(Transaction* transaction, smtp::Reply* refusal, bool* reencode);
  bool Reencoded(Transaction* transaction);
  void BeginMail(Transaction* transaction);
  void OnBodyWanted(OutboundConnection* connection) override;
  void OnBodySent(OutboundConnection* connection) override;
  void OnTransactionDone(OutboundConnection* connection) override;
  void RequestChunks(Transaction* transaction);
  void ChunkArrived(BodyRead* read);
  void PumpBody(Transaction* transaction);
  void PumpGathering(Transaction* transaction);
  void BodyLost(Transaction* transaction, const Status& status);
  void ReadFailed(Slot slot, const Status& status);

  // --- dispatcher_signing.cc
  bool SignAndBegin(Transaction* transaction);
  bool PumpSigning(Transaction* transaction);
  static size_t CopyHeader(const Transaction& transaction, std::string* header);
  static bool HeaderToCome(const Transaction& transaction);
  void SignatureMade(SignatureJob* job);
  void BeginUnsigned(Transaction* transaction, std::string_view reason);
  void PutOff(Transaction* transaction, std::string_view reason);

  // --- dispatcher_outcomes.cc
  struct Settling;
  enum class SaidBy : uint8_t { kNextHop, kUs, kSuppression };
  void Settle(Transaction* transaction, OutboundConnection* connection,
              smtp::ClientSession::Outcome* result, const smtp::Reply& failure,
              SaidBy said_by = SaidBy::kNextHop);
  bool SettleSuppressed(Transaction* transaction);
  void SettleAlike(Transaction* transaction, OutboundConnection* connection,
                   const smtp::Reply& reply);
  void SettleRecipient(Settling* settling, uint32_t number, const smtp::Reply& reply,
                       const delivery::Classified& classified);
  void SettleSlot(Settling* settling, Slot slot);
  WallTime NextAttempt(Slot slot, uint32_t attempts);
  void CountHardBounce(const LiveMessage& live, const smtp::Reply& reply, WallTime now);
  void Suppress(const LiveMessage& live, uint32_t number, const smtp::Reply& reply, WallTime now);
  bool DelayNoticeDue(const LiveMessage& live, uint32_t number) const;
  void AddEvent(Outcome* outcome, storage::StoredEvent::Kind kind, uint32_t number,
                const smtp::Reply& reply, bool in_doubt);
  void LogRecipient(storage::StoredEvent::Kind kind, const LiveMessage& live, uint32_t number,
                    std::string_view relay, std::string_view tls, const smtp::Reply& reply,
                    uint16_t attempts, bool in_doubt, WallTime next_attempt);
  Outcome* NewOutcome(const MessageId& id, LiveMessage* live);
  void FreeOutcome(Outcome* outcome);
  void Enqueue(Outcome* outcome);
  void SubmitNow(Outcome* outcome);
  void Stored(Outcome* outcome);
  void Apply(const Outcome::Change& change);
  void Unstarve();
  void RetryOutcomes();
  void GiveUp(Outcome* outcome);

  // --- dispatcher_reports.cc
  void Report(Outcome* outcome, uint32_t number, mail::DsnAction action, const smtp::Reply& reply,
              std::string_view relay);
  void Finish(Outcome* outcome);  // builds the report if there is one, then stores
  void OriginalLoaded(OriginalRead* read);
  void BuildReport(Outcome* outcome, std::string_view original, bool whole);

  // --- dispatcher_own_mail.cc
  void OwnMailStored(OwnMailRequest* request);

  // --- dispatcher_tasks.cc
  void Run(EntryTask task);
  void RunQueuedTasks();
  void TaskLoaded(TaskRead* read);
  void PutBack(Slot slot);
  void RunFromEntry(const EntryTask& task);
  void RunLoaded(const EntryTask& task, LiveMessage* live);
  Outcome::Change ChangeFor(const EntryTask& task, storage::RecipientState* state);
  static storage::StoredEvent::Kind EventOf(EntryTask::Kind kind);
  void LogTask(const EntryTask& task, const MessageId& id);

  // --- dispatcher_queue.cc
  static std::string_view SenderOf(const QueueFilter& filter);
  void StepJobs();
  void RefuseJobs();
  void StepWalk(QueueJob* job);
  void Visit(QueueJob* job, Slot slot);
  bool Matches(const QueueJob& job, Slot slot);
  const Site& KnownSite(Slot slot) const;
  static bool NamesHop(const Site& site, std::string_view next_hop);
  bool Suspended(Slot slot);
  void Summarise(QueueJob* job, Slot slot);
  void Select(QueueJob* job, Slot slot);
  void Act(QueueJob* job, Slot slot);
  void JobPartDone(QueueJob* job, bool counts);
  void StepViews(QueueJob* job);
  void ViewLoaded(ViewRead* read);
  void AddViews(QueueJob* job, const ViewRead& read);
  static std::string LastReplyText(const delivery::Entry& entry);
  static void AddRecipients(QueueEntryView* view, const ViewRead& read, std::string_view domain);
  void Answer(QueueCommand* command);
  void Suspend(QueueCommand* command);
  void Resume(QueueCommand* command);
  void ExpireSuspensions();
  void RemoveSuspensions(const std::function<bool(const Suspension&)>& which);
  void ApplySuspension(const Suspension& suspension, bool on);
  static void SuspendHops(Site* site, std::string_view next_hop, bool on);

  const RegionContext* region_;
  reactor::Io* io_;
  std::shared_ptr<const delivery::DeliveryConfig> config_;
  delivery::SiteBudgets* budgets_;
  HostResolver* resolver_;
  std::string hostname_;

  // Sites before the schedule: its routes are asked while it works.
  std::vector<std::unique_ptr<Site>> sites_;
  std::map<std::string, SiteId, std::less<>> site_names_;
  // By domain: those that are asked; who waits behind them.
  std::map<std::string, std::unique_ptr<ExchangersLookup>, std::less<>> exchanger_lookups_;
  std::deque<std::string> exchangers_wanted_;
  delivery::SiteLimits plain_limits_;  // where no rule says anything
  std::map<std::string, Provider, std::less<>> providers_;
  size_t sweep_sites_at_ = limits::kSitesSweptFrom;
  // Of domains that have one, by domain: limits::kStsPoliciesPerShardMax of them.
  struct KeptPolicy {
    std::shared_ptr<const HeldStsPolicy> held;
    std::shared_ptr<const mail::TlsPolicy> as_reported;
  };
  absl::flat_hash_map<std::string, KeptPolicy> sts_policies_;
  delivery::Schedule schedule_;
  TickTimer tick_;
  TickTimer outcome_retry_;
  TickTimer action_end_;
  std::optional<delivery::ShapingAutomation> automation_;  // where there are rules
  delivery::ActionsInForce actions_;

  std::vector<LiveMessage*> lives_;  // by number; null: free
  std::vector<uint32_t> free_lives_;
  std::vector<std::unique_ptr<LiveMessage>> spare_lives_;
  std::deque<uint32_t>
      kept_;  // lives kept for a first attempt, oldest first; may name ones that are gone
  uint64_t held_bytes_ = 0;
  uint32_t kept_count_ = 0;

  absl::flat_hash_map<OutboundConnection*, std::unique_ptr<OutboundConnection>> connections_;
  Pool<Transaction> transactions_;
  Pool<Outcome> outcomes_;
  Pool<TaskRead> task_reads_;
  Pool<OriginalRead> original_reads_;
  Pool<ViewRead> view_reads_;
  Pool<OwnMailRequest> own_mails_;
  std::vector<Outcome*> refused_outcomes_;  // by the spool: submitted again
  SiteId unstarve_at_ = 0;                  // the site that was serviced last then
  bool starved_ = false;  // a site stopped at a bound and must be serviced once there is room

  std::deque<EntryTask> tasks_;
  uint32_t reads_in_flight_ = 0;
  std::vector<std::unique_ptr<QueueJob>> jobs_;
  std::vector<Suspension> suspensions_;

  bool draining_ = false;
  bool aborted_ = false;
  Dispatcher::TraceSink trace_sink_;
  std::string trace_hop_;
  bool tracing_ = false;
};

}  // namespace ringpost::session
