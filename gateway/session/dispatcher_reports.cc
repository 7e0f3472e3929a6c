// Reports (delivery status notifications): to whom, about what, and with which part of the
// original.
#include <algorithm>

#include "gateway/base/counters.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/base/wipe.h"
#include "gateway/session/dispatcher_core.h"
#include "gateway/session/own_message.h"

namespace ringpost::session {
namespace {

using mail::DsnAction;

// RFC 3461 section 4.1: NEVER silences everything; without a word, failures are reported.
bool Wants(const storage::StoredRecipient& recipient, DsnAction action) {
  if (recipient.notify & smtp::kNotifyNever) return false;
  switch (action) {
    case DsnAction::kFailed:
      return recipient.notify == smtp::kNotifyUnspecified ||
             (recipient.notify & smtp::kNotifyFailure) != 0;
    case DsnAction::kDelayed:
      return (recipient.notify & smtp::kNotifyDelay) != 0;
    case DsnAction::kDelivered:
    case DsnAction::kRelayed:
    case DsnAction::kExpanded:
      return (recipient.notify & smtp::kNotifySuccess) != 0;
  }
  return false;
}

// RFC 3464 section 2.3.5: a domain name or an address literal, without the port.
std::string MtaName(std::string_view relay) {
  if (auto endpoint = Endpoint::Parse(relay)) return endpoint->address.ToLiteral();
  return std::string(relay.substr(0, relay.find(':')));
}

// The header section alone, its empty line included; all that there is where none ends it.
std::string_view HeaderSection(std::string_view message) {
  size_t end = message.find("\r\n\r\n");
  std::string_view section = end == std::string_view::npos ? message : message.substr(0, end + 4);
  return section.substr(0, limits::kReportHeaderBytesMax);
}

}  // namespace

void DispatcherCore::Report(Outcome* outcome, uint32_t number, DsnAction action,
                            const smtp::Reply& reply, std::string_view relay) {
  const storage::StoredEnvelope& envelope = outcome->live->envelope();
  const storage::StoredRecipient& stored = envelope.recipients[number];
  // A report on a report, or on mail from nobody, goes to nobody (RFC 5321 section 6.1): the log
  // line of the bounce is all that is left of it.
  if (envelope.reverse_path.empty() || envelope.is_report || !Wants(stored, action)) return;
  if (envelope.sandbox) return;  // nothing of it leaves
  mail::DsnRecipient about;
  about.recipient = {stored.address, stored.orcpt, stored.notify};
  about.action = action;
  about.reply = reply;
  // Who spoke: the next hop, where its reply has a code.
  if (reply.code != 0) about.remote_mta = MtaName(relay);
  about.last_attempt = io_->wall_now();
  about.will_retry_until = envelope.deadline;
  outcome->report_on.push_back(std::move(about));
}

void DispatcherCore::Finish(Outcome* outcome) {
  if (outcome->report_on.empty()) {
    Enqueue(outcome);
    return;
  }
  const LiveMessage& live = *outcome->live;
  const storage::StoredEnvelope& envelope = live.envelope();
  if (live.body_here) {
    constexpr size_t kMost = limits::kReportReturnBytesMax + limits::kReportHeaderBytesMax + 1;
    std::string original = envelope.trace;
    WipedAtEnd wiped(&original);
    original.reserve(std::max(std::min<size_t>(live.wire_bytes(), kMost), original.size()));
    for (const Slice& piece : live.message->body.slices()) {
      if (original.size() >= kMost) break;
      original += piece.view().substr(0, kMost - original.size());
    }
    BuildReport(outcome, original, original.size() == live.wire_bytes());
    Enqueue(outcome);
    return;
  }
  if (envelope.body_chunks == 0) {
    BuildReport(outcome, envelope.trace, true);
    Enqueue(outcome);
    return;
  }
  OriginalRead* read = original_reads_.Make();
  read->core = this;
  read->outcome = outcome;
  read->kind = storage::ReadRequest::Kind::kBody;
  read->reply_to = &io_->inbox();
  read->id = live.id();
  read->chunk_count = 1;
  read->run = [](Posted* posted) {
    auto* done = static_cast<OriginalRead*>(posted);
    done->core->OriginalLoaded(done);
  };
  region_->spool->Read(read);
}

void DispatcherCore::OriginalLoaded(OriginalRead* read) {
  const storage::StoredEnvelope& envelope = read->outcome->live->envelope();
  std::string original = envelope.trace;
  // Where the body does not open the report says what it can without it.
  if (read->status.ok()) original += read->body;
  explicit_bzero(read->body.data(), read->body.size());
  BuildReport(read->outcome, original, read->status.ok() && envelope.body_chunks == 1);
  explicit_bzero(original.data(), original.size());
  read->body = std::string();
  original_reads_.Free(read);
  Enqueue(read->outcome);
}

// `whole`: `original` is the whole message.
void DispatcherCore::BuildReport(Outcome* outcome, std::string_view original, bool whole) {
  const LiveMessage& live = *outcome->live;
  const storage::StoredEnvelope& envelope = live.envelope();
  WallTime now = io_->wall_now();
  mail::DsnInput input;
  input.hostname = hostname_;
  input.original_id = live.id();
  input.report_id = MessageId::Make(now, live.id().partition(), io_->random());
  input.reverse_path = storage::NotifiedOf(envelope);
  input.envid = envelope.envid;
  input.arrival = envelope.received;
  input.now = now;
  input.smtputf8 = envelope.smtputf8;
  bool asked = static_cast<smtp::DsnReturn>(envelope.ret) == smtp::DsnReturn::kFull;
  // What was to go under TLS alone is not sent back without it (RFC 8689 section 5).
  input.return_full =
      whole && asked && !envelope.require_tls && original.size() <= limits::kReportReturnBytesMax;
  input.original = input.return_full ? original : HeaderSection(original);
  input.recipients = std::move(outcome->report_on);
  std::string text = mail::BuildDsn(input);
  WipedAtEnd wiped(&text);

  outcome->report = MakeOwnMessage(input.report_id, input.reverse_path, text, now,
                                   now + config_->message_lifetime);
  outcome->report_on.clear();
}

}  // namespace ringpost::session
