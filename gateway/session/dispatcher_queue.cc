// What operators ask of the queue: walks over it in steps, and what they set off.
#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/session/dispatcher_core.h"
#include "gateway/smtp/address.h"

namespace ringpost::session {

using delivery::Entry;
using delivery::EntryState;
using delivery::kNone;
using Op = QueueCommand::Op;

namespace {

std::string_view StateName(const Entry& entry, bool suspended) {
  switch (entry.state) {
    case EntryState::kInHand:
      return "delivering";
    case EntryState::kHeld:
      return "held";
    case EntryState::kParked:  // or its site is asked for
    case EntryState::kFree:
    case EntryState::kWaiting:
    case EntryState::kReady:
      break;
  }
  if (suspended) return "suspended";
  return entry.attempts > 0 ? "deferred" : "queued";
}

WallTime FromSeconds(uint32_t seconds) { return WallFromMillis(int64_t{seconds} * 1000); }

bool Expired(const Suspension& suspension, WallTime now) {
  return suspension.until != WallTime() && suspension.until <= now;
}

void Advance(const QueueCommand& command, uint64_t steps) {
  if (!command.progress) return;
  command.progress->steps.fetch_add(steps, std::memory_order_relaxed);
  command.progress->affected.store(command.affected, std::memory_order_relaxed);
}

}  // namespace

std::string_view DispatcherCore::SenderOf(const QueueFilter& filter) {
  return filter.sender == "<>" ? std::string_view() : std::string_view(filter.sender);
}

void DispatcherCore::Answer(QueueCommand* command) {
  command->run = [](Posted* posted) {
    auto* done = static_cast<QueueCommand*>(posted);
    done->done(done);
  };
  command->reply_to->Post(command);
}

void DispatcherCore::Handle(QueueCommand* command) {
  switch (command->op) {
    case Op::kSuspend:
      Suspend(command);
      Answer(command);
      return;
    case Op::kResume:
      Resume(command);
      Answer(command);
      return;
    case Op::kSuspensions:
      command->suspensions = suspensions_;
      Answer(command);
      return;
    default:
      break;
  }
  if (aborted_) {
    command->error = "the gateway is stopping";
    Answer(command);
    return;
  }
  auto job = std::make_unique<QueueJob>();
  job->command = command;
  job->sender_hash = delivery::SenderHash(SenderOf(command->filter));
  job->domain_key = smtp::DomainKey(command->filter.recipient_domain);
  jobs_.push_back(std::move(job));
  StepJobs();
  ServiceTouched();
  if (!jobs_.empty()) WakeBy(io_->wall_now());
}

void DispatcherCore::StepJobs() {
  for (size_t i = 0; i < jobs_.size();) {
    QueueJob* job = jobs_[i].get();
    if (!job->walked) StepWalk(job);
    if (job->walked) StepViews(job);
    bool done = job->walked && job->pending == 0 && job->next_selected == job->selected.size();
    if (!done) {
      ++i;
      continue;
    }
    QueueCommand* command = job->command;
    std::sort(
        command->rows.begin(), command->rows.end(),
        [](const QueueSummaryRow& a, const QueueSummaryRow& b) { return a.domain < b.domain; });
    std::sort(command->entries.begin(), command->entries.end(),
              [](const QueueEntryView& a, const QueueEntryView& b) {
                return std::tie(a.id, a.next_hop) < std::tie(b.id, b.next_hop);
              });
    jobs_.erase(jobs_.begin() + static_cast<std::ptrdiff_t>(i));
    Answer(command);
  }
}

// Looks at the next entries of the queue, or, where the filter names a message, at its entries.
void DispatcherCore::StepWalk(QueueJob* job) {
  if (job->command->filter.id) {
    std::vector<Slot> slots;
    Slot first = schedule_.Find(*job->command->filter.id);
    for (Slot slot = first; slot != kNone;) {
      slots.push_back(slot);
      slot = schedule_[slot].sibling == first ? kNone : schedule_[slot].sibling;
    }
    job->walked = true;
    for (Slot slot : slots) Visit(job, slot);
  } else {
    uint32_t budget = limits::kQueueStepEntriesMax;
    while (job->cursor < schedule_.slot_limit() && budget > 0 && !outbound_full()) {
      Slot slot = job->cursor++;
      --budget;
      if (schedule_.Live(slot)) Visit(job, slot);
    }
    Advance(*job->command, limits::kQueueStepEntriesMax - budget);
    job->walked = job->cursor >= schedule_.slot_limit();
  }
  if (job->walked) std::sort(job->selected.begin(), job->selected.end());
}

void DispatcherCore::Visit(QueueJob* job, Slot slot) {
  if (!Matches(*job, slot)) return;
  switch (job->command->op) {
    case Op::kSummary:
      Summarise(job, slot);
      break;
    case Op::kList:
    case Op::kShow:
      Select(job, slot);
      break;
    default:
      Act(job, slot);
      break;
  }
}

bool DispatcherCore::Matches(const QueueJob& job, Slot slot) {
  const QueueFilter& filter = job.command->filter;
  const Entry& entry = schedule_[slot];
  if (filter.id && entry.id != *filter.id) return false;
  if (filter.held_only && entry.state != EntryState::kHeld) return false;
  if (!filter.sender.empty() && entry.sender_hash != job.sender_hash) return false;
  bool any_domain = filter.recipient_domain.empty();
  if (!any_domain && schedule_.domain(entry.domain).name != job.domain_key) return false;
  return filter.next_hop.empty() || NamesHop(KnownSite(slot), filter.next_hop);
}

// Asks nobody: one that is not known is like none.
const Site& DispatcherCore::KnownSite(Slot slot) const {
  SiteId site = schedule_.KnownSiteOf(slot);
  return *sites_[site == kNone ? kNoRouteSite : site];
}

bool DispatcherCore::NamesHop(const Site& site, std::string_view next_hop) {
  if (site.name == next_hop) return true;
  const auto& hops = site.health.hops();
  return std::any_of(hops.begin(), hops.end(),
                     [&](const auto& hop) { return hop.name == next_hop; });
}

bool DispatcherCore::Suspended(Slot slot) {
  return schedule_.domain(schedule_[slot].domain).suspended ||
         KnownSite(slot).health.all_suspended();
}

void DispatcherCore::Summarise(QueueJob* job, Slot slot) {
  const Entry& entry = schedule_[slot];
  QueueCommand* command = job->command;
  auto [found, fresh] = job->rows.try_emplace(entry.domain, command->rows.size());
  if (fresh && command->rows.size() >= limits::kControlSummaryRowsMax) {
    // Counted, not shown: one row without a domain holds the rest.
    if (command->rows.back().domain.empty()) {
      found->second = command->rows.size() - 1;
    } else {
      command->rows.emplace_back();
    }
  } else if (fresh) {
    QueueSummaryRow& row = command->rows.emplace_back();
    row.domain = schedule_.domain(entry.domain).name;
    row.next_hop = KnownSite(slot).name;
    row.suspended = Suspended(slot);
  }
  QueueSummaryRow& row = command->rows[found->second];
  if (entry.state == EntryState::kHeld) {
    ++row.held;
  } else if (entry.state == EntryState::kInHand) {
    ++row.delivering;
  } else {
    ++(entry.attempts > 0 ? row.deferred : row.queued);
  }
  WallTime received = entry.id.time();
  if (!row.oldest || received < *row.oldest) row.oldest = received;
}

// Keeps the `limit` smallest ids behind `after`: a heap with the largest of them on top.
void DispatcherCore::Select(QueueJob* job, Slot slot) {
  const MessageId& id = schedule_[slot].id;
  const QueueCommand& command = *job->command;
  if (command.after && id <= *command.after) return;
  size_t most = std::clamp<size_t>(command.limit, 1, limits::kQueueListEntriesMax);
  bool full = job->selected.size() == most;
  if (full && id >= job->selected.front()) return;
  if (std::find(job->selected.begin(), job->selected.end(), id) != job->selected.end()) return;
  if (full) {
    std::pop_heap(job->selected.begin(), job->selected.end());
    job->selected.pop_back();
  }
  job->selected.push_back(id);
  std::push_heap(job->selected.begin(), job->selected.end());
}

void DispatcherCore::Act(QueueJob* job, Slot slot) {
  QueueCommand* command = job->command;
  EntryState state = schedule_[slot].state;
  bool held = state == EntryState::kHeld, in_hand = state == EntryState::kInHand;
  if (command->op == Op::kRetry) {
    if (held) return;
    SiteId site = schedule_.KnownSiteOf(slot);
    if (site != kNone) sites_[site]->health.ForgetFailures();
    if (state == EntryState::kWaiting) schedule_.MakeReady(slot, false);
    // It may have failed already, and that be on its way to the disk.
    if (in_hand) schedule_[slot].flags |= delivery::kRetryAsked;
    ++command->affected;
    return;
  }
  if (in_hand) return;  // too late
  EntryTask task;
  switch (command->op) {
    case Op::kHold:
      if (held) return;
      task.kind = EntryTask::Kind::kHold;
      break;
    case Op::kRelease:
      if (!held) return;
      task.kind = EntryTask::Kind::kRelease;
      break;
    case Op::kDelete:
      task.kind = EntryTask::Kind::kDelete;
      break;
    case Op::kBounce:
      task.kind = EntryTask::Kind::kBounce;
      task.reply.enhanced = {5, 0, 0};
      task.reply.text =
          command->reason.empty() ? "returned by the operator of this gateway" : command->reason;
      break;
    default:
      return;
  }
  schedule_.Take(slot);
  task.slot = slot;
  task.job = job;
  ++job->pending;
  Run(std::move(task));
}

// Some part that an operator's command set off is stored, or could not be done.
void DispatcherCore::JobPartDone(QueueJob* job, bool counts) {
  RP_CHECK(job->pending > 0);
  --job->pending;
  if (counts) ++job->command->affected;
  Advance(*job->command, 1);
  if (job->pending == 0) WakeBy(io_->wall_now());
}

// Reads the envelopes of what was selected, some at a time.
void DispatcherCore::StepViews(QueueJob* job) {
  while (job->next_selected < job->selected.size() &&
         reads_in_flight_ < limits::kQueueReadsInFlightMax) {
    ViewRead* read = view_reads_.Make();
    read->core = this;
    read->job = job;
    read->id = job->selected[job->next_selected++];
    read->kind = storage::ReadRequest::Kind::kEnvelope;
    read->reply_to = &io_->inbox();
    read->run = [](Posted* posted) {
      auto* done = static_cast<ViewRead*>(posted);
      done->core->ViewLoaded(done);
    };
    ++reads_in_flight_;
    ++job->pending;
    region_->spool->Read(read);
  }
}

void DispatcherCore::ViewLoaded(ViewRead* read) {
  --reads_in_flight_;
  QueueJob* job = read->job;
  AddViews(job, *read);
  view_reads_.Free(read);
  JobPartDone(job, false);
  RunQueuedTasks();
  StepJobs();
}

// One view per site: the entries of a message that go the same way are shown as one.
void DispatcherCore::AddViews(QueueJob* job, const ViewRead& read) {
  const QueueFilter& filter = job->command->filter;
  const storage::StoredEnvelope& envelope = read.envelope;
  if (read.status.ok() && !filter.sender.empty() && envelope.reverse_path != SenderOf(filter)) {
    return;
  }
  std::vector<QueueEntryView>& views = job->command->entries;
  size_t begin = views.size();
  Slot first = schedule_.Find(read.id);
  for (Slot slot = first; slot != kNone;) {
    const Entry& entry = schedule_[slot];
    std::string_view next_hop = KnownSite(slot).name;
    std::string_view state = StateName(entry, Suspended(slot));
    auto view = std::find_if(views.begin() + static_cast<std::ptrdiff_t>(begin), views.end(),
                             [&](const QueueEntryView& other) {
                               return other.next_hop == next_hop && other.state == state;
                             });
    if (view == views.end()) {
      view = views.emplace(views.end());
      view->id = read.id;
      view->sender = envelope.reverse_path;
      view->next_hop = next_hop;
      view->state = state;
      view->attempts = entry.attempts;
      view->received = read.status.ok() ? envelope.received : read.id.time();
      view->next_attempt = FromSeconds(entry.due_seconds);
      view->deadline = FromSeconds(entry.deadline_seconds);
      view->bytes = entry.bytes;
      if (!read.status.ok()) view->last_reply = "its record cannot be read";
      if (read.status.ok() && entry.attempts > 0) view->last_reply = LastReplyText(entry);
    }
    view->recipients_open += entry.recipients;
    AddRecipients(&*view, read, schedule_.domain(entry.domain).name);
    slot = entry.sibling == first ? kNone : entry.sibling;
  }
}

std::string DispatcherCore::LastReplyText(const Entry& entry) {
  std::string text = entry.reply_code == 0 ? "no answer" : std::to_string(entry.reply_code);
  if (entry.enhanced[0] == 0 && entry.enhanced[1] == 0) return text;
  uint16_t klass = entry.reply_code >= 500 ? 5 : 4;
  return text + " " + smtp::EnhancedCode{klass, entry.enhanced[0], entry.enhanced[1]}.ToString();
}

void DispatcherCore::AddRecipients(QueueEntryView* view, const ViewRead& read,
                                   std::string_view domain) {
  const auto& recipients = read.envelope.recipients;
  for (size_t i = 0; i < recipients.size(); ++i) {
    if (view->recipients.size() >= limits::kQueueViewRecipientsMax) return;
    auto status =
        i < read.recipients.size() ? read.recipients[i].status : storage::RecipientStatus::kQueued;
    bool open = status != storage::RecipientStatus::kDelivered &&
                status != storage::RecipientStatus::kBounced;
    if (!open || DomainKeyOf(recipients[i].address) != domain) continue;
    const std::string& address = recipients[i].address;
    bool shown = std::find(view->recipients.begin(), view->recipients.end(), address) !=
                 view->recipients.end();
    if (!shown) view->recipients.push_back(address);
  }
}

void DispatcherCore::Suspend(QueueCommand* command) {
  Suspension suspension = command->suspension;
  suspension.domain = smtp::DomainKey(suspension.domain);
  if (suspension.domain.empty() && suspension.next_hop.empty()) {
    command->error = "name a domain or a next hop to suspend";
    return;
  }
  for (Suspension& known : suspensions_) {
    if (known.domain != suspension.domain || known.next_hop != suspension.next_hop) continue;
    known.until = suspension.until;
    command->affected = 1;
    return;
  }
  if (suspensions_.size() >= limits::kSuspensionsMax) {
    command->error = "too many suspensions: resume some first";
    return;
  }
  ApplySuspension(suspension, true);
  suspensions_.push_back(std::move(suspension));
  command->affected = 1;
  WakeBy(io_->wall_now());
}

void DispatcherCore::Resume(QueueCommand* command) {
  std::string domain = smtp::DomainKey(command->suspension.domain);
  const std::string& next_hop = command->suspension.next_hop;
  bool all = command->suspension.domain.empty() && next_hop.empty();
  RemoveSuspensions([&](const Suspension& suspension) {
    bool match = all || (suspension.domain == domain && suspension.next_hop == next_hop);
    if (match) ++command->affected;
    return match;
  });
}

void DispatcherCore::ExpireSuspensions() {
  if (suspensions_.empty()) return;
  WallTime now = io_->wall_now();
  RemoveSuspensions([&](const Suspension& suspension) { return Expired(suspension, now); });
}

void DispatcherCore::RemoveSuspensions(const std::function<bool(const Suspension&)>& which) {
  std::vector<Suspension> gone;
  std::erase_if(suspensions_, [&](const Suspension& suspension) {
    if (!which(suspension)) return false;
    gone.push_back(suspension);
    return true;
  });
  if (gone.empty()) return;
  for (const Suspension& suspension : gone) ApplySuspension(suspension, false);
  // One that is gone may have covered what another still covers.
  for (const Suspension& suspension : suspensions_) ApplySuspension(suspension, true);
  for (SiteId id = 0; id < sites_.size(); ++id) {
    if (schedule_.ready(id) > 0) ServiceSite(id);
  }
  WakeBy(io_->wall_now());
}

// A suspension of a domain at one next hop suspends the domain: a domain has one site.
void DispatcherCore::ApplySuspension(const Suspension& suspension, bool on) {
  if (!suspension.domain.empty()) {
    if (on) {
      schedule_.SuspendDomain(suspension.domain);
    } else {
      schedule_.ResumeDomain(suspension.domain);
    }
    return;
  }
  for (auto& site : sites_) SuspendHops(site.get(), suspension.next_hop, on);
}

void DispatcherCore::SuspendHops(Site* site, std::string_view next_hop, bool on) {
  bool whole = site->name == next_hop;
  for (delivery::HopHealth::Hop& hop : site->health.hops()) {
    if (whole || hop.name == next_hop) hop.suspended = on;
  }
}

}  // namespace ringpost::session
