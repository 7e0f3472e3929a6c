#include "gateway/session/inbound_message.h"

#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/base/wipe.h"
#include "gateway/identity/rewriting.h"
#include "gateway/mail/bounce_limits.h"
#include "gateway/mail/from_field.h"
#include "gateway/mail/from_rewriting.h"
#include "gateway/mail/sender_domains.h"
#include "gateway/session/inbound_connection.h"
#include "gateway/session/inbound_sender.h"
#include "gateway/smtp/idna.h"

namespace ringpost::session {
namespace {

// A third of the share fills while two thirds are on their way to the store.
size_t ChunkBytes(const reactor::Io& io) {
  size_t share = std::max(io.pool_bytes() / limits::kPinnedPoolShare, limits::kPinnedBytesMin);
  return std::min(share / (limits::kChunksInFlightMax + 1), limits::kBodyChunkBytesMax);
}

}  // namespace

InboundMessage::InboundMessage(InboundHost* host, InboundConnection* connection,
                               const InboundSender* sender, bool may_sign)
    : host_(host),
      connection_(connection),
      sender_(sender),
      may_sign_(may_sign),
      started_(host->io().now()),
      message_(std::make_unique<storage::NewMessage>()),
      chunk_bytes_(ChunkBytes(host->io())) {
  message_->id = MessageId::Make(host->io().wall_now(), 0, host->io().random());
  ++host_->messages;
}

InboundMessage::~InboundMessage() {
  --host_->messages;
  WipeString(&start_);
}

bool InboundMessage::blocked() const {
  return state_ == State::kReceiving && chunks_in_flight_ >= limits::kChunksInFlightMax;
}

void InboundMessage::Append(Slice piece, bool new_buffer) {
  RP_CHECK(state_ == State::kReceiving);
  body_bytes_ += piece.size();
  if (!failure_.ok()) return;  // it will be refused; the rest is read and dropped
  // Under TLS records meet within a buffer.
  bool known = !pieces_.empty() && pieces_.slices().back().SameBlock(piece);
  if (new_buffer && !known) pinned_bytes_ += limits::kReceiveBufferBytes;
  pieces_.Append(std::move(piece));
  // A client that sends a few bytes at a time would pin a whole buffer with each; one that sends
  // nothing but dots would make a slice of each line.
  bool wasteful = pinned_bytes_ >= chunk_bytes_ && pieces_.size() * 2 < pinned_bytes_;
  if (wasteful || pieces_.slices().size() >= limits::kBodyPiecesMax) CompactPieces();
  if (std::max(pinned_bytes_, gathered_.size() + pieces_.size()) < chunk_bytes_) return;
  if (!HeadersToCome()) {
    SendChunk();
  } else if (pinned_bytes_ >= chunk_bytes_) {
    CompactPieces();
  }
}

void InboundMessage::CompactPieces() {
  gathered_.Append(pieces_.Gather());
  pieces_.Clear();
  pinned_bytes_ = 0;
}

SliceChain InboundMessage::TakeBody() {
  SliceChain body;
  if (gathered_.empty()) {
    body = std::move(pieces_);
  } else {
    body = std::move(gathered_);
    body.Append(pieces_);
  }
  gathered_ = SliceChain();
  pieces_ = SliceChain();
  pinned_bytes_ = 0;
  return body;
}

const mail::HeaderSummary& InboundMessage::Headers() {
  ScannedHeaders();
  if (sender_ && !settled_) SettleHeader();
  return headers_;
}

const mail::HeaderSummary& InboundMessage::ScannedHeaders() {
  if (!scanned_) {
    SliceChain both;
    if (!gathered_.empty()) {
      both = gathered_;
      both.Append(pieces_);
    }
    headers_ = mail::ScanHeaders(gathered_.empty() ? pieces_ : both);
    scanned_ = true;
    if (headers_.mailbox_line_bytes > 0) DropMailboxLine();
  }
  return headers_;
}

// Clients that send files of mailboxes leave their "From " line in front: no field, and behind our
// trace fields it would end the header section.
void InboundMessage::DropMailboxLine() {
  size_t left = std::exchange(headers_.mailbox_line_bytes, 0);
  headers_.header_bytes -= left;
  body_bytes_ -= left;
  SliceChain whole = std::move(gathered_);
  whole.Append(pieces_);
  gathered_ = SliceChain();
  pieces_.Clear();
  for (const Slice& slice : whole.slices()) {
    size_t dropped = std::min(left, slice.size());
    left -= dropped;
    gathered_.Append(slice.Share(slice.view().substr(dropped)));
  }
}

// Once, when the whole header section is here: what the credential's settings say of the From
// field; and where the section ends at a line that is no field, an empty line is put there, so that
// nobody behind us reads on and finds another From field (a reader may skip such a line).
void InboundMessage::SettleHeader() {
  const identity::CredentialSettings& settings = *sender_->credential.settings;
  settled_ = true;
  if (headers_.truncated) return;  // it is refused
  std::optional<std::string> from;
  if (!settings.default_domain.empty() || !settings.forced_from.empty()) {
    from = mail::RewriteFrom(headers_, [&settings](std::string_view address) {
      return address.empty() ? settings.forced_from : identity::RewrittenFrom(settings, address);
    });
  }
  bool torn = headers_.ended && !headers_.has_separator;
  if (from || torn) ReplaceHeader(from, torn);
}

void InboundMessage::ReplaceHeader(const std::optional<std::string>& from, bool torn) {
  CompactPieces();
  SliceChain whole = std::exchange(gathered_, SliceChain());
  std::string header;
  size_t left = headers_.header_bytes;
  SliceChain rest;
  for (const Slice& slice : whole.slices()) {
    size_t taken = std::min(left, slice.size());
    left -= taken;
    header.append(slice.view().substr(0, taken));
    if (taken < slice.size()) rest.Append(slice.Share(slice.view().substr(taken)));
  }
  std::string fresh = from ? mail::WithFrom(header, *from) : header;
  if (torn) fresh += "\r\n";
  body_bytes_ = body_bytes_ - header.size() + fresh.size();
  gathered_.Append(Slice::Copy(fresh));
  gathered_.Append(rest);
  headers_ = mail::ScanHeaders(gathered_);
}

// Before the first of the body goes anywhere: the header section has been scanned by then. Only the
// very domain of the first address in From counts (aligned in DMARC's strict sense too). Where the
// section has no empty line at its end, or none was found, readers may disagree about what the body
// is: nothing is signed then.
void InboundMessage::BeginDkim() {
  const auto& domains = host_->region->sender_domains;
  if (!may_sign_ || !domains || domains->size() == 0) return;
  if (!headers_.has_separator || headers_.truncated) return;
  mail::FromAddresses from = mail::ReadFrom(headers_);
  if (from.problem != mail::FromProblem::kNone) return;
  const std::string_view first = from.addresses.front();
  auto domain = smtp::CanonicalDomain(first.substr(first.rfind('@') + 1));
  if (!domain) return;
  auto its = domains->Find(*domain);
  if (!its || its->keys == 0) return;
  // An exempt account may send as anybody; in a domain's name signs who it is verified for.
  if (sender_ && sender_->directory->VerifiedFor(*domain) != sender_->credential.account->id)
    return;
  signing_domain_ = std::move(*domain);
  dkim_hash_.emplace();
  dkim_header_left_ = headers_.header_bytes;
}

void InboundMessage::HashForDkim(const SliceChain& piece) {
  if (!dkim_hash_) return;
  for (const Slice& slice : piece.slices()) {
    size_t past = std::min(dkim_header_left_, slice.size());
    dkim_header_left_ -= past;
    dkim_hash_->Update(slice.view().substr(past));
  }
}

void InboundMessage::FinishDkim() {
  if (!dkim_hash_) return;
  storage::StoredEnvelope& envelope = message_->envelope;
  envelope.signing_domain = std::move(signing_domain_);
  envelope.header_bytes = static_cast<uint32_t>(headers_.header_bytes);
  envelope.dkim_body_hash = dkim_hash_->Finish();
  dkim_hash_.reset();
}

std::unique_ptr<InboundMessage::Request> InboundMessage::NewRequest(
    storage::CommitRequest::Kind kind, void (*run)(Posted*)) {
  auto request = std::make_unique<Request>();
  request->kind = kind;
  request->run = run;
  request->reply_to = &host_->io().inbox();
  request->id = message_->id;
  request->message_on_its_way = this;
  return request;
}

// The first chunk waits for the end of the header section, or for more than is scanned of it: the
// fields we add are stored in front, and depend on those that are there. Scans at most twice.
bool InboundMessage::HeadersToCome() {
  if (scanned_) return false;
  if (gathered_.size() + pieces_.size() < first_chunk_bytes_min_) return true;
  if (ScannedHeaders().ended) return false;
  scanned_ = false;
  first_chunk_bytes_min_ = limits::kHeaderSectionBytesMax + 1;
  return true;
}

void InboundMessage::SendChunk() {
  Headers();
  if (gathered_.empty() && pieces_.empty()) return;  // the line of a mailbox was all of it
  if (chunks_sent_ == 0) BeginDkim();
  if (chunks_sent_ == 0 && keeps_start_) KeepStart();
  auto request = NewRequest(storage::CommitRequest::Kind::kChunk, OnChunkBack);
  request->chunk_index = chunks_sent_++;
  request->chunk = TakeBody();
  HashForDkim(request->chunk);
  if (++chunks_in_flight_ >= limits::kChunksInFlightMax) blocked_since_ = host_->io().now();
  host_->region->spool->Submit(request.release());
}

void InboundMessage::OnChunkBack(Posted* posted) {
  std::unique_ptr<Request> request(static_cast<Request*>(posted));
  InboundMessage* message = request->message_on_its_way;
  message->ChunkBack(std::move(request));
}

void InboundMessage::ChunkBack(std::unique_ptr<Request> request) {
  if (blocked()) started_ += host_->io().now() - blocked_since_;
  --chunks_in_flight_;
  if (!request->status.ok() && failure_.ok()) failure_ = request->status;
  request.reset();  // its buffers go back to the pool before more is received
  switch (state_) {
    case State::kReceiving:
      if (connection_) connection_->OnMessageRoom();
      return;
    case State::kAwaitingChunks:
      if (chunks_in_flight_ == 0) SubmitAccept();
      return;
    case State::kAbandoned:
      DiscardOrDelete();
      return;
    case State::kCommitting:
      RP_CHECK(false);  // the commit waits for its chunks
  }
}

// Before the first of it goes to the store.
void InboundMessage::KeepStart() {
  start_.reserve(std::min(gathered_.size() + pieces_.size(), mail::limits::kBounceBytesMax));
  for (const SliceChain* chain : {&gathered_, &pieces_}) {
    for (const Slice& slice : chain->slices()) {
      start_.append(slice.view().substr(0, start_.capacity() - start_.size()));
    }
  }
}

void InboundMessage::Finish(Facts facts) {
  RP_CHECK(state_ == State::kReceiving && scanned_);
  facts_ = std::move(facts);
  if (keeps_start_ && facts_.bounce_classes) {
    if (chunks_sent_ == 0) KeepStart();
    intake_.emplace(std::move(facts_.origins), facts_.bounce_classes, start_);
    WipeString(&start_);
  }
  message_->envelope = std::move(facts_.envelope);
  message_->envelope.body_bytes = body_bytes_;
  if (chunks_sent_ > 0 || !failure_.ok()) {
    message_->body_in_chunks = true;
    if (failure_.ok() && gathered_.size() + pieces_.size() > 0) SendChunk();
    FinishDkim();
    state_ = State::kAwaitingChunks;
    if (chunks_in_flight_ == 0) SubmitAccept();
    return;
  }
  BeginDkim();
  const reactor::Io& io = host_->io();
  bool pool_wanted =
      io.pool_bytes_held() * 100 > io.pool_bytes() * uint64_t{limits::kPoolGatherPercent};
  if (body_bytes_ <= limits::kGatherBytesMax || pool_wanted) {
    SliceChain body = TakeBody();
    message_->body.Append(body.Gather());
  } else {
    message_->body = TakeBody();
  }
  HashForDkim(message_->body);
  FinishDkim();
  SubmitAccept();
}

void InboundMessage::SubmitAccept() {
  state_ = State::kCommitting;
  auto request = NewRequest(storage::CommitRequest::Kind::kAccept, OnAcceptBack);
  request->message = message_.get();
  if (failure_.ok()) {
    host_->region->spool->Submit(request.release());
    return;
  }
  // A chunk was lost on the way: there is nothing to commit. Answered through the inbox like any
  // other, so that the connection is never called from within its own call.
  request->status = failure_;
  host_->io().inbox().Post(request.release());
}

void InboundMessage::OnAcceptBack(Posted* posted) {
  std::unique_ptr<Request> request(static_cast<Request*>(posted));
  InboundMessage* message = request->message_on_its_way;
  message->Settled(request.get());
}

void InboundMessage::Settled(Request* request) {
  InboundConnection* connection = std::exchange(connection_, nullptr);
  if (request->status.ok()) {
    RP_CHECK(request->durable.has_value());
    Count(Counter::kMessagesAccepted);
    if (message_->envelope.sandbox) Count(Counter::kMessagesSandboxed);
    Count(Counter::kRecipientsAccepted, message_->envelope.recipients.size());
    Count(Counter::kBodyBytesIn, body_bytes_);
    CountForLimits();
    if (connection) connection->OnMessageSettled(request->status, std::move(request->durable));
    if (intake_) intake_->Apply(host_, message_->id);
    Admit();
    delete this;
    return;
  }
  Count(Counter::kMessagesDeferredAfterData);
  facts_.quota.GiveBack();  // before the client knows, who may send it again at once
  LogLine(host_->io().wall_now(), "accept_failed")
      .Id(message_->id)
      .Text("client", facts_.client)
      .Text("from", message_->envelope.reverse_path)
      .Text("reason", MessageOf(request->status))
      .To(*host_->region->log);
  if (connection) connection->OnMessageSettled(request->status, std::nullopt);
  state_ = State::kAbandoned;
  DiscardOrDelete();
}

// A sandboxed message counts to quotas, which a client's set-up may meet too, and not for the
// brake: what is not delivered cannot bounce.
void InboundMessage::CountForLimits() {
  WallTime now = host_->io().wall_now();
  facts_.quota.Accept(now);
  if (message_->envelope.sandbox) return;
  host_->shared->outcomes.Add(facts_.credential, identity::OutcomeCounts::What::kAccepted, now,
                              static_cast<uint32_t>(message_->envelope.recipients.size()));
}

void InboundMessage::Admit() {
  const storage::StoredEnvelope& envelope = message_->envelope;
  LogLine line(host_->io().wall_now(), "accepted");
  line.Id(message_->id)
      .Text("client", facts_.client)
      .Text("helo", facts_.helo)
      .Text("protocol", facts_.protocol)
      .Text("listener", facts_.listener);
  if (!facts_.account.empty()) {
    line.Text("account", facts_.account).Number("credential", facts_.credential);
  }
  if (!facts_.tls.version.empty()) {
    line.Text("tls", facts_.tls.version).Text("cipher", facts_.tls.cipher);
  }
  if (!facts_.kernel_records.empty()) line.Text("ktls", facts_.kernel_records);
  if (!facts_.login.empty()) line.Text("login", facts_.login);
  line.Text("from", envelope.reverse_path)
      .Number("recipients", static_cast<int64_t>(envelope.recipients.size()))
      .Number("size", static_cast<int64_t>(body_bytes_))
      .Text("message_id", headers_.message_id)
      .To(*host_->region->log);
  host_->admit(std::move(message_));
}

void InboundMessage::Leave() {
  // Nothing was asked of the store yet but chunks: the client, who is gone, will send again.
  if (state_ == State::kAwaitingChunks) {
    Abandon();
  } else {
    connection_ = nullptr;
  }
}

void InboundMessage::Abandon() {
  connection_ = nullptr;
  state_ = State::kAbandoned;
  facts_.quota.GiveBack();
  TakeBody();
  DiscardOrDelete();
}

void InboundMessage::DiscardOrDelete() {
  if (chunks_in_flight_ > 0) return;  // the last one back calls again
  if (chunks_sent_ == 0) {
    delete this;
    return;
  }
  // What a discard that fails leaves behind, the store's orphan sweep finds at its next opening.
  auto request = NewRequest(storage::CommitRequest::Kind::kDiscard, OnDiscardBack);
  request->body_chunks = chunks_sent_;
  host_->region->spool->Submit(request.release());
}

void InboundMessage::OnDiscardBack(Posted* posted) {
  std::unique_ptr<Request> request(static_cast<Request*>(posted));
  delete request->message_on_its_way;
}

}  // namespace ringpost::session
