// OutboundConnection: joins an smtp::ClientSession to a Stream: one connection to a next hop.
//
// It connects, greets, carries out one transaction after the other as its owner gives them, and
// ends: by QUIT, by a failure, or at once. It keeps the time-outs. What is sent when, and to whom,
// the owner decides.
//
// The owner's calls come from the loop, never from inside a call on the connection. OnBroken comes
// at most once; OnClosed is the last call, and within it the owner may destroy the connection.
//
// Threads: the shard's own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/time.h"
#include "gateway/reactor/io.h"
#include "gateway/reactor/stream.h"
#include "gateway/smtp/client_session.h"

namespace ringpost::session {

class DispatcherCore;
struct Transaction;

class OutboundConnection final : public reactor::StreamHandler {
 public:
  class Owner {
   public:
    // Greeted, or the transaction is over and the next may begin: Begin, Rest or Quit.
    virtual void OnReady(OutboundConnection* connection) = 0;
    // The next hop takes the body now: SendPiece and FlushBody as it comes, then FinishBody.
    virtual void OnBodyWanted(OutboundConnection* connection) = 0;
    // What SendPiece wrote has left, and the body is not finished.
    virtual void OnBodySent(OutboundConnection* connection) = 0;
    virtual void OnTransactionDone(OutboundConnection* connection) = 0;
    // No transaction can be carried out on it any more; one in hand has failed: see outcome().
    virtual void OnBroken(OutboundConnection* connection) = 0;
    virtual void OnClosed(OutboundConnection* connection) = 0;

   protected:
    ~Owner() = default;
  };

  struct Settings {
    std::string helo;
    Seconds connect_timeout;
    Seconds command_timeout;  // 0: RFC 5321's alone
    Seconds idle_timeout;
  };

  OutboundConnection(reactor::Io* io, Owner* owner, const Settings* settings, uint32_t site,
                     const Endpoint& peer, std::string hop_name);
  ~OutboundConnection();

  // `source` may be null.
  void Connect(const IpAddress* source);
  void Begin(const smtp::OutgoingMail& mail);
  void SendPiece(const Slice& piece);
  void FlushBody();
  void FinishBody();
  // A transaction is being prepared for it: not to be given up for idleness.
  void Reserve();
  // Nothing to do: QUIT after the idle time-out, unless Begin comes first.
  void Rest();
  void Quit();
  // Ends at once. Without OnBroken: what is in hand is the caller's to settle.
  void Abort();

  using TraceFn = void (*)(void* context, bool from_client, std::string_view line);
  void SetTrace(TraceFn trace, void* context) { session_.SetTrace(trace, context); }

  smtp::ClientSession& session() { return session_; }
  const smtp::Capabilities& capabilities() const { return session_.capabilities(); }
  uint32_t site() const { return site_; }
  const Endpoint& peer() const { return peer_; }
  const std::string& hop_name() const { return hop_name_; }
  bool usable() const { return greeted_ && !broken_ && !quitting_; }
  // Nothing has come from the next hop since Begin.
  bool silent_since_begin() const { return silent_; }
  // What went wrong, in words or as the next hop's reply.
  const smtp::Reply& failure() const { return failure_; }
  // The connect failed for want of descriptors or memory of this host, not for the next hop.
  bool short_of_descriptors() const { return short_of_descriptors_; }
  uint32_t transactions() const { return transactions_; }
  size_t unsent_bytes() const { return stream_.unsent_bytes(); }
  MonoTime leased_at() const { return leased_at_; }

  DispatcherCore* core = nullptr;  // these three are the owner's
  Transaction* transaction = nullptr;
  bool connecting = true;

 private:
  struct Timeout : reactor::Timer {
    using reactor::Timer::Timer;
    OutboundConnection* connection = nullptr;
  };

  void OnConnected(int error) override;
  void OnReceive(Slice bytes) override;
  void OnSent() override;
  void OnEnd(int error) override;
  void OnClosed() override;
  void OnTimeout();

  void Pump(std::string_view input);
  void WriteWire();
  void PumpSoon();
  void Flush();
  void ArmTimeout();
  void Fail(std::string_view words);
  void Break();

  reactor::Io* io_;
  Owner* owner_;
  const Settings* settings_;
  reactor::Stream stream_;
  smtp::ClientSession session_;
  Timeout timeout_;
  uint32_t site_;
  Endpoint peer_;
  std::string hop_name_;
  smtp::Reply failure_;
  MonoTime leased_at_;
  MonoTime deadline_;  // of the transaction, or of the greeting
  size_t unsent_at_arming_ = 0;
  uint32_t replies_seen_ = 0;
  uint32_t transactions_ = 0;
  bool greeted_ = false;
  bool broken_ = false;
  bool quitting_ = false;
  bool resting_ = false;
  bool silent_ = true;
  bool short_of_descriptors_ = false;
  bool pumping_ = false;
  bool sending_body_ = false;
  bool pump_soon_ = false;
  SliceChain wire_;
};

}  // namespace ringpost::session
