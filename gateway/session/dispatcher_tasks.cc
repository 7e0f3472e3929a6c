// What is done with entries outside of a transaction: they expire, are deferred with a next hop
// that is down, held, released, deleted or bounced. Where the entry itself knows its recipients
// nothing is read.
#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/base/limits.h"
#include "gateway/session/dispatcher_core.h"

namespace ringpost::session {
namespace {

using delivery::Entry;
using delivery::kNone;
using storage::RecipientState;
using storage::RecipientStatus;
using storage::StoredEvent;
using Kind = EntryTask::Kind;

smtp::Reply LastReply(const Entry& entry) {
  smtp::Reply reply;
  reply.code = entry.reply_code;
  if (entry.enhanced[0] != 0 || entry.enhanced[1] != 0) {
    uint16_t klass = reply.code >= 500 ? 5 : 4;
    reply.enhanced = {klass, entry.enhanced[0], entry.enhanced[1]};
  }
  return reply;
}

// The state of an entry's recipients as it stands, to be changed.
RecipientState StateOf(const Entry& entry) {
  smtp::Reply last = LastReply(entry);
  RecipientState state;
  state.status = entry.attempts > 0 ? RecipientStatus::kDeferred : RecipientStatus::kQueued;
  state.attempts = entry.attempts;
  state.next_attempt = WallFromMillis(int64_t{entry.due_seconds} * 1000);
  state.reply_code = last.code;
  state.enhanced[0] = last.enhanced.klass;
  state.enhanced[1] = last.enhanced.subject;
  state.enhanced[2] = last.enhanced.detail;
  return state;
}

bool Closes(Kind kind) {
  return kind == Kind::kExpire || kind == Kind::kDelete || kind == Kind::kBounce ||
         kind == Kind::kSandbox;
}

}  // namespace

// The entry is in hand.
void DispatcherCore::Run(EntryTask task) {
  Entry& entry = schedule_[task.slot];
  if (LiveMessage* live = LiveOf(task.slot)) {
    RunLoaded(task, live);
    return;
  }
  bool told = (entry.flags & delivery::kWantsDelayNotice) != 0;
  bool by_sender = task.job && !task.job->command->filter.sender.empty();
  bool known = (entry.flags & delivery::kAllRecipients) != 0;
  if (known && !told && !by_sender && !Closes(task.kind)) {
    RunFromEntry(task);
    return;
  }
  if (reads_in_flight_ >= limits::kQueueReadsInFlightMax) {
    tasks_.push_back(std::move(task));
    return;
  }
  TaskRead* read = task_reads_.Make();
  read->core = this;
  read->id = entry.id;
  read->kind = storage::ReadRequest::Kind::kEnvelope;
  read->reply_to = &io_->inbox();
  read->task = std::move(task);
  read->run = [](Posted* posted) {
    auto* done = static_cast<TaskRead*>(posted);
    done->core->TaskLoaded(done);
  };
  ++reads_in_flight_;
  region_->spool->Read(read);
}

void DispatcherCore::RunQueuedTasks() {
  while (!tasks_.empty() && reads_in_flight_ < limits::kQueueReadsInFlightMax) {
    EntryTask task = std::move(tasks_.front());
    tasks_.pop_front();
    Run(std::move(task));
  }
}

void DispatcherCore::TaskLoaded(TaskRead* read) {
  --reads_in_flight_;
  EntryTask task = std::move(read->task);
  if (!read->status.ok()) {
    if (schedule_[task.slot].flags & delivery::kHeldRows) {
      schedule_.Hold(task.slot);
    } else {
      ReadFailed(task.slot, read->status);
    }
    if (task.job) JobPartDone(task.job, false);
  } else {
    LiveMessage* live = Revive(read);
    RP_CHECK(live != nullptr);
    RunLoaded(task, live);
  }
  task_reads_.Free(read);
  RunQueuedTasks();
  Unstarve();
  ServiceTouched();
}

// Hands an entry back as it was.
void DispatcherCore::PutBack(Slot slot) {
  if (schedule_[slot].flags & delivery::kHeldRows) {
    schedule_.Hold(slot);
  } else {
    Defer(slot, WallFromMillis(int64_t{schedule_[slot].due_seconds} * 1000));
  }
}

// From the entry alone: its recipients are first_recipient and those that follow.
void DispatcherCore::RunFromEntry(const EntryTask& task) {
  Entry& entry = schedule_[task.slot];
  Outcome* outcome = NewOutcome(entry.id, nullptr);
  outcome->job = task.job;
  RecipientState state = StateOf(entry);
  Outcome::Change change = ChangeFor(task, &state);
  for (uint32_t i = 0; i < entry.recipients; ++i) {
    uint32_t number = entry.first_recipient + i;
    outcome->updates.push_back({number, state});
    AddEvent(outcome, EventOf(task.kind), number, task.reply, false);
  }
  if (task.kind == Kind::kDefer) {
    Count(Counter::kDeferred, entry.recipients);
    LogLine(io_->wall_now(), "deferred")
        .Id(entry.id)
        .Text("to_domain", schedule_.domain(entry.domain).name)
        .Number("recipients", entry.recipients)
        .Text("relay", task.relay)
        .Number("delay_ms", (io_->wall_now() - entry.id.time()).count())
        .Text("dsn", task.reply.enhanced.ToString())
        .Number("reply_code", task.reply.code)
        .Text("reply", task.reply.text)
        .Number("attempts", change.attempts)
        .Text("next_attempt", FormatRfc3339(change.due))
        .To(*region_->log);
  } else {
    LogTask(task, entry.id);
  }
  outcome->changes.push_back(change);
  Enqueue(outcome);
}

// What becomes of the entry, and (in *state) of its recipients' records.
Outcome::Change DispatcherCore::ChangeFor(const EntryTask& task, RecipientState* state) {
  const Entry& entry = schedule_[task.slot];
  Outcome::Change change;
  change.slot = task.slot;
  change.recipients = entry.recipients;
  change.attempts = entry.attempts;
  WallTime now = io_->wall_now();
  switch (task.kind) {
    case Kind::kDefer:
      change.then = Outcome::Then::kDefer;
      change.attempts = static_cast<uint16_t>(std::min<uint32_t>(entry.attempts + 1u, UINT16_MAX));
      change.due = NextAttempt(task.slot, change.attempts);
      change.reply_code = task.reply.code;
      change.enhanced = task.reply.enhanced;
      state->status = RecipientStatus::kDeferred;
      state->attempts = change.attempts;
      state->next_attempt = change.due;
      state->last_attempt = now;
      state->reply_code = task.reply.code;
      state->enhanced[0] = task.reply.enhanced.klass;
      state->enhanced[1] = task.reply.enhanced.subject;
      state->enhanced[2] = task.reply.enhanced.detail;
      break;
    case Kind::kHold:
      change.then = Outcome::Then::kHold;
      state->status = RecipientStatus::kHeld;
      break;
    case Kind::kRelease:
      change.then = Outcome::Then::kReady;
      state->next_attempt = now;
      break;
    case Kind::kExpire:
    case Kind::kDelete:
    case Kind::kBounce:
    case Kind::kSandbox:
      change.then = Outcome::Then::kRemove;
      state->status = RecipientStatus::kBounced;
      state->last_attempt = now;
      break;
  }
  return change;
}

StoredEvent::Kind DispatcherCore::EventOf(Kind kind) {
  switch (kind) {
    case Kind::kDefer:
      return StoredEvent::Kind::kDeferred;
    case Kind::kHold:
      return StoredEvent::Kind::kHeld;
    case Kind::kRelease:
      return StoredEvent::Kind::kReleased;
    case Kind::kDelete:
    case Kind::kSandbox:
      return StoredEvent::Kind::kDeleted;
    case Kind::kExpire:
    case Kind::kBounce:
      break;
  }
  return StoredEvent::Kind::kBounced;
}

void DispatcherCore::LogTask(const EntryTask& task, const MessageId& id) {
  const Entry& entry = schedule_[task.slot];
  std::string_view event = task.kind == Kind::kHold      ? "held"
                           : task.kind == Kind::kRelease ? "released"
                           : task.kind == Kind::kSandbox ? "sandboxed"
                                                         : "deleted";
  LogLine(io_->wall_now(), event)
      .Id(id)
      .Text("to_domain", schedule_.domain(entry.domain).name)
      .Number("recipients", entry.recipients)
      .To(*region_->log);
}

void DispatcherCore::RunLoaded(const EntryTask& task, LiveMessage* live) {
  const Entry& entry = schedule_[task.slot];
  QueueJob* job = task.job;
  // Filters know a sender by a hash of it; here is the sender itself.
  if (job && !job->command->filter.sender.empty() &&
      live->envelope().reverse_path != SenderOf(job->command->filter)) {
    PutBack(task.slot);
    ++live->users;
    ReleaseLive(live);
    JobPartDone(job, false);
    return;
  }
  Outcome* outcome = NewOutcome(live->id(), live);
  outcome->job = job;
  smtp::Reply reply =
      task.kind == Kind::kExpire ? delivery::ExpiredReply(LastReply(entry)) : task.reply;
  RecipientState state = StateOf(entry);
  Outcome::Change change = ChangeFor(task, &state);
  bool bounces = task.kind == Kind::kExpire || task.kind == Kind::kBounce;
  bool logged_each = bounces || task.kind == Kind::kDefer;
  for (uint32_t i = 0; i < live->recipients.size(); ++i) {
    LiveMessage::Recipient& recipient = live->recipients[i];
    if (recipient.slot != task.slot) continue;
    if (task.kind == Kind::kDefer && DelayNoticeDue(*live, i)) {
      recipient.delay_reported = true;
      Report(outcome, i, mail::DsnAction::kDelayed, reply, task.relay);
    }
    state.delay_reported = recipient.delay_reported;
    if (bounces) Report(outcome, i, mail::DsnAction::kFailed, reply, "");
    // What operators bounce says nothing about who sends.
    if (bounces && !job) CountHardBounce(*live, reply, io_->wall_now());
    outcome->updates.push_back({i, state});
    AddEvent(outcome, EventOf(task.kind), i, reply, false);
    if (logged_each) {
      LogRecipient(EventOf(task.kind), *live, i, task.relay, "", reply, change.attempts, false,
                   change.due);
      Count(bounces ? Counter::kBounced : Counter::kDeferred);
    }
    if (Closes(task.kind)) {
      recipient.slot = kNone;
      --live->open;
    }
  }
  // Another entry of the domain has taken over its recipients meanwhile: see TakeOver.
  bool stands_for_nobody = outcome->events.empty();
  if (stands_for_nobody) change.then = Outcome::Then::kRemove;
  if (!logged_each) LogTask(task, live->id());
  outcome->changes.push_back(change);
  Finish(outcome);
}

}  // namespace ringpost::session
