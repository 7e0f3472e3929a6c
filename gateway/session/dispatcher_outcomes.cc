// What became of recipients: records, log lines, what comes next for their entries.
#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/identity/outcome_counts.h"
#include "gateway/identity/suppression_rules.h"
#include "gateway/session/dispatcher_core.h"
#include "gateway/session/suppression_intake.h"

namespace ringpost::session {

static_assert(storage::kStoredNotifyNever == smtp::kNotifyNever);

using delivery::Classified;
using delivery::Entry;
using delivery::kNone;
using delivery::Verdict;
using mail::DsnAction;
using storage::RecipientState;
using storage::RecipientStatus;
using storage::StoredEvent;

namespace {

// What is too large (5.3.x) or cannot be converted (5.6.x) says nothing about the address (RFC
// 3463).
bool IsHardBounce(const smtp::Reply& reply) {
  return reply.permanent() && reply.enhanced.subject != 3 && reply.enhanced.subject != 6;
}

}  // namespace

// One transaction's, or one entry's, recipients while they are settled.
struct DispatcherCore::Settling {
  struct Tally {
    uint32_t settled = 0;
    std::vector<uint32_t> deferred;  // numbers of recipients
    smtp::Reply reply;               // the last that deferred one
  };
  Outcome* outcome = nullptr;
  LiveMessage* live = nullptr;
  std::string_view relay;
  std::string tls;            // of the connection; empty: in clear, or none
  bool hop_reports = false;   // it speaks DSN: success is its to report
  bool suppressed = false;    // the next hop was not asked
  bool to_all_alike = false;  // one reply, for several recipients
  std::vector<Slot> slots;    // sorted
  absl::InlinedVector<Tally, 1> tallies;

