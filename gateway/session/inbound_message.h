// InboundMessage: one message from DATA to the store's answer: gathers the body, sends it ahead in
// chunks where it is big, asks for the commit, and hands what is durable on.
//
// It holds at most limits.h's share of the shard's receive buffers: small pieces are gathered into
// slabs of their own, and what is over the share goes to the store as chunks, at most
// kChunksInFlightMax at once.
//
// Where the region has DKIM keys, and one of them is the sender's domain's, what is behind the
// header section is hashed on its way to the store (decisions/050); else nothing is.
//
// Lifetime: made by its connection with new; it deletes itself once its last request is back, so it
// may outlive the connection (which then calls Abandon or lets a commit in flight go its way). The
// connection must not touch it after Finish's answer, Abandon, or Leave.
//
// Threads: the shard's own.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "gateway/mail/dkim_body_hash.h"
#include "gateway/mail/header_scan.h"
#include "gateway/session/bounce_intake.h"
#include "gateway/session/inbound_host.h"
#include "gateway/tls/connection.h"

namespace ringpost::session {

struct InboundSender;

class InboundMessage {
 public:
  // `sender`: whose it is; null: the operator's own, or a bounce. It lives as long as the
  // connection asks for more. `may_sign`: false of bounces, which anybody may send.
  InboundMessage(InboundHost* host, InboundConnection* connection, const InboundSender* sender,
                 bool may_sign);
  InboundMessage(const InboundMessage&) = delete;
  InboundMessage& operator=(const InboundMessage&) = delete;

  const MessageId& id() const { return message_->id; }
  // Later by as long as it has been blocked: a rate is the client's.
  MonoTime started() const { return started_; }

  // A piece of the body. `new_buffer`: the first piece out of one receive buffer.
  void Append(Slice piece, bool new_buffer);
  // As many chunks are in flight as may be: no more pieces until the connection's OnMessageRoom.
  bool blocked() const;

  // Of the header section as it goes out, once its end has come.
  const mail::HeaderSummary& Headers();
  // It is to return paths: its start is read at the end, and what that says acted on. Before the
  // first Append.
  void ReadAsBounce() { keeps_start_ = true; }
  // What the connection knows of the message, for the envelope and the log.
  struct Facts {
    storage::StoredEnvelope envelope;  // body_bytes and what DKIM needs are set here
    std::string helo;
    std::string client;
    std::string protocol;
    std::string listener;
    std::string account;              // empty: the operator's own
    uint32_t credential = 0;          // its number, where there is an account
    identity::QuotaHolds quota;       // for its recipients
    std::string login;                // the name of the user; empty: nobody has logged in
    tls::Connection::Facts tls;       // empty: in clear
    std::string_view kernel_records;  // see SecureStream; a literal
    // Of ReadAsBounce: what is known of the messages it may be about, and by what it is judged.
    std::vector<BounceOrigin> origins;
    std::shared_ptr<const mail::BounceClasses> bounce_classes;
  };
  // Asks for the commit; the answer is the connection's OnMessageSettled, or nobody's after Leave.
  void Finish(Facts facts);

  // The message is not wanted any more (reset, refusal, lost client before the end of data).
  void Abandon();
  // The client is gone; a commit in flight goes on and what is durable is admitted.
  void Leave();

 private:
  struct Request : storage::CommitRequest {
    InboundMessage* message_on_its_way = nullptr;
  };
  enum class State : uint8_t { kReceiving, kAwaitingChunks, kCommitting, kAbandoned };

  ~InboundMessage();
  static void OnChunkBack(Posted* posted);
  static void OnAcceptBack(Posted* posted);
  static void OnDiscardBack(Posted* posted);
  void CompactPieces();
  const mail::HeaderSummary& ScannedHeaders();
  void DropMailboxLine();
  void SettleHeader();
  void ReplaceHeader(const std::optional<std::string>& from, bool torn);
  bool HeadersToCome();
  SliceChain TakeBody();
  void BeginDkim();
  void HashForDkim(const SliceChain& piece);
  void FinishDkim();
  void SendChunk();
  void ChunkBack(std::unique_ptr<Request> request);
  void SubmitAccept();
  void Settled(Request* request);
  void CountForLimits();
  void Admit();
  void DiscardOrDelete();
  void KeepStart();
  std::unique_ptr<Request> NewRequest(storage::CommitRequest::Kind kind, void (*run)(Posted*));

  InboundHost* host_;
  InboundConnection* connection_;
  const InboundSender* sender_;
  const bool may_sign_;
  bool settled_ = false;  // its header section is as it goes out
  MonoTime started_;
  MonoTime blocked_since_;  // where it is
  std::unique_ptr<storage::NewMessage> message_;
  SliceChain gathered_;      // slabs of our own, before `pieces_`
  SliceChain pieces_;        // views into receive buffers
  size_t pinned_bytes_ = 0;  // of receive buffers, by `pieces_`
  size_t chunk_bytes_;       // what is held before a chunk goes ahead
  size_t first_chunk_bytes_min_ = 0;
  uint64_t body_bytes_ = 0;
  uint32_t chunks_sent_ = 0;
  uint32_t chunks_in_flight_ = 0;
  State state_ = State::kReceiving;
  bool scanned_ = false;
  mail::HeaderSummary headers_;
  std::string signing_domain_;  // empty: it is not to be signed
  std::optional<mail::DkimBodyHash> dkim_hash_;
  size_t dkim_header_left_ = 0;  // what is not hashed of what comes next
  bool keeps_start_ = false;
  std::string start_;                   // of a bounce, as far as it is read; wiped
  std::optional<BounceIntake> intake_;  // what it says
  Status failure_;                      // of a chunk
  Facts facts_;                         // for the log; the envelope is moved into message_
};

}  // namespace ringpost::session
