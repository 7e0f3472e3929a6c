#include "gateway/session/dispatcher_core.h"

#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/delivery/shaping.h"

namespace ringpost::session {
namespace {

using delivery::Entry;
using delivery::EntryState;
using delivery::kNone;

constexpr Millis kTick{1000};
constexpr Millis kNextTurn{1};
constexpr Millis kLongestSleep{60'000};

bool InReceiveBuffers(const storage::NewMessage& message) {
  return message.body.size() > limits::kGatherBytesMax;
}

std::string HostnameOf(const delivery::DeliveryConfig& config, const RegionContext& region) {
  if (!config.hostname.empty()) return config.hostname;
  return region.hostname.empty() ? "localhost" : region.hostname;
}

OutboundConnection::Settings SettingsOf(const delivery::SiteLimits& limits,
                                        const std::string& hostname, const RegionContext& region) {
  return {hostname,       limits.connect_timeout, limits.command_timeout, limits.idle_timeout,
          region.tls_any, region.tls_verified,    region.kernel_records};
}

std::vector<std::string> HostsOf(const delivery::Route& route) {
  std::vector<std::string> hosts;
  for (const delivery::NextHop& hop : route.next_hops) hosts.push_back(hop.host);
  return hosts;
}

delivery::SiteLimits PlainLimits(const delivery::DeliveryConfig& config) {
  if (!config.shaping) return delivery::SiteLimits::Of(config);
  return delivery::SiteLimits::Of(config, config.shaping->For({}));
}

}  // namespace

DispatcherCore::DispatcherCore(const RegionContext* region,
                               std::shared_ptr<const delivery::DeliveryConfig> config,
                               delivery::SiteBudgets* budgets)
    : region_(region),
      io_(region->io),
      config_(std::move(config)),
      budgets_(budgets),
      resolver_(region->resolver),
      hostname_(HostnameOf(*config_, *region)),
      schedule_(io_->wall_now(), [this](std::string_view domain) { return RouteSite(domain); }),
      tick_([](reactor::Timer* timer) { static_cast<TickTimer*>(timer)->core->Tick(); }),
      outcome_retry_(
          [](reactor::Timer* timer) { static_cast<TickTimer*>(timer)->core->RetryOutcomes(); }),
      action_end_(
          [](reactor::Timer* timer) { static_cast<TickTimer*>(timer)->core->ActionEnded(); }) {
  plain_limits_ = PlainLimits(*config_);
  tick_.core = this;
  outcome_retry_.core = this;
  action_end_.core = this;
  if (config_->shaping) automation_.emplace(config_->shaping);
  // Site 0 has no next hop: what has no route waits there for its next attempt, or for a new route.
  // What is in the sandbox ends there.
  sites_.push_back(std::make_unique<Site>("", std::vector<delivery::NextHop>(), nullptr));
  RP_CHECK(schedule_.AddSite() == kNoRouteSite);
}

DispatcherCore::~DispatcherCore() {
  CancelLookups();
  for (LiveMessage* live : lives_) delete live;
}

void DispatcherCore::Admit(std::unique_ptr<storage::NewMessage> message) {
  bool keep = MayKeepBody(*message);
  LiveMessage* live = NewLive(std::move(message));
  AddEntries(live, live->envelope(), live->id(), {});
  // What is held back need not be held in memory.
  const Entry& first = schedule_[schedule_.Find(live->id())];
  if (schedule_.domain(first.domain).suspended) keep = false;
  if (!keep) {
    ForgetLive(live);
  } else if (InReceiveBuffers(*live->message)) {
    kept_.push_back(live->number);
    if (kept_.size() > limits::kHeldMessagesMax) kept_.pop_front();
    WakeBy(io_->wall_now() + kTick);
  }
  ServiceTouched();
}

void DispatcherCore::Restore(const std::vector<storage::ScannedMessage>& messages) {
  for (const storage::ScannedMessage& message : messages) {
    // What is here already was seen by an earlier page, or came in meanwhile.
    if (schedule_.Find(message.id) != kNone) continue;
    AddEntries(nullptr, message.envelope, message.id, message.recipients);
  }
  ServiceTouched();
}

void DispatcherCore::AddEntries(LiveMessage* live, const storage::StoredEnvelope& envelope,
                                const MessageId& id,
                                const std::vector<storage::RecipientState>& states) {
  std::vector<uint32_t> group_of;
  auto groups = GroupRecipients(envelope, states, live ? &group_of : nullptr);
  std::vector<Slot> slots;
  for (const RecipientGroup& group : groups) {
    delivery::NewEntry entry;
    entry.id = id;
    entry.domain = group.domain;
    entry.account = envelope.account;
    entry.sender_hash = delivery::SenderHash(envelope.reverse_path);
    entry.due = group.due;
    entry.deadline = envelope.deadline;
    entry.bytes = envelope.body_bytes;
    entry.first_recipient = group.first_recipient;
    entry.recipients = group.recipients;
    entry.attempts = group.attempts;
    entry.reply_code = group.reply_code;
    entry.enhanced[0] = static_cast<uint8_t>(group.enhanced[1]);
    entry.enhanced[1] = static_cast<uint8_t>(group.enhanced[2]);
    entry.held = group.held;
    entry.flags = static_cast<uint8_t>(
        (group.told_by_range() ? delivery::kAllRecipients : 0) |
        (group.wants_delay_notice ? delivery::kWantsDelayNotice : 0) |
        (group.held ? delivery::kHeldRows : 0) | (envelope.bulk ? delivery::kBulk : 0));
    WallTime now = io_->wall_now();
    slots.push_back(schedule_.Add(entry, now));
    if (!group.held) WakeBy(group.due > now ? std::min(group.due, entry.deadline) : entry.deadline);
    if (live) schedule_[slots.back()].cookie = live->number;
  }
  if (!live) return;
  live->recipients.resize(envelope.recipients.size());
  for (size_t i = 0; i < group_of.size(); ++i) {
    if (group_of[i] == UINT32_MAX) continue;
    live->recipients[i].slot = slots[group_of[i]];
    ++live->open;
  }
}

bool DispatcherCore::MayKeepBody(const storage::NewMessage& message) const {
  if (kept_count_ >= limits::kHeldMessagesMax) return false;
  if (held_bytes_ + message.body.size() > limits::kHeldBodyBytesMax) return false;
  return !InReceiveBuffers(message) || io_->pool_bytes_held() <= io_->pool_bytes() / 2;
}

LiveMessage* DispatcherCore::NewLive(std::unique_ptr<storage::NewMessage> message) {
  if (free_lives_.empty()) {
    free_lives_.push_back(static_cast<uint32_t>(lives_.size()));
    lives_.push_back(nullptr);
  }
  LiveMessage* live;
  if (spare_lives_.empty()) {
    live = new LiveMessage;
  } else {
    live = spare_lives_.back().release();
    spare_lives_.pop_back();
  }
  live->number = free_lives_.back();
  free_lives_.pop_back();
  lives_[live->number] = live;
  live->body_here = !message->body_in_chunks;
  live->held_bytes = message->body.size();
  live->message = std::move(message);
  held_bytes_ += live->held_bytes;
  ++kept_count_;
  return live;
}

void DispatcherCore::ReleaseLive(LiveMessage* live) {
  RP_CHECK(live->users > 0);
  if (--live->users > 0) return;
  // Another part of its first attempt may still be waiting for a connection.
  Slot first = schedule_.Find(live->id());
  for (Slot slot = first; slot != kNone;) {
    const Entry& entry = schedule_[slot];
    if (entry.state == EntryState::kReady || entry.state == EntryState::kInHand) return;
    slot = entry.sibling == first ? kNone : entry.sibling;
  }
  ForgetLive(live);
}

void DispatcherCore::ForgetLive(LiveMessage* live) {
  RP_CHECK(live->users == 0 && live->outcomes == 0 && live->outcomes_head == nullptr);
  Slot first = schedule_.Find(live->id());
  for (Slot slot = first; slot != kNone;) {
    Entry& entry = schedule_[slot];
    entry.cookie = kNone;
    slot = entry.sibling == first ? kNone : entry.sibling;
  }
  held_bytes_ -= live->held_bytes;
  --kept_count_;
  lives_[live->number] = nullptr;
  free_lives_.push_back(live->number);
  live->message.reset();
  live->recipients.clear();
  live->open = 0;
  live->rows_stored = false;
  live->unsigned_told = false;
  if (spare_lives_.size() < limits::kOutcomesInFlightMax) {
    spare_lives_.emplace_back(live);
  } else {
    delete live;
  }
}

void DispatcherCore::ShedBodies() {
  while (!kept_.empty() && io_->pool_bytes_held() > io_->pool_bytes() / 2) {
    LiveMessage* live = lives_[kept_.front()];
    kept_.pop_front();
    if (live && live->users == 0 && InReceiveBuffers(*live->message)) ForgetLive(live);
  }
  while (!kept_.empty() && lives_[kept_.front()] == nullptr) kept_.pop_front();
}

LiveMessage* DispatcherCore::LiveOf(Slot slot) {
  uint32_t number = schedule_[slot].cookie;
  return number == kNone ? nullptr : lives_[number];
}

// Joins the recipients of an envelope that was read to the entries that stand for them, by domain,
// attempts and hold. The spool and the schedule agree, but for an outcome that is stored and not
// yet applied; then the domain decides. A recipient without an entry gets one: nothing is lost by a
// disagreement.
LiveMessage* DispatcherCore::Revive(storage::ReadRequest* read) {
  Slot first = schedule_.Find(read->id);
  if (first == kNone) return nullptr;
  if (LiveMessage* live = LiveOf(first)) return live;
  std::vector<uint32_t> group_of;
  auto groups = GroupRecipients(read->envelope, read->recipients, &group_of);
  std::vector<Slot> slots = JoinToEntries(groups, first);
  auto message = std::make_unique<storage::NewMessage>();
  message->id = read->id;
  message->envelope = std::move(read->envelope);
  message->body_in_chunks = true;
  for (size_t i = 0; i < groups.size(); ++i) {
    if (slots[i] != kNone) continue;
    delivery::NewEntry entry;
    entry.id = read->id;
    entry.domain = groups[i].domain;
    entry.account = message->envelope.account;
    entry.due = std::max(groups[i].due, io_->wall_now() + kTick);
    entry.deadline = message->envelope.deadline;
    entry.bytes = message->envelope.body_bytes;
    entry.attempts = groups[i].attempts;
    entry.flags = message->envelope.bulk ? delivery::kBulk : 0;
    slots[i] = schedule_.Add(entry, io_->wall_now());
    WakeBy(entry.due);
  }
  LiveMessage* live = NewLive(std::move(message));
  live->rows_stored = true;
  live->recipients.resize(group_of.size());
  for (size_t i = 0; i < group_of.size(); ++i) {
    if (group_of[i] == UINT32_MAX) continue;
    live->recipients[i].slot = slots[group_of[i]];
    live->recipients[i].delay_reported =
        i < read->recipients.size() && read->recipients[i].delay_reported;
    ++live->open;
  }
  TakeOver(live, groups, slots);
  return live;
}

// Each group's entry, or kNone: by domain, attempts and hold, and what is left by domain alone.
std::vector<delivery::Slot> DispatcherCore::JoinToEntries(const std::vector<RecipientGroup>& groups,
                                                          Slot first) {
  std::vector<Slot> slots(groups.size(), kNone);
  absl::flat_hash_map<std::string_view, absl::InlinedVector<uint32_t, 2>> of_domain;
  for (uint32_t i = 0; i < groups.size(); ++i) of_domain[groups[i].domain].push_back(i);
  for (bool exactly : {true, false}) {
    Slot slot = first;
    do {
      const Entry& entry = schedule_[slot];
      bool held = (entry.flags & delivery::kHeldRows) != 0;
      if (auto found = of_domain.find(schedule_.domain(entry.domain).name);
          found != of_domain.end()) {
        for (uint32_t i : found->second) {
          bool exact = groups[i].attempts == entry.attempts && groups[i].held == held;
          if (slots[i] == kNone && (exact || !exactly)) slots[i] = slot;
        }
      }
      slot = entry.sibling;
    } while (slot != first);
  }
  return slots;
}

// The entries of a message stand for the recipients that were joined to them, and no others. One
// that stands for nobody any more goes, unless it is in hand: then who has it finds that out.
void DispatcherCore::TakeOver(LiveMessage* live, const std::vector<RecipientGroup>& groups,
                              const std::vector<Slot>& slots) {
  struct Joined {
    uint32_t groups = 0;
    uint32_t recipients = 0;
    uint32_t first_recipient = 0;
    bool told_by_range = false;
  };
  absl::flat_hash_map<Slot, Joined> joined;
  for (size_t i = 0; i < groups.size(); ++i) {
    Joined& of_slot = joined[slots[i]];
    of_slot.told_by_range = ++of_slot.groups == 1 && groups[i].told_by_range();
    of_slot.recipients += groups[i].recipients;
    of_slot.first_recipient = groups[i].first_recipient;
  }
  std::vector<Slot> empty;
  Slot first = schedule_.Find(live->id());
  Slot slot = first;
  do {
    Entry& entry = schedule_[slot];
    const Joined& of_slot = joined[slot];
    entry.cookie = live->number;
    entry.recipients = of_slot.recipients;
    entry.first_recipient = of_slot.first_recipient;
    SetAllRecipients(&entry, of_slot.told_by_range);
    if (of_slot.groups == 0 && entry.state != EntryState::kInHand) empty.push_back(slot);
    slot = entry.sibling;
  } while (slot != first);
  for (Slot gone : empty) schedule_.Remove(gone);
}

void DispatcherCore::SetAllRecipients(Entry* entry, bool all) {
  entry->flags &= static_cast<uint8_t>(~delivery::kAllRecipients);
  if (all) entry->flags |= delivery::kAllRecipients;
}

// The tick comes at `due`, or before; at least once a minute, because the wall clock may be set.
void DispatcherCore::WakeBy(WallTime due) {
  Millis wait = std::clamp<Millis>(due - io_->wall_now(), kNextTurn, kLongestSleep);
  MonoTime at = io_->now() + wait;
  if (!tick_.scheduled() || at < tick_.due()) io_->timers().Schedule(&tick_, at);
}

void DispatcherCore::Defer(Slot slot, WallTime due) {
  schedule_.Defer(slot, due);
  uint8_t& flags = schedule_[slot].flags;
  if (flags & delivery::kRetryAsked) {
    flags &= static_cast<uint8_t>(~delivery::kRetryAsked);
    schedule_.MakeReady(slot, false);
  } else {
    WakeBy(due);
  }
}

void DispatcherCore::Tick() {
  if (aborted_) {
    RefuseJobs();
    return;
  }
  bool more = schedule_.Advance(io_->wall_now(), limits::kQueueStepEntriesMax);
  if (!draining_) StepExpiry();
  ExpireSuspensions();
  ShedBodies();
  StepJobs();
  ServiceTouched();
  WallTime now = io_->wall_now();
  if (more || !jobs_.empty()) WakeBy(now);
  if (draining_) return;  // nothing begins any more, whatever is due
  if (!kept_.empty()) WakeBy(now + kTick);
  if (auto next = schedule_.NextWake()) WakeBy(*next);
  for (const Suspension& suspension : suspensions_) {
    if (suspension.until != WallTime()) WakeBy(suspension.until);
  }
}

void DispatcherCore::StepExpiry() {
  uint32_t budget = limits::kQueueStepEntriesMax;
  while (!outbound_full()) {
    Slot slot = schedule_.TakeExpired(io_->wall_now(), &budget);
    if (slot == kNone) return;
    EntryTask task;
    task.slot = slot;
    Run(std::move(task));
  }
}

// Sites that are touched by it have their turn with the next tick: a backlog that goes from one
// site to another does so in steps.
void DispatcherCore::ServiceTouched() {
  for (SiteId id : schedule_.TakeTouchedSites()) ServiceSite(id);
  if (schedule_.touched()) WakeBy(io_->wall_now());
}

DispatcherCore::SiteId DispatcherCore::RouteSite(std::string_view domain) {
  const delivery::Route* route = domain == kSandboxDomain ? nullptr : config_->routes.Find(domain);
  if (!route) return kNoRouteSite;
  if (route->by_mx) return AskExchangers(domain);
  return FindSite(domain, route->WithTlsFloor(config_->destinations.TlsFloor(domain)));
}

// `route` gets the floor of TLS that the rules ask for. Sites are told apart by the rules as by
// their next hops, but where these are the ones that everybody has.
delivery::SiteLimits DispatcherCore::LimitsFor(std::string_view domain, delivery::Route* route,
                                               std::string* tag) const {
  if (!config_->shaping) return plain_limits_;
  const std::vector<std::string> hosts = HostsOf(*route);
  delivery::Shaping shaping = config_->shaping->For({.domain = domain, .hosts = hosts});
  *route = route->WithTlsFloor(shaping.tls_floor());
  *tag = shaping.SiteTag();
  if (*tag == config_->shaping->For({}).SiteTag()) tag->clear();
  return delivery::SiteLimits::Of(*config_, shaping);
}

DispatcherCore::SiteId DispatcherCore::FindSite(std::string_view domain, delivery::Route route) {
  std::string tag;
  delivery::SiteLimits limits = LimitsFor(domain, &route, &tag);
  std::string name = route.SiteName();
  if (!tag.empty()) name += " " + tag;
  auto known = site_names_.find(name);
  if (known != site_names_.end()) {
    RenewCredentials(known->second, route);
    Site* site = sites_[known->second].get();
    FindProvider(limits);  // whose totals may be others now
    Limit(site, std::move(limits));
    if (actions_.size() > 0) ApplyTo(site);
    return known->second;
  }
  SiteId id = schedule_.AddSite();
  auto site = std::make_unique<Site>(name, route.next_hops, [](reactor::Timer* timer) {
    auto* retry = static_cast<Site::RetryTimer*>(timer);
    retry->core->ServiceSite(retry->site);
  });
  site->by_mx = route.by_mx;
  site->plain = tag.empty();
  site->hosts = HostsOf(route);
  site->rule_domain = domain;
  site->budget = budgets_->Find(name, limits.connections, region_->shards);
  site->provider = FindProvider(limits);
  Limit(site.get(), std::move(limits));
  site->retry.core = this;
  site->retry.site = id;
  site->lookups.resize(route.next_hops.size());
  PutSite(id, std::move(site));
  if (actions_.size() > 0) ApplyTo(sites_[id].get());
  for (const Suspension& suspension : suspensions_) {
    if (suspension.domain.empty()) SuspendHops(sites_[id].get(), suspension.next_hop, true);
  }
  return id;
}

void DispatcherCore::Limit(Site* site, delivery::SiteLimits limits) {
  site->limits = std::move(limits);
  site->budget->SetConnectionsMax(site->limits.connections);
  if (site->provider && site->limits.total_connections > 0) {
    site->provider->budget->SetConnectionsMax(site->limits.total_connections);
  }
  site->settings = SettingsOf(site->limits, hostname_, *region_);
}

Provider* DispatcherCore::FindProvider(const delivery::SiteLimits& limits) {
  if (limits.provider.empty()) return nullptr;
  auto [found, fresh] = providers_.try_emplace(limits.provider);
  uint32_t most = limits.total_connections > 0 ? limits.total_connections : UINT32_MAX;
  // A space is in no site's name that begins so.
  if (fresh) {
    found->second.budget = budgets_->Find("provider " + limits.provider, most, region_->shards);
  }
  found->second.budget->SetConnectionsMax(most);
  return &found->second;
}

void DispatcherCore::PutSite(SiteId id, std::unique_ptr<Site> site) {
  RP_CHECK(id <= sites_.size());
  if (id == sites_.size()) sites_.emplace_back();
  site_names_.emplace(site->name, id);
  sites_[id] = std::move(site);
}

// A site stays when routes are new; what its hops' secret files held may be new as well.
void DispatcherCore::RenewCredentials(SiteId id, const delivery::Route& route) {
  for (size_t hop = 0; hop < route.next_hops.size(); ++hop) {
    sites_[id]->health.SetCredentials(hop, route.next_hops[hop].credentials);
  }
}

void DispatcherCore::Reload(std::shared_ptr<const delivery::DeliveryConfig> config) {
  config_ = std::move(config);
  hostname_ = HostnameOf(*config_, *region_);
  plain_limits_ = PlainLimits(*config_);
  // Whom we trust, and what we are known by, may be others now. What is under way is carried out.
  for (auto& [connection, owned] : connections_) {
    connection->outdated = connection->verified_only();
  }
  // What a rule has said of a site is in its name, and another rule another site's.
  for (auto& site : sites_) {
    if (site->budget) Limit(site.get(), site->plain ? plain_limits_ : site->limits);
  }
  if (config_->shaping && automation_) {
    automation_->Reload(config_->shaping);
  } else if (config_->shaping) {
    automation_.emplace(config_->shaping);
  }
  if (actions_.size() > 0) ApplyActions();
  schedule_.Reroute();
  WakeBy(io_->wall_now());
}

void DispatcherCore::BeginDrain() {
  draining_ = true;
  std::vector<OutboundConnection*> idle;
  for (auto& site : sites_) {
    idle.insert(idle.end(), site->idle.begin(), site->idle.end());
    if (site->budget) site->budget->StopWaiting(io_->shard());
    if (site->provider) site->provider->budget->StopWaiting(io_->shard());
    site->retry.Cancel();
  }
  for (OutboundConnection* connection : idle) connection->Quit();
}

bool DispatcherCore::drained() const {
  return draining_ && transactions_.in_use() == 0 && outcomes_.in_use() == 0 && tasks_.empty() &&
         reads_in_flight_ == 0 && connections_.empty() && jobs_.empty() && own_mails_.in_use() == 0;
}

void DispatcherCore::Abort() {
  if (!draining_) BeginDrain();
  aborted_ = true;
  tick_.Cancel();
  outcome_retry_.Cancel();
  action_end_.Cancel();
  for (auto& [connection, owned] : connections_) {
    if (Transaction* transaction = connection->transaction) {
      connection->transaction = nullptr;
      transaction->connection = nullptr;
      GiveBack(transaction);
    }
    connection->Abort();
  }
  for (Outcome* outcome : std::exchange(refused_outcomes_, {})) GiveUp(outcome);
  for (EntryTask& task : std::exchange(tasks_, {})) {
    if (task.job) JobPartDone(task.job, false);
  }
  RefuseJobs();
}

// Answers commands that nothing is in flight for any more.
void DispatcherCore::RefuseJobs() {
  for (auto& job : jobs_) {
    if (job->pending > 0) continue;
    job->command->error = "the gateway is stopping";
    Answer(job->command);
  }
  std::erase_if(jobs_, [](const auto& job) { return job->pending == 0; });
}

void DispatcherCore::Trace(std::string_view next_hop, Dispatcher::TraceSink sink) {
  trace_hop_ = next_hop;
  trace_sink_ = std::move(sink);
  tracing_ = true;
  for (auto& [connection, owned] : connections_) TraceConnection(connection);
}

void DispatcherCore::Untrace() {
  tracing_ = false;
  for (auto& [connection, owned] : connections_) connection->SetTrace(nullptr, nullptr);
  trace_sink_ = nullptr;
}

void DispatcherCore::TraceConnection(OutboundConnection* connection) {
  if (!tracing_ || (!trace_hop_.empty() && trace_hop_ != connection->hop_name())) return;
  connection->SetTrace(
      [](void* context, bool from_client, std::string_view line) {
        auto* traced = static_cast<OutboundConnection*>(context);
        std::string text = traced->hop_name();
        text += from_client ? " C: " : " S: ";
        text.append(line);
        traced->core->trace_sink_(text);
      },
      connection);
}

}  // namespace ringpost::session
