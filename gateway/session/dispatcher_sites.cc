// Connections to next hops: opened as the backlog wants, reused, given up.
#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/base/limits.h"
#include "gateway/session/dispatcher_core.h"

namespace ringpost::session {

using delivery::HopHealth;
using delivery::kNone;

namespace {

// So long before a site's next message may go a connection is made for it, where there is none.
constexpr Millis kConnectBefore{1000};

}  // namespace

bool DispatcherCore::outbound_full() const {
  return outcomes_.in_use() >= limits::kOutcomesInFlightMax ||
         tasks_.size() >= limits::kOutcomesInFlightMax;
}

void DispatcherCore::ServiceSite(SiteId id) {
  if (draining_) return;
  Site& site = *sites_[id];
  if (schedule_.ready(id) > 0 && site.budget) {
    const MonoTime now = io_->now();
    if (site.waits_until > now) {
      StopWaiting(id);
      io_->timers().Schedule(&site.retry, site.waits_until);
      return;
    }
    // A connection there must be when it is time, to have a turn with those of other sites; no
    // sooner, for one that waits is closed.
    MonoTime when = NextAllowed(site, Paced::kMessage);
    MonoTime look = site.open > 0 ? when : when - kConnectBefore;
    if (when > now && look > now) {
      io_->timers().Schedule(&site.retry, look);
      return;
    }
  }
  while (!site.idle.empty() && schedule_.ready(id) > 0) {
    if (outbound_full()) {
      starved_ = true;
      return;
    }
    OutboundConnection* connection = site.idle.back();
    site.idle.pop_back();
    if (!connection->usable()) continue;
    GiveWork(connection);
    // It found nothing that is still for this site among what it looked at: the site is touched.
    if (!site.idle.empty() && site.idle.back() == connection) return;
  }
  if (schedule_.ready(id) > 0) {
    OpenConnections(id);
  } else if (site.budget) {
    StopWaiting(id);
    YieldIdle(id);
  }
}

// Connections without work are no use to this shard while another waits for their slots.
void DispatcherCore::YieldIdle(SiteId id) {
  Site& site = *sites_[id];
  while (!site.idle.empty() && ShouldYield(id)) {
    OutboundConnection* connection = site.idle.front();
    if (connection->transactions() == 0) break;  // it waits for its turn
    site.idle.erase(site.idle.begin());
    connection->Quit();
  }
  bool full = site.budget->full() || (site.provider && site.provider->budget->full());
  if (!site.idle.empty() && full && !site.retry.scheduled()) {
    io_->timers().Schedule(&site.retry, io_->now() + Millis(limits::kLeaseQuantumMillis));
  }
}

void DispatcherCore::OpenConnections(SiteId id) {
  Site& site = *sites_[id];
  if (!site.budget) {
    DeferReady(id);
    return;
  }
  if (io_->now() < site.paused_until) {
    io_->timers().Schedule(&site.retry, site.paused_until);
    return;
  }
  ResolveHops(id);
  while (site.connecting < limits::kConnectingPerSiteMax && schedule_.ready(id) > site.connecting) {
    size_t target = site.health.Choose(io_->now());
    if (target == HopHealth::kNoTarget) {
      bool waits = site.health.all_suspended() || site.health.waits_for_addresses();
      // While connections are open their messages tell how the site is; those that wait go on
      // waiting.
      if (!waits && site.open == 0) DeferReady(id);
      return;
    }
    // A hop that failed, or has yet to take our credentials, is probed by one connection; the rest
    // of the queue waits for what comes of it.
    if (site.health.needs_probe(target) && site.connecting > 0) return;
    if (site.open > 0 && NextAllowed(site, Paced::kMessage) > io_->now()) return;
    if (!Lease(id)) {
      io_->timers().Schedule(&site.retry, io_->now() + Millis(limits::kLeaseRetryMillis));
      return;
    }
    if (!TakePace(&site, Paced::kConnection)) {
      Release(id);
      io_->timers().Schedule(
          &site.retry, std::max(NextAllowed(site, Paced::kConnection), io_->now() + Millis(1)));
      return;
    }
    Connect(id, target);
  }
}

void DispatcherCore::Connect(SiteId id, size_t target_number) {
  Site& site = *sites_[id];
  const HopHealth::Target& target = site.health.target(target_number);
  const IpAddress* source = nullptr;
  for (const IpAddress& address : region_->egress) {
    if (address.is_v4() == target.endpoint.address.is_v4()) source = &address;
  }
  auto owned = std::make_unique<OutboundConnection>(io_, this, &site.settings, id, target.endpoint,
                                                    site.health.hops()[target.hop].next_hop,
                                                    site.health.hops()[target.hop].tlsa);
  OutboundConnection* connection = owned.get();
  connection->core = this;
  connection->hop_index = target.hop;
  connection->for_domain = schedule_.FrontDomain(id);
  connections_.emplace(connection, std::move(owned));
  ++site.open;
  ++site.connecting;
  TraceConnection(connection);
  connection->Connect(source);
}

// Asks for the addresses of hops given by name, when they are not known or no longer fresh.
void DispatcherCore::ResolveHops(SiteId id) {
  Site& site = *sites_[id];
  for (size_t i = 0; i < site.health.hops().size(); ++i) {
    HopHealth::Hop& hop = site.health.hops()[i];
    if (hop.next_hop.address || hop.resolving || hop.resolve_after > io_->now()) continue;
    hop.resolving = true;
    auto lookup = std::make_unique<Site::Lookup>();
    lookup->core = this;
    lookup->site = id;
    lookup->hop = i;
    lookup->host = hop.next_hop.host;
    lookup->dane = hop.next_hop.by_dnssec;
    lookup->reply_to = &io_->inbox();
    lookup->run = [](Posted* posted) {
      auto* done = static_cast<Site::Lookup*>(posted);
      if (done->core) {
        done->core->Resolved(done);
      } else {
        delete done;
      }
    };
    site.lookups[i] = std::move(lookup);
    ResolverOf(site)->Resolve(site.lookups[i].get());
  }
}

void DispatcherCore::Resolved(Site::Lookup* lookup) {
  SiteId id = lookup->site;
  Site& site = *sites_[id];
  std::unique_ptr<Site::Lookup> done = std::move(site.lookups[lookup->hop]);
  HopHealth::Hop& hop = site.health.hops()[done->hop];
  hop.resolving = false;
  bool found = !done->addresses.empty();
  hop.no_address = done->no_address;
  hop.resolve_after =
      io_->now() + Seconds(found ? limits::kHostAnswerSeconds : limits::kHostFailureSeconds);
  if (done->tlsa.known()) {
    hop.tlsa = std::move(done->tlsa);
  } else if (done->dane) {
    RecordNoTlsa(site, *done);
    // Records that it was held to stay good enough; that there were none does not (RFC 7672 section
    // 2.2), for who wants none to be seen may be who keeps the answer away.
    if (!hop.tlsa.policy) site.health.DropAddresses(done->hop);
  }
  if (!found) {
    site.last_failure = delivery::UnreachableReply(hop.name, done->error);
    site.last_failure_hop = hop.name;
  }
  site.health.SetAddresses(done->hop, done->addresses);
  ServiceSite(id);
}

// Every next hop is down, or there is none: each message that is due is deferred by its own
// schedule.
void DispatcherCore::DeferReady(SiteId id) {
  Site& site = *sites_[id];
  while (schedule_.ready(id) > 0) {
    if (outbound_full()) {
      starved_ = true;
      return;
    }
    Slot slot = schedule_.PopReady(id);
    if (slot == kNone) return;
    Run(Undeliverable(site, slot));
  }
}

EntryTask DispatcherCore::Undeliverable(const Site& site, Slot slot) const {
  const std::string& domain = schedule_.domain(schedule_[slot].domain).name;
  EntryTask task;
  task.slot = slot;
  task.kind = EntryTask::Kind::kDefer;
  const auto& hops = site.health.hops();
  bool nowhere = site.by_mx && std::all_of(hops.begin(), hops.end(),
                                           [](const auto& hop) { return hop.no_address; });
  if (domain == kSandboxDomain) {
    task.kind = EntryTask::Kind::kSandbox;
    task.reply = {250, {2, 0, 0}, "Accepted in the sandbox: nothing is delivered"};
  } else if (site.verdict || nowhere) {
    task.reply = delivery::NoExchangerReply(
        domain, site.verdict.value_or(dns::Exchangers::Outcome::kNoHost));
    if (task.reply.permanent()) task.kind = EntryTask::Kind::kBounce;
  } else if (site.forbidden) {
    task.reply = delivery::PolicyForbidsReply(domain);
  } else if (site.budget) {
    task.relay = site.last_failure_hop;
    task.reply = site.last_failure;
  } else {
    task.reply = delivery::NoRouteReply(domain);
  }
  return task;
}

bool DispatcherCore::MustQuit(OutboundConnection* connection) const {
  const Site& site = *sites_[connection->site()];
  if (connection->outdated || io_->now() < site.waits_until) return true;
  uint32_t done = connection->transactions();
  uint32_t mails_max = connection->capabilities().mail_max;
  if (mails_max > 0 && done >= mails_max) return true;
  uint32_t ours = site.limits.messages_per_connection;
  if (ours > 0 && done >= ours) return true;
  for (const HopHealth::Hop& hop : site.health.hops()) {
    if (hop.suspended && hop.name == connection->hop_name()) return true;
  }
  // Whatever is short, a connection that was made carries something.
  if (done == 0) return false;
  if (io_->now() - connection->ready_at() < Millis(limits::kLeaseQuantumMillis)) return false;
  return ShouldYield(connection->site());
}

// The connection is free: its site's next message, or rest.
void DispatcherCore::GiveWork(OutboundConnection* connection) {
  Site& site = *sites_[connection->site()];
  while (true) {
    if (draining_ || MustQuit(connection)) {
      connection->Quit();
      return;
    }
    bool full = outbound_full();
    starved_ |= full;
    bool paced =
        !full && schedule_.ready(connection->site()) > 0 && !TakePace(&site, Paced::kMessage);
    if (paced) {
      io_->timers().Schedule(&site.retry,
                             std::max(NextAllowed(site, Paced::kMessage), io_->now() + Millis(1)));
    }
    Started started = full || paced ? Started::kNothing : StartNext(connection);
    if (started == Started::kUnderWay) return;
    if (started == Started::kNothing) break;
  }
  connection->Rest();
  site.idle.push_back(connection);
  YieldIdle(connection->site());
}

DispatcherCore::Started DispatcherCore::StartNext(OutboundConnection* connection) {
  Slot slot = schedule_.PopReady(connection->site());
  if (slot == kNone) return Started::kNothing;
  Transaction* transaction = NewTransaction(connection);
  transaction->slots.push_back(slot);
  schedule_.TakeSiblings(slot, &transaction->slots);
  if (LiveMessage* live = LiveOf(slot)) {
    transaction->live = live;
    ++live->users;
    return Prepare(transaction) ? Started::kUnderWay : Started::kSettled;
  }
  connection->Reserve();
  LoadEnvelope(transaction);
  return Started::kUnderWay;
}

void DispatcherCore::OnReady(OutboundConnection* connection) {
  SiteId id = connection->site();
  Site& site = *sites_[id];
  bool let_in = connection->connecting && connection->credentials();
  if (connection->connecting) {
    connection->connecting = false;
    --site.connecting;
  }
  if (let_in) {
    Count(Counter::kAuthOut);
    size_t target = site.health.FindTarget(connection->hop_index, connection->peer());
    bool present = site.health.TakesCredentials(connection->hop_index, connection->credentials());
    if (target != HopHealth::kNoTarget && present) site.health.CredentialsAccepted(target);
  }
  if (!connection->transaction) GiveWork(connection);
  if (let_in) ServiceSite(id);  // others may follow it now
}

void DispatcherCore::OnBroken(OutboundConnection* connection) {
  SiteId id = connection->site();
  Site& site = *sites_[id];
  std::erase(site.idle, connection);
  size_t target = site.health.FindTarget(connection->hop_index, connection->peer());
  bool known = target != HopHealth::kNoTarget;
  if (connection->connecting) {
    connection->connecting = false;
    --site.connecting;
    if (connection->short_of_descriptors()) {
      site.paused_until = io_->now() + Millis(limits::kNoDescriptorPauseMillis);
    } else if (known && connection->auth_refused()) {
      bool present = site.health.TakesCredentials(connection->hop_index, connection->credentials());
      if (present) site.health.CredentialsRefused(target, io_->now());
    } else if (known) {
      site.health.ConnectFailed(target, io_->now());
    }
    site.last_failure = connection->failure();
    if (!site.last_failure.enhanced.present()) site.last_failure.enhanced = {4, 4, 1};
    site.last_failure_hop = connection->hop_name();
    LogUnusable(connection, site.last_failure);
    Observe(id, connection->for_domain, site.last_failure);
  } else if (Transaction* transaction = connection->transaction) {
    FailTransaction(transaction, known ? target : HopHealth::kNoTarget);
  } else if (known && connection->transactions() == 0) {
    site.health.Broke(target, io_->now());  // it let us in, and would not hear us
  }
  // The slot is free once the connection is closed: OnClosed goes on with the site.
}

// Nothing was asked of it: it could not be reached, or did not let us in.
void DispatcherCore::LogUnusable(OutboundConnection* connection, const smtp::Reply& failure) {
  bool refused = connection->auth_refused();
  if (refused) Count(Counter::kAuthOutRefused);
  LogLine line(io_->wall_now(), refused ? "auth_refused" : "unreachable");
  line.Text("relay", connection->hop_name()).Text("address", connection->peer().ToString());
  if (refused) line.Text("user", connection->credentials()->user);
  line.Number("reply_code", failure.code).Text("reply", failure.text);
  if (refused) line.Text("words", "mail waits: correct the route's user or secret_file and reload");
  line.To(*region_->log);
}

void DispatcherCore::OnTlsFallback(OutboundConnection* connection, std::string_view reason) {
  LogLine(io_->wall_now(), "tls_fallback")
      .Text("relay", connection->hop_name())
      .Text("address", connection->peer().ToString())
      .Text("words", "in clear text from here on: TLS failed: " + std::string(reason))
      .To(*region_->log);
}

// All that the next hop had to say was 421: it ended a connection that it had served.
bool DispatcherCore::SaysClosing(const smtp::ClientSession::Outcome& outcome,
                                 const smtp::Reply& failure) {
  return failure.code == 421 &&
         std::all_of(outcome.recipients.begin(), outcome.recipients.end(),
                     [](const smtp::Reply& reply) { return reply.code == 0 || reply.code == 421; });
}

void DispatcherCore::FailTransaction(Transaction* transaction, size_t target) {
  OutboundConnection* connection = transaction->connection;
  Site& site = *sites_[connection->site()];
  connection->transaction = nullptr;
  transaction->connection = nullptr;
  if (transaction->stage == Transaction::Stage::kLoading) return;  // EnvelopeLoaded gives it back
  smtp::ClientSession::Outcome& outcome = connection->session().outcome();
  // A connection that was kept may have been closed by the next hop just when it was used again.
  // Nothing was answered, so nothing was tried.
  bool stale = connection->transactions() > 0 &&
               (connection->silent_since_begin() || SaysClosing(outcome, connection->failure()));
  bool untouched = transaction->stage == Transaction::Stage::kGathering ||
                   transaction->stage == Transaction::Stage::kSigning;
  if (untouched || (stale && !outcome.in_doubt)) {
    GiveBack(transaction);
    return;
  }
  if (target != HopHealth::kNoTarget) {
    site.health.Broke(target, io_->now());
    site.last_failure = connection->failure();
    if (!site.last_failure.enhanced.present()) site.last_failure.enhanced = {4, 4, 2};
    site.last_failure_hop = connection->hop_name();
  }
  Settle(transaction, connection, &outcome, connection->failure());
  EndTransaction(transaction);
}

void DispatcherCore::OnClosed(OutboundConnection* connection) {
  SiteId id = connection->site();
  Site& site = *sites_[id];
  std::erase(site.idle, connection);
  if (connection->connecting) --site.connecting;
  --site.open;
  Release(id);
  RP_CHECK(connection->transaction == nullptr);
  connections_.erase(connection);
  ServiceProvider(site);
  ServiceSite(id);
}

}  // namespace ringpost::session