  Tally& Of(Slot slot) {
    return tallies[static_cast<size_t>(std::lower_bound(slots.begin(), slots.end(), slot) -
                                       slots.begin())];
  }
};

WallTime DispatcherCore::NextAttempt(Slot slot, uint32_t attempts) {
  // The jitter follows from the message, so that its parts for one next hop stay together.
  uint64_t random = Random(schedule_[slot].id.random_part() + attempts).Next();
  WallTime due = io_->wall_now() + RetryOf(slot).WaitAfter(attempts, random);
  // Whole seconds, as the schedule keeps them: a restart finds the same time.
  return WallTime(std::chrono::ceil<Seconds>(due.time_since_epoch()));
}

void DispatcherCore::Settle(Transaction* transaction, OutboundConnection* connection,
                            smtp::ClientSession::Outcome* result, const smtp::Reply& failure,
                            SaidBy said_by) {
  const bool suppressed = said_by == SaidBy::kSuppression;
  Settling settling;
  settling.suppressed = suppressed;
  settling.live = transaction->live;
  settling.outcome = NewOutcome(transaction->live->id(), transaction->live);
  if (!suppressed) {
    settling.relay = connection->hop_name();
    settling.tls = connection->TlsWords();
  }
  settling.hop_reports = connection->capabilities().dsn;
  settling.slots = transaction->slots;
  settling.tallies.resize(settling.slots.size());
  std::vector<smtp::Reply>& replies = result->recipients;
  replies.resize(transaction->numbers.size());
  bool others = suppressed ||  // those that are not are not tried
                std::any_of(replies.begin(), replies.end(), [](const smtp::Reply& reply) {
                  return reply.code >= 200 && reply.code < 300;
                });
  // What is said to all alike may be about the message or its sender, in whatever words.
  settling.to_all_alike = replies.size() > 1 && std::all_of(replies.begin(), replies.end(),
                                                            [&](const smtp::Reply& reply) {
                                                              return reply == replies.front();
                                                            });
  for (size_t i = 0; i < replies.size(); ++i) {
    smtp::Reply& reply = replies[i];
    Classified classified = delivery::Classify(reply, others, result->in_doubt);
    if (reply.code == 0) {
      // Nothing was said of this recipient: the connection's end speaks, and never for good.
      reply = failure;
      if (!reply.temporary()) reply.enhanced = {4, 4, 2};
    }
    SettleRecipient(&settling, transaction->numbers[i], reply, classified);
  }
  if (said_by == SaidBy::kNextHop) ObserveAll(connection->site(), settling.slots.front(), replies);
  for (Slot slot : settling.slots) SettleSlot(&settling, slot);
  Finish(settling.outcome);
}

// Recipients that were suppressed while the message waited are settled, and the others ready again,
// in front. False: there are none. Bounces, and mail of our own, go to senders: no list is theirs.
bool DispatcherCore::SettleSuppressed(Transaction* transaction) {
  const storage::StoredEnvelope& envelope = transaction->live->envelope();
  if (!region_->suppressed || region_->suppressed->size() == 0) return false;
  if (envelope.reverse_path.empty()) return false;
  smtp::ClientSession::Outcome result;
  bool any = false;
  for (uint32_t number : transaction->numbers) {
    const std::string& address = envelope.recipients[number].address;
    auto found =
        region_->suppressed->Find(envelope.account, identity::ListedAddress::From(address));
    any |= found.has_value();
    // 452: not tried (see delivery::Classify).
    result.recipients.push_back(found ? identity::SuppressedReply(address, *found)
                                      : smtp::Reply{452, {}, {}});
  }
  if (any)
    Settle(transaction, transaction->connection, &result, smtp::Reply(), SaidBy::kSuppression);
  return any;
}

// The same word on all recipients of the transaction; said by us.
void DispatcherCore::SettleAlike(Transaction* transaction, OutboundConnection* connection,
                                 const smtp::Reply& reply) {
  smtp::ClientSession::Outcome result;
  result.recipients.assign(transaction->numbers.size(), reply);
  Settle(transaction, connection, &result, smtp::Reply(), SaidBy::kUs);
}

void DispatcherCore::SettleRecipient(Settling* settling, uint32_t number, const smtp::Reply& reply,
                                     const Classified& classified) {
  if (classified.verdict == Verdict::kNotTried) return;
  LiveMessage& live = *settling->live;
  const storage::StoredRecipient& recipient = live.envelope().recipients[number];
  Slot slot = live.recipients[number].slot;
  Entry& entry = schedule_[slot];
  Settling::Tally& tally = settling->Of(slot);
  uint16_t attempts = static_cast<uint16_t>(std::min<uint32_t>(entry.attempts + 1u, UINT16_MAX));

  storage::RecipientUpdate update;
  update.recipient = number;
  RecipientState& state = update.state;
  state.attempts = attempts;
  state.last_attempt = io_->wall_now();
  state.reply_code = reply.code;
  state.enhanced[0] = reply.enhanced.klass;
  state.enhanced[1] = reply.enhanced.subject;
  state.enhanced[2] = reply.enhanced.detail;
  state.delay_reported = live.recipients[number].delay_reported;

  StoredEvent::Kind kind = StoredEvent::Kind::kDeferred;
  if (classified.verdict == Verdict::kDeferred) {
    state.status = RecipientStatus::kDeferred;
    state.next_attempt = NextAttempt(slot, attempts);
    tally.deferred.push_back(number);
    tally.reply = reply;
    Count(Counter::kDeferred);
    if (DelayNoticeDue(live, number)) {
      live.recipients[number].delay_reported = state.delay_reported = true;
      Report(settling->outcome, number, DsnAction::kDelayed, reply, settling->relay);
    }
  } else {
    bool delivered = classified.verdict == Verdict::kDelivered;
    state.status = delivered ? RecipientStatus::kDelivered : RecipientStatus::kBounced;
    kind = delivered ? StoredEvent::Kind::kDelivered : StoredEvent::Kind::kBounced;
    ++tally.settled;
    live.recipients[number].slot = kNone;
    --live.open;
    Count(delivered ? Counter::kDelivered : Counter::kBounced);
    if (delivered && (recipient.notify & smtp::kNotifySuccess) && !settling->hop_reports) {
      Report(settling->outcome, number, DsnAction::kRelayed, reply, settling->relay);
    }
    if (!delivered) Report(settling->outcome, number, DsnAction::kFailed, reply, settling->relay);
    if (!delivered && !settling->suppressed) {
      CountHardBounce(live, reply, state.last_attempt);
      if (!settling->to_all_alike) Suppress(live, number, reply, state.last_attempt);
    }
  }
  AddEvent(settling->outcome, kind, number, reply, classified.in_doubt);
  settling->outcome->updates.push_back(update);
  LogRecipient(kind, live, number, settling->relay, settling->tls, reply, attempts,
               classified.in_doubt, state.next_attempt);
}

// For the brake.
void DispatcherCore::CountHardBounce(const LiveMessage& live, const smtp::Reply& reply,
                                     WallTime now) {
  if (!region_->outcomes || !IsHardBounce(reply)) return;
  region_->outcomes->Add(live.envelope().credential, identity::OutcomeCounts::What::kHardBounce,
                         now);
}

// So that the account's next message to this address is refused at once.
void DispatcherCore::Suppress(const LiveMessage& live, uint32_t number, const smtp::Reply& reply,
                              WallTime now) {
  const storage::StoredEnvelope& envelope = live.envelope();
  if (!region_->suppression_intake || envelope.reverse_path.empty()) return;
  if (!identity::SaysNoMailbox(reply)) return;
  std::string detail = std::to_string(reply.code) + " ";
  if (reply.enhanced.present()) detail += reply.enhanced.ToString() + " ";
  region_->suppression_intake->Add({envelope.account, envelope.recipients[number].address,
                                    identity::SuppressionReason::kHardBounce, detail + reply.text,
                                    live.id(), now});
}

bool DispatcherCore::DelayNoticeDue(const LiveMessage& live, uint32_t number) const {
  const storage::StoredRecipient& recipient = live.envelope().recipients[number];
  if (live.recipients[number].delay_reported) return false;
  if (!(recipient.notify & smtp::kNotifyDelay)) return false;
  Seconds after = DelayWarningOf(live.recipients[number].slot);
  if (after.count() == 0) return false;
  return io_->wall_now() - live.envelope().received >= after;
}

// Whether no other entry of the message has the domain of this one: see RecipientGroup.
bool DispatcherCore::AloneInDomain(const LiveMessage& live, Slot slot) const {
  return std::none_of(live.recipients.begin(), live.recipients.end(), [&](const auto& recipient) {
    return recipient.slot != kNone && recipient.slot != slot &&
           schedule_[recipient.slot].domain == schedule_[slot].domain;
  });
}

// What comes next for one entry: gone, deferred, or, for recipients that were not tried, ready at
// once.
void DispatcherCore::SettleSlot(Settling* settling, Slot slot) {
  LiveMessage& live = *settling->live;
  Settling::Tally& tally = settling->Of(slot);
  uint32_t deferred = static_cast<uint32_t>(tally.deferred.size());
  uint32_t total = schedule_[slot].recipients;
  uint32_t untried = total - std::min(total, tally.settled + deferred);
  if (tally.settled > 0) SetAllRecipients(&schedule_[slot], false);
  Outcome::Change change;
  change.slot = slot;
  if (deferred == 0 && untried == 0) {
    change.then = Outcome::Then::kRemove;
    settling->outcome->changes.push_back(change);
    return;
  }
  if (untried > 0) {
    Slot ready = slot;
    if (deferred > 0) {
      ready = schedule_.Split(slot, untried);
      for (LiveMessage::Recipient& recipient : live.recipients) {
        if (recipient.slot == slot) recipient.slot = ready;
      }
      for (uint32_t number : tally.deferred) live.recipients[number].slot = slot;
    }
    schedule_[ready].recipients = untried;
    schedule_.MakeReady(ready, true);
    if (deferred == 0) return;
  }
  change.then = Outcome::Then::kDefer;
  change.recipients = deferred;
  change.attempts =
      static_cast<uint16_t>(std::min<uint32_t>(schedule_[slot].attempts + 1u, UINT16_MAX));
  change.due = NextAttempt(slot, change.attempts);
  change.reply_code = tally.reply.code;
  change.enhanced = tally.reply.enhanced;
  // In ascending order, and by now all that the entry stands for.
  schedule_[slot].first_recipient = tally.deferred.front();
  SetAllRecipients(
      &schedule_[slot],
      tally.deferred.back() - tally.deferred.front() + 1 == deferred && AloneInDomain(live, slot));
  settling->outcome->changes.push_back(change);
}

void DispatcherCore::AddEvent(Outcome* outcome, StoredEvent::Kind kind, uint32_t number,
                              const smtp::Reply& reply, bool in_doubt) {
  StoredEvent event;
  event.kind = kind;
  event.time = io_->wall_now();
  event.id = outcome->id;
  event.recipient = number;
  event.reply_code = reply.code;
  if (in_doubt) event.detail = "in doubt: ";
  event.detail += Printable(reply.text, limits::kReplyTextKeptBytesMax);
  outcome->events.push_back(std::move(event));
}

void DispatcherCore::LogRecipient(StoredEvent::Kind kind, const LiveMessage& live, uint32_t number,
                                  std::string_view relay, std::string_view tls,
                                  const smtp::Reply& reply, uint16_t attempts, bool in_doubt,
                                  WallTime next_attempt) {
  const storage::StoredEnvelope& envelope = live.envelope();
  WallTime now = io_->wall_now();
  bool delivered = kind == StoredEvent::Kind::kDelivered;
  bool deferred = kind == StoredEvent::Kind::kDeferred;
  smtp::EnhancedCode dsn = reply.enhanced;
  if (!dsn.present()) dsn.klass = delivered ? 2 : deferred ? 4 : 5;
  LogLine line(now, delivered ? "delivered" : deferred ? "deferred" : "bounced");
  line.Id(live.id())
      .Text("from", envelope.reverse_path)
      .Text("to", envelope.recipients[number].address)
      .Text("relay", relay)
      .Number("delay_ms", (now - envelope.received).count())
      .Text("dsn", dsn.ToString())
      .Number("reply_code", reply.code)
      .Text("reply", std::string_view(reply.text).substr(0, limits::kReplyTextKeptBytesMax))
      .Number("attempts", attempts);
  if (!tls.empty()) line.Text("tls", tls);
  if (deferred) line.Text("next_attempt", FormatRfc3339(next_attempt));
  if (in_doubt) line.Flag("in_doubt", true);
  line.To(*region_->log);
}

Outcome* DispatcherCore::NewOutcome(const MessageId& id, LiveMessage* live) {
  Outcome* outcome = outcomes_.Make();
  outcome->core = this;
  outcome->kind = storage::CommitRequest::Kind::kOutcome;
  outcome->lazy = true;
  outcome->reply_to = &io_->inbox();
  outcome->id = id;
  outcome->live = live;
  if (live) {
    ++live->users;
    ++live->outcomes;
  }
  return outcome;
}

void DispatcherCore::FreeOutcome(Outcome* outcome) {
  outcome->live = nullptr;
  outcome->next_of_message = nullptr;
  outcome->changes.clear();
  outcome->updates.clear();
  outcome->events.clear();
  outcome->report_on.clear();
  outcome->report.reset();
  outcome->message = nullptr;
  outcome->complete = false;
  outcome->origin = nullptr;
  outcome->job = nullptr;
  outcomes_.Free(outcome);
}

// One message's outcomes are stored one after the other: the last one may delete what the others
// change.
void DispatcherCore::Enqueue(Outcome* outcome) {
  LiveMessage* live = outcome->live;
  if (!live) {
    SubmitNow(outcome);
    return;
  }
  if (live->outcomes_tail) {
    live->outcomes_tail->next_of_message = outcome;
    live->outcomes_tail = outcome;
    return;
  }
  live->outcomes_head = live->outcomes_tail = outcome;
  SubmitNow(outcome);
}

void DispatcherCore::SubmitNow(Outcome* outcome) {
  if (LiveMessage* live = outcome->live) {
    const storage::StoredEnvelope& envelope = live->envelope();
    // The last of them, also of those that still wait for what their report returns: with the
    // message, all that is known of it goes.
    outcome->complete = live->open == 0 && live->outcomes == 1;
    if (outcome->complete) outcome->updates.clear();
    outcome->recipients_total =
        live->rows_stored ? static_cast<uint32_t>(envelope.recipients.size()) : 0;
    outcome->body_chunks = envelope.body_chunks;
    outcome->origin = outcome->complete && KeepsOrigin(envelope) ? &envelope : nullptr;
    live->rows_stored |= !outcome->updates.empty();
  }
  outcome->message = outcome->report.get();
  outcome->run = [](Posted* posted) {
    auto* done = static_cast<Outcome*>(posted);
    done->core->Stored(done);
  };
  region_->spool->Submit(outcome);
}

void DispatcherCore::Stored(Outcome* outcome) {
  if (!outcome->status.ok()) {
    if (aborted_) {
      GiveUp(outcome);
      return;
    }
    refused_outcomes_.push_back(outcome);
    if (!outcome_retry_.scheduled()) {
      io_->timers().Schedule(&outcome_retry_, io_->now() + Millis(limits::kOutcomeRetryMillis));
    }
    return;
  }
  std::unique_ptr<storage::NewMessage> report = std::move(outcome->report);
  for (const Outcome::Change& change : outcome->changes) Apply(change);
  LiveMessage* live = outcome->live;
  Outcome* next = outcome->next_of_message;
  if (QueueJob* job = outcome->job) JobPartDone(job, true);
  FreeOutcome(outcome);
  if (live) {
    --live->outcomes;
    live->outcomes_head = next;
    if (!next) live->outcomes_tail = nullptr;
    if (next) SubmitNow(next);
    ReleaseLive(live);
  }
  if (report) {
    Count(Counter::kBouncesQueued);
    Admit(std::move(report));
  }
  RunQueuedTasks();
  Unstarve();
  ServiceTouched();
}

void DispatcherCore::Apply(const Outcome::Change& change) {
  Entry& entry = schedule_[change.slot];
  switch (change.then) {
    case Outcome::Then::kRemove:
      schedule_.Remove(change.slot);
      break;
    case Outcome::Then::kDefer:
      entry.recipients = change.recipients;
      entry.attempts = change.attempts;
      entry.reply_code = change.reply_code;
      entry.enhanced[0] = static_cast<uint8_t>(change.enhanced.subject);
      entry.enhanced[1] = static_cast<uint8_t>(change.enhanced.detail);
      Defer(change.slot, change.due);
      break;
    case Outcome::Then::kHold:
      entry.flags |= delivery::kHeldRows;
      schedule_.Hold(change.slot);
      break;
    case Outcome::Then::kReady:
      entry.flags &= static_cast<uint8_t>(~delivery::kHeldRows);
      schedule_.MakeReady(change.slot, false);
      break;
  }
}

void DispatcherCore::Unstarve() {
  if (!starved_ || outbound_full()) return;
  starved_ = false;
  // Each in its turn: with many sites none waits for all before it, time and again.
  for (size_t looked = 0; looked < sites_.size(); ++looked) {
    if (outbound_full()) {
      starved_ = true;
      return;
    }
    unstarve_at_ = (unstarve_at_ + 1) % static_cast<SiteId>(sites_.size());
    if (schedule_.ready(unstarve_at_) > 0) ServiceSite(unstarve_at_);
  }
}

void DispatcherCore::RetryOutcomes() {
  for (Outcome* outcome : std::exchange(refused_outcomes_, {})) SubmitNow(outcome);
}

// The grace period is over and the spool does not take it: after the next start the message is
// tried again.
void DispatcherCore::GiveUp(Outcome* outcome) {
  while (outcome) {
    LiveMessage* live = outcome->live;
    Outcome* next = outcome->next_of_message;
    LogLine(io_->wall_now(), "outcome_lost").Id(outcome->id).To(*region_->log);
    if (QueueJob* job = outcome->job) JobPartDone(job, false);
    FreeOutcome(outcome);
    if (live) {
      --live->outcomes;
      live->outcomes_head = next;
      if (!next) live->outcomes_tail = nullptr;
      ReleaseLive(live);
    }
    outcome = live ? next : nullptr;
  }
}

}  // namespace ringpost::session
