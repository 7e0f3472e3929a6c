// One transaction: envelope and body on their way to a next hop.
#include <algorithm>
#include <cstring>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/mail/downgrade.h"
#include "gateway/mail/return_paths.h"
#include "gateway/session/dispatcher_core.h"

namespace ringpost::session {
namespace {

using delivery::kNone;
using Stage = Transaction::Stage;

// A slice over a string that is wiped and freed with it: what was read from the spool is not copied
// again.
struct StringBlock : Block {
  std::string text;
};

Slice TakeString(std::string text) {
  if (text.empty()) return Slice();
  auto* block = new StringBlock;
  block->text = std::move(text);
  block->bytes = block->text.data();
  block->capacity_bytes = static_cast<uint32_t>(block->text.size());
  block->release = [](Block* freed) {
    auto* owner = static_cast<StringBlock*>(freed);
    explicit_bzero(owner->text.data(), owner->text.size());
    delete owner;
  };
  return Slice(block, block->text);
}

Slice SlabOf(std::string_view text) {
  Slice slab = Slice::NewSlab(text.size());
  std::memcpy(slab.mutable_data(), text.data(), text.size());
  return slab;
}

}  // namespace

Transaction* DispatcherCore::NewTransaction(OutboundConnection* connection) {
  Transaction* transaction = transactions_.Make();
  transaction->core = this;
  for (BodyRead& read : transaction->reads) {
    read.transaction = transaction;
    read.reply_to = &io_->inbox();
  }
  transaction->connection = connection;
  connection->transaction = transaction;
  return transaction;
}

// Its entries have been given on: what is left is to let go of it.
void DispatcherCore::EndTransaction(Transaction* transaction) {
  if (transaction->connection) transaction->connection->transaction = nullptr;
  transaction->connection = nullptr;
  transaction->slots.clear();
  transaction->numbers.clear();
  if (LiveMessage* live = std::exchange(transaction->live, nullptr)) ReleaseLive(live);
  transaction->stage = Stage::kOver;
  if (!transaction->awaits_answers()) RecycleTransaction(transaction);
}

void DispatcherCore::RecycleTransaction(Transaction* transaction) {
  for (BodyRead& read : transaction->reads) {
    explicit_bzero(read.body.data(), read.body.size());
    read.body.clear();
    read.arrived = false;
  }
  explicit_bzero(transaction->gathered.data(), transaction->gathered.size());
  transaction->gathered = std::string();
  transaction->reencoded = Slice();
  transaction->signing.reset();
  transaction->signatures.clear();
  transaction->next_request = transaction->next_write = 0;
  transaction->body_wanted = false;
  transaction->stage = Stage::kIdle;
  transactions_.Free(transaction);
}

// Nothing was tried: the entries are ready again, in front.
void DispatcherCore::GiveBack(Transaction* transaction) {
  for (Slot slot : transaction->slots) schedule_.MakeReady(slot, true);
  EndTransaction(transaction);
}

void DispatcherCore::LoadEnvelope(Transaction* transaction) {
  transaction->stage = Stage::kLoading;
  BodyRead& read = transaction->reads[0];
  read.kind = storage::ReadRequest::Kind::kEnvelope;
  read.id = schedule_[transaction->slots[0]].id;
  read.run = [](Posted* posted) {
    auto* done = static_cast<BodyRead*>(posted);
    done->transaction->core->EnvelopeLoaded(done->transaction);
  };
  ++transaction->reads_in_flight;
  region_->spool->Read(&read);
}

void DispatcherCore::EnvelopeLoaded(Transaction* transaction) {
  --transaction->reads_in_flight;
  if (transaction->stage == Stage::kOver) {
    RecycleTransaction(transaction);
    return;
  }
  BodyRead& read = transaction->reads[0];
  OutboundConnection* connection = transaction->connection;
  if (!read.status.ok()) {
    for (Slot slot : transaction->slots) ReadFailed(slot, read.status);
    EndTransaction(transaction);
    if (connection) GiveWork(connection);
    return;
  }
  transaction->live = Revive(&read);
  RP_CHECK(transaction->live != nullptr);  // its entry is in our hand
  ++transaction->live->users;
  if (!connection) {
    GiveBack(transaction);
    ServiceTouched();
    return;
  }
  // A reload may ask for more than this connection has, as long as nothing has been said of it.
  bool moved = schedule_.SiteOf(transaction->slots[0]) != connection->site();
  if (moved) {
    GiveBack(transaction);
    GiveWork(connection);
    ServiceTouched();
    return;
  }
  if (!Prepare(transaction)) GiveWork(connection);
}

// Begins the transaction. False: there was nothing to send, all is settled, and the connection is
// free.
bool DispatcherCore::Prepare(Transaction* transaction) {
  OutboundConnection* connection = transaction->connection;
  ChooseRecipients(transaction);
  if (transaction->numbers.empty()) {
    // No recipient is left for these entries.
    for (Slot slot : transaction->slots) schedule_.Remove(slot);
    EndTransaction(transaction);
    return false;
  }
  if (SettleSuppressed(transaction)) {
    EndTransaction(transaction);
    return false;
  }
  transaction->reverse_path = ReversePathOf(*transaction->live);
  smtp::Reply refusal;
  bool reencode = false;
  if (RefusedByCapabilities(transaction, &refusal, &reencode)) {
    SettleAlike(transaction, connection, refusal);
    EndTransaction(transaction);
    return false;
  }
  if (!reencode) return SignAndBegin(transaction);
  LiveMessage* live = transaction->live;
  connection->Reserve();
  transaction->stage = Stage::kGathering;
  transaction->gathered = live->envelope().trace;
  transaction->gathered.reserve(live->wire_bytes());
  if (live->body_here) {
    for (const Slice& piece : live->message->body.slices()) transaction->gathered += piece.view();
    return Reencoded(transaction);
  }
  RequestChunks(transaction);
  if (live->envelope().body_chunks == 0) return Reencoded(transaction);
  return true;
}

// Where bounces go: to a return path of the sender's domain, where it has one that leads here
// (decisions/056), else to the sender himself.
std::string DispatcherCore::ReversePathOf(const LiveMessage& live) {
  const storage::StoredEnvelope& envelope = live.envelope();
  std::string made;
  if (KeepsOrigin(envelope)) {
    made = region_->return_paths->Make(envelope.signing_domain, region_->name, live.id(),
                                       io_->wall_now());
  }
  return made.empty() ? envelope.reverse_path : made;
}

// It goes out under a return path, or may have.
bool DispatcherCore::KeepsOrigin(const storage::StoredEnvelope& envelope) const {
  return region_->takes_bounces && region_->return_paths && !envelope.signing_domain.empty() &&
         !envelope.reverse_path.empty() && !envelope.sandbox;
}

// As many recipients of the entries in hand as one transaction may have here.
void DispatcherCore::ChooseRecipients(Transaction* transaction) {
  LiveMessage* live = transaction->live;
  const smtp::Capabilities& hop = transaction->connection->capabilities();
  const Site& site = *sites_[transaction->connection->site()];
  uint32_t most = std::max(site.limits.recipients_per_transaction, 1u);
  if (hop.recipients_max > 0) most = std::min(most, hop.recipients_max);
  std::vector<Slot>& slots = transaction->slots;
  // RCPTDOMAINMAX: an entry is of one domain.
  if (hop.recipient_domains_max > 0 && slots.size() > hop.recipient_domains_max) {
    for (size_t i = hop.recipient_domains_max; i < slots.size(); ++i) {
      schedule_.MakeReady(slots[i], true);
    }
    slots.resize(hop.recipient_domains_max);
  }
  std::sort(slots.begin(), slots.end());
  const auto& stored = live->envelope().recipients;
  for (uint32_t i = 0; i < live->recipients.size() && transaction->numbers.size() < most; ++i) {
    Slot slot = live->recipients[i].slot;
    if (slot == kNone || !std::binary_search(slots.begin(), slots.end(), slot)) continue;
    size_t at = transaction->numbers.size();
    transaction->numbers.push_back(i);
    if (transaction->recipients.size() <= at) transaction->recipients.resize(at + 1);
    smtp::Recipient& recipient = transaction->recipients[at];
    recipient.address = stored[i].address;
    recipient.orcpt = stored[i].orcpt;
    recipient.notify = stored[i].notify;
  }
}

// RFC 8689 section 4.2.1: the server has proven who it is, and that it is the one was said by who
// could not be deceived: the operator, DNSSEC, or the domain's policy.
bool DispatcherCore::ProvenAllTheWay(const OutboundConnection& connection) const {
  const Site& site = *sites_[connection.site()];
  const delivery::NextHop& hop = site.health.hops()[connection.hop_index].next_hop;
  return connection.proven() && (!site.by_mx || hop.by_dnssec || hop.by_sts);
}

bool DispatcherCore::RefusedByCapabilities(Transaction* transaction, smtp::Reply* refusal,
                                           bool* reencode) {
  const smtp::Capabilities& hop = transaction->connection->capabilities();
  const LiveMessage& live = *transaction->live;
  const storage::StoredEnvelope& envelope = live.envelope();
  if (hop.size_max > 0 && live.wire_bytes() > hop.size_max) {
    *refusal = delivery::TooLargeReply(live.wire_bytes(), hop.size_max);
    return true;
  }
  if (envelope.require_tls && !ProvenAllTheWay(*transaction->connection)) {
    *refusal = delivery::NotProvenReply(transaction->connection->hop_name());
    return true;
  }
  mail::MessageNeeds needs;
  needs.body_8bit = envelope.body_8bit;
  needs.header_8bit = envelope.header_8bit;
  needs.declared = static_cast<smtp::BodyType>(envelope.body_type);
  needs.smtputf8 = envelope.smtputf8;
  // A recipient's address is that recipient's trouble alone: the session refuses it by itself.
  needs.utf8_address = HasEighthBit(transaction->reverse_path);
  mail::DowngradeVerdict verdict = mail::DecideDowngrade(needs, hop);
  if (verdict.kind == mail::DowngradeVerdict::Kind::kRefuse) {
    *refusal = std::move(verdict.refusal);
    return true;
  }
  *reencode = verdict.kind == mail::DowngradeVerdict::Kind::kReencode;
  transaction->no_encoding = std::move(verdict.refusal);
  if (*reencode && live.wire_bytes() > limits::kReencodeBytesMax) {
    *reencode = false;
    *refusal = transaction->no_encoding;
    return refusal->code != 0;
  }
  return false;
}

// The whole message is gathered: converts and begins. False as Prepare's.
bool DispatcherCore::Reencoded(Transaction* transaction) {
  std::optional<std::string> text = mail::Reencode(transaction->gathered);
  explicit_bzero(transaction->gathered.data(), transaction->gathered.size());
  transaction->gathered = std::string();
  if (text) {
    Count(Counter::kDowngraded);
    transaction->reencoded = TakeString(std::move(*text));
  } else if (transaction->no_encoding.code != 0) {
    SettleAlike(transaction, transaction->connection, transaction->no_encoding);
    EndTransaction(transaction);
    return false;
  }
  transaction->next_request = transaction->next_write = 0;
  return SignAndBegin(transaction);
}

void DispatcherCore::BeginMail(Transaction* transaction) {
  const LiveMessage& live = *transaction->live;
  const storage::StoredEnvelope& envelope = live.envelope();
  const smtp::Capabilities& hop = transaction->connection->capabilities();
  bool reencoded = !transaction->reencoded.empty();
  smtp::OutgoingMail& mail = transaction->mail;
  mail.reverse_path = transaction->reverse_path;
  mail.recipients.clear();
  for (size_t i = 0; i < transaction->numbers.size(); ++i) {
    mail.recipients.push_back(&transaction->recipients[i]);
  }
  mail.envid = envelope.envid;
  mail.ret = static_cast<smtp::DsnReturn>(envelope.ret);
  mail.body = static_cast<smtp::BodyType>(envelope.body_type);
  // Content that has its eighth bit set, declared or not, is announced for what it is (RFC 6152
  // section 3).
  if (mail.body == smtp::BodyType::k7Bit && envelope.body_8bit) {
    mail.body = smtp::BodyType::k8BitMime;
  }
  if (reencoded) mail.body = smtp::BodyType::k7Bit;
  mail.smtputf8 = envelope.smtputf8 && hop.smtputf8;
  mail.require_tls = envelope.require_tls;
  mail.size = reencoded ? transaction->reencoded.size() : live.wire_bytes();
  mail.size += transaction->signatures.size();
  transaction->stage = Stage::kSending;
  transaction->body_wanted = false;
  transaction->connection->Begin(mail);
  if (!live.body_here && !reencoded) RequestChunks(transaction);
}

void DispatcherCore::OnBodyWanted(OutboundConnection* connection) {
  Transaction* transaction = connection->transaction;
  RP_CHECK(transaction && transaction->stage == Stage::kSending);
  const LiveMessage& live = *transaction->live;
  if (!transaction->signatures.empty()) connection->SendPiece(SlabOf(transaction->signatures));
  if (!transaction->reencoded.empty()) {
    connection->SendPiece(transaction->reencoded);
    connection->FinishBody();
    return;
  }
  if (!live.envelope().trace.empty()) connection->SendPiece(SlabOf(live.envelope().trace));
  if (live.body_here) {
    for (const Slice& piece : live.message->body.slices()) connection->SendPiece(piece);
    connection->FinishBody();
    return;
  }
  transaction->body_wanted = true;
  PumpBody(transaction);
}

void DispatcherCore::OnBodySent(OutboundConnection* connection) {
  if (connection->transaction) PumpBody(connection->transaction);
}

// Keeps kBodyChunksAheadMax chunks between the spool and the connection; may be called at any time.
void DispatcherCore::RequestChunks(Transaction* transaction) {
  uint32_t total = transaction->live->envelope().body_chunks;
  while (transaction->next_request < total &&
         transaction->next_request - transaction->next_write < limits::kBodyChunksAheadMax) {
    BodyRead& read = transaction->reads[transaction->next_request % limits::kBodyChunksAheadMax];
    read.kind = storage::ReadRequest::Kind::kBody;
    read.id = transaction->live->id();
    read.chunk_first = transaction->next_request++;
    read.chunk_count = 1;
    read.arrived = false;
    read.run = [](Posted* posted) {
      auto* done = static_cast<BodyRead*>(posted);
      done->transaction->core->ChunkArrived(done);
    };
    ++transaction->reads_in_flight;
    region_->spool->Read(&read);
  }
}

void DispatcherCore::ChunkArrived(BodyRead* read) {
  Transaction* transaction = read->transaction;
  --transaction->reads_in_flight;
  if (transaction->stage == Stage::kOver) {
    if (!transaction->awaits_answers()) RecycleTransaction(transaction);
    return;
  }
  if (!read->status.ok()) {
    BodyLost(transaction, read->status);
    return;
  }
  read->arrived = true;
  if (transaction->stage == Stage::kGathering) {
    PumpGathering(transaction);
  } else if (transaction->stage == Stage::kSigning) {
    OutboundConnection* connection = transaction->connection;
    if (!PumpSigning(transaction)) GiveWork(connection);
  } else if (transaction->body_wanted) {
    PumpBody(transaction);
  }
}

void DispatcherCore::PumpBody(Transaction* transaction) {
  OutboundConnection* connection = transaction->connection;
  uint32_t total = transaction->live->envelope().body_chunks;
  bool wrote = false;
  while (transaction->next_write < total) {
    BodyRead& read = transaction->reads[transaction->next_write % limits::kBodyChunksAheadMax];
    if (!read.arrived || connection->unsent_bytes() > limits::kBodyChunkBytesMax) break;
    read.arrived = false;
    connection->SendPiece(TakeString(std::exchange(read.body, {})));
    ++transaction->next_write;
    wrote = true;
    RequestChunks(transaction);
    if (transaction->next_write < total) connection->FlushBody();
  }
  if (transaction->next_write == total) {
    transaction->body_wanted = false;
    connection->FinishBody();
  } else if (!wrote && connection->unsent_bytes() == 0) {
    connection->FlushBody();  // the trace header alone, while the first chunk is on its way
  }
}

void DispatcherCore::PumpGathering(Transaction* transaction) {
  uint32_t total = transaction->live->envelope().body_chunks;
  while (transaction->next_write < total) {
    BodyRead& read = transaction->reads[transaction->next_write % limits::kBodyChunksAheadMax];
    if (!read.arrived) return;
    read.arrived = false;
    transaction->gathered += read.body;
    explicit_bzero(read.body.data(), read.body.size());
    read.body.clear();
    ++transaction->next_write;
    RequestChunks(transaction);
  }
  OutboundConnection* connection = transaction->connection;
  if (!connection) {
    GiveBack(transaction);
    ServiceTouched();
    return;
  }
  if (!Reencoded(transaction)) GiveWork(connection);
}

// The body cannot be read. The transaction cannot be ended in order: a final dot would deliver half
// a message.
void DispatcherCore::BodyLost(Transaction* transaction, const Status& status) {
  OutboundConnection* connection = transaction->connection;
  bool begun = transaction->stage == Stage::kSending;
  for (Slot slot : transaction->slots) {
    ReadFailed(slot, status);
    // Its envelope is whole: if nothing mends the body it is bounced at its deadline.
    if (schedule_[slot].state == delivery::EntryState::kHeld) {
      schedule_.Take(slot);
      Defer(slot, WallFromMillis(int64_t{schedule_[slot].deadline_seconds} * 1000));
    }
  }
  EndTransaction(transaction);
  if (!connection) return;
  if (begun) {
    connection->Abort();
  } else {
    GiveWork(connection);
  }
}

// Entries in hand whose record could not be read. What is damaged is kept where the operator sees
// it.
void DispatcherCore::ReadFailed(Slot slot, const Status& status) {
  LogLine(io_->wall_now(), "unreadable")
      .Id(schedule_[slot].id)
      .Text("domain", schedule_.domain(schedule_[slot].domain).name)
      .Text("reason", MessageOf(status))
      .To(*region_->log);
  if (status.code() == StatusCode::kNotFound) {
    schedule_.Remove(slot);
  } else if (status.code() == StatusCode::kDataLoss) {
    schedule_.Hold(slot);
  } else {
    WallTime due = WallFromMillis(int64_t{schedule_[slot].due_seconds} * 1000);
    WallTime later = io_->wall_now() + Seconds(limits::kUnreadableRetrySeconds);
    Defer(slot, std::max(due, later));
  }
}

void DispatcherCore::OnTransactionDone(OutboundConnection* connection) {
  Transaction* transaction = connection->transaction;
  RP_CHECK(transaction && transaction->stage == Stage::kSending);
  Site& site = *sites_[connection->site()];
  size_t target = site.health.FindTarget(connection->hop_index, connection->peer());
  if (target != delivery::HopHealth::kNoTarget) site.health.Worked(target);
  Settle(transaction, connection, &connection->session().outcome(), smtp::Reply());
  EndTransaction(transaction);
}

}  // namespace ringpost::session
