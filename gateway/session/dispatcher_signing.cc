// DKIM signatures of one transaction: made by workers just before it begins (decisions/050).
#include <array>

#include "gateway/base/counters.h"
#include "gateway/base/limits.h"
#include "gateway/base/wipe.h"
#include "gateway/mail/dkim_signature.h"
#include "gateway/mail/sender_domains.h"
#include "gateway/session/dispatcher_core.h"

namespace ringpost::session {

using Stage = Transaction::Stage;

namespace {

constexpr std::string_view kNoKey = "its domain has no key that is active";

}  // namespace

SignatureJob::~SignatureJob() { WipeString(&header); }

// On a worker's thread.
void SignatureJob::Make() {
  mail::DkimInput input;
  input.header = header;
  input.body_hash = body_hash;
  if (!reencoded.empty()) {
    // It was parsed strictly: its lines end in CRLF, and the empty line is there.
    constexpr std::string_view kEnd = "\r\n\r\n";
    size_t end = reencoded.find(kEnd);
    size_t body_at = end == std::string_view::npos ? reencoded.size() : end + kEnd.size();
    input.header = reencoded.substr(0, body_at);
    mail::DkimBodyHash hash;
    hash.Update(reencoded.substr(body_at));
    input.body_hash = hash.Finish();
  }
  auto selectors = keys->Get(domain, keys_number);
  if (!selectors.ok()) {
    StatusCode code = selectors.status().code();
    unread = code != StatusCode::kDataLoss && code != StatusCode::kInvalidArgument;
    fields = selectors.status();
    return;
  }
  fields = std::string();
  if (!*selectors || (*selectors)->empty()) return;
  std::vector<mail::DkimSelector> named;
  for (const SigningKeys::Selector& selector : **selectors) {
    named.push_back({selector.name, selector.key.get()});
  }
  input.domain = domain;
  input.selectors = named;
  input.now = now;
  fields = mail::MakeDkimSignatures(input);
}

// What goes to this next hop is known: signs it where its domain has keys now, and begins. False as
// Prepare's.
bool DispatcherCore::SignAndBegin(Transaction* transaction) {
  const LiveMessage& live = *transaction->live;
  const storage::StoredEnvelope& envelope = live.envelope();
  if (envelope.signing_domain.empty()) {
    BeginMail(transaction);
    return true;
  }
  std::optional<mail::SenderDomains::Domain> domain;
  if (region_->sender_domains && region_->signing_keys && region_->signers) {
    domain = region_->sender_domains->Find(envelope.signing_domain);
  }
  if (!domain || domain->keys == 0) {
    BeginUnsigned(transaction, kNoKey);
    return true;
  }
  auto job = std::make_unique<SignatureJob>();
  job->transaction = transaction;
  job->keys = region_->signing_keys;
  job->keys_number = domain->keys;
  job->domain = envelope.signing_domain;
  job->body_hash = envelope.dkim_body_hash;
  job->reencoded = transaction->reencoded.view();
  transaction->signing = std::move(job);
  transaction->stage = Stage::kSigning;
  transaction->connection->Reserve();
  if (!live.body_here && transaction->reencoded.empty()) RequestChunks(transaction);
  return PumpSigning(transaction);
}

// Hands the job over once the header section is at hand. False as Prepare's.
bool DispatcherCore::PumpSigning(Transaction* transaction) {
  SignatureJob* job = transaction->signing.get();
  if (job->out) return true;
  if (job->reencoded.empty()) {
    size_t missing = CopyHeader(*transaction, &job->header);
    if (missing > 0 && HeaderToCome(*transaction)) return true;
    if (missing > 0) {
      BeginUnsigned(transaction, "its header section is not where it should be");
      return true;
    }
  }
  job->work = [](WorkerPool::Job* work) { static_cast<SignatureJob*>(work)->Make(); };
  job->run = [](Posted* posted) {
    auto* done = static_cast<SignatureJob*>(posted);
    done->transaction->core->SignatureMade(done);
  };
  job->reply_to = &io_->inbox();
  job->now = io_->wall_now();
  job->out = region_->signers->TrySubmit(job);
  if (job->out) return true;
  PutOff(transaction, "too many signatures wait; it is tried again shortly");
  return false;
}

// The fields we add, and the message's own, as they go out. How many bytes are not at hand.
size_t DispatcherCore::CopyHeader(const Transaction& transaction, std::string* header) {
  const LiveMessage& live = *transaction.live;
  const storage::StoredEnvelope& envelope = live.envelope();
  size_t missing = envelope.header_bytes;
  WipeString(header);
  header->reserve(envelope.trace.size() + missing);
  header->append(envelope.trace);
  auto take = [&](std::string_view piece) {
    piece = piece.substr(0, missing);
    missing -= piece.size();
    header->append(piece);
  };
  if (live.body_here) {
    for (const Slice& piece : live.message->body.slices()) take(piece.view());
    return missing;
  }
  for (uint32_t i = 0; i < transaction.next_request && transaction.reads[i].arrived; ++i) {
    take(transaction.reads[i].body);
  }
  return missing;
}

// The first chunks are on their way. They are kept where they arrive until the body is wanted.
bool DispatcherCore::HeaderToCome(const Transaction& transaction) {
  return !transaction.live->body_here && transaction.reads_in_flight > 0;
}

void DispatcherCore::SignatureMade(SignatureJob* job) {
  Transaction* transaction = job->transaction;
  job->out = false;
  if (transaction->stage == Stage::kOver) {
    if (!transaction->awaits_answers()) RecycleTransaction(transaction);
    return;
  }
  std::unique_ptr<SignatureJob> done = std::move(transaction->signing);
  OutboundConnection* connection = transaction->connection;
  // As with an envelope that was read: a reload may ask for more than this connection has.
  if (schedule_.SiteOf(transaction->slots[0]) != connection->site()) {
    GiveBack(transaction);
    GiveWork(connection);
    ServiceTouched();
    return;
  }
  if (done->unread) {
    PutOff(transaction, MessageOf(done->fields.status()));
    GiveWork(connection);
    ServiceTouched();
    return;
  }
  if (!done->fields.ok()) {
    BeginUnsigned(transaction, MessageOf(done->fields.status()));
    return;
  }
  if (done->fields->empty()) {
    BeginUnsigned(transaction, kNoKey);
    return;
  }
  Count(Counter::kDkimSigned);
  transaction->signatures = std::move(*done->fields);
  BeginMail(transaction);
}

void DispatcherCore::BeginUnsigned(Transaction* transaction, std::string_view reason) {
  LiveMessage* live = transaction->live;
  if (!std::exchange(live->unsigned_told, true)) {
    Count(Counter::kDkimUnsigned);
    LogLine(io_->wall_now(), "dkim_unsigned")
        .Id(live->id())
        .Text("domain", live->envelope().signing_domain)
        .Text("reason", reason)
        .To(*region_->log);
  }
  transaction->signing.reset();
  BeginMail(transaction);
}

// The workers have as much to sign as may wait, or cannot read the keys: trouble of this host,
// which the next hop is not told of and which is no attempt. A second later they are some thousand
// signatures further.
void DispatcherCore::PutOff(Transaction* transaction, std::string_view reason) {
  WallTime later = io_->wall_now() + Millis(limits::kOutcomeRetryMillis);
  LogLine(io_->wall_now(), "dkim_put_off")
      .Id(transaction->live->id())
      .Text("domain", transaction->live->envelope().signing_domain)
      .Text("reason", reason)
      .To(*region_->log);
  for (Slot slot : transaction->slots) Defer(slot, later);
  EndTransaction(transaction);
}

}  // namespace ringpost::session
