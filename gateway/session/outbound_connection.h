// OutboundConnection: joins an smtp::ClientSession to a Stream: one connection to a next hop.
//
// It connects, puts the connection under TLS as its HopTls says, greets, carries out one
// transaction after the other as its owner gives them, and ends: by QUIT, by a failure, or at once.
// It keeps the time-outs. What is sent when, and to whom, the owner decides.
//
// The owner's calls come from the loop, never from inside a call on the connection. OnBroken comes
// at most once; OnClosed is the last call, and within it the owner may destroy the connection.
//
// Where TLS is opportunistic and its handshake fails, it connects once more and stays in clear: the
// owner is told (OnTlsFallback), and sees one connection that took longer. Replies put between
// STARTTLS and the handshake (CVE-2021-38371) are such a failure: they are not believed, and who
// can put them there could strip the offer of STARTTLS as well.
//
// Threads: the shard's own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/time.h"
#include "gateway/delivery/routing.h"
#include "gateway/dns/dane_lookup.h"
#include "gateway/reactor/io.h"
#include "gateway/session/secure_stream.h"
#include "gateway/smtp/client_session.h"

namespace ringpost::session {

class DispatcherCore;
struct Transaction;

// What came of TLS on a connection. Of one that broke before it could be tried nothing is said.
struct TlsOutcomeSeen {
  enum class What : uint8_t { kSecured, kNotOffered, kFailed };
  What what = What::kSecured;
  tls::PeerFault fault = tls::PeerFault::kNone;  // of kSecured too: it was let pass
  std::string_view reason;                       // of kFailed
};

class OutboundConnection final : public SecureStreamHandler {
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
    // TLS failed, for this reason; it goes on in clear.
    virtual void OnTlsFallback(OutboundConnection* connection, std::string_view reason) = 0;
    // What came of TLS: once, when it is known, whether it then goes on or not.
    virtual void OnTlsOutcome(OutboundConnection* connection, const TlsOutcomeSeen& seen) = 0;

   protected:
    ~Owner() = default;
  };

  struct Settings {
    std::string helo;
    Seconds connect_timeout;
    Seconds command_timeout;  // 0: RFC 5321's alone
    Seconds idle_timeout;
    // See RegionContext.
    std::shared_ptr<const tls::ClientContext> tls_any, tls_verified;
    tls::KernelRecordRule kernel_records;
  };

  // `tlsa`: of the host; where DANE holds for it, the server is held to it, and nothing leaves in
  // clear (RFC 7672 section 2.2).
  OutboundConnection(reactor::Io* io, Owner* owner, const Settings* settings, uint32_t site,
                     const Endpoint& peer, const delivery::NextHop& hop,
                     const dns::TlsaSet& tlsa = {});
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
  void SetTrace(TraceFn trace, void* context);

  smtp::ClientSession& session() { return *session_; }
  const smtp::Capabilities& capabilities() const { return session_->capabilities(); }
  // "TLSv1.3 TLS_AES_256_GCM_SHA384 verified, kernel: send"; "by DANE" behind "verified" where it
  // is so; empty: in clear.
  std::string TlsWords() const;
  uint32_t site() const { return site_; }
  const Endpoint& peer() const { return peer_; }
  const std::string& hop_name() const { return hop_name_; }
  bool usable() const { return greeted_ && !broken_ && !quitting_; }
  // Nothing has come from the next hop since Begin.
  bool silent_since_begin() const { return silent_; }
  // What went wrong, in words or as the next hop's reply.
  const smtp::Reply& failure() const { return failure_; }
  // It refused our credentials: see failure().
  bool auth_refused() const { return session_->auth_refused(); }
  // Whom AUTH said we are; null: it was not said.
  const smtp::Credentials* credentials() const { return credentials_.get(); }
  // The connect failed for want of descriptors or memory of this host, not for the next hop.
  bool short_of_descriptors() const { return short_of_descriptors_; }
  uint32_t transactions() const { return transactions_; }
  size_t unsent_bytes() const { return stream_->unsent_bytes(); }
  // When it was first greeted.
  MonoTime ready_at() const { return ready_at_; }

  // Nothing may be sent to who does not prove who it is.
  bool verified_only() const { return dane_ || tls_ == delivery::HopTls::kVerified; }
  // It has proven who it is.
  bool proven() const;

  DispatcherCore* core = nullptr;  // these are the owner's
  Transaction* transaction = nullptr;
  size_t hop_index = 0;   // among the site's
  bool outdated = false;  // made under settings that are no longer in force
  bool connecting = true;
  std::string for_domain;  // whose mail it was opened for

 private:
  struct Timeout : reactor::Timer {
    using reactor::Timer::Timer;
    OutboundConnection* connection = nullptr;
  };

  void StartOver();
  void BeginTls();
  void TlsFailed(std::string_view reason);
  void TellTls(TlsOutcomeSeen::What what, std::string_view reason = {});
  void OnConnected(int error) override;
  void OnSecured() override;
  void OnKeysSpent(bool readable) override;
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
  std::optional<SecureStream> stream_;  // these two are made anew for a second try in clear
  std::optional<smtp::ClientSession> session_;
  TraceFn trace_ = nullptr;
  void* trace_context_ = nullptr;
  Timeout timeout_;
  uint32_t site_;
  Endpoint peer_;
  std::string hop_name_;
  std::string tls_name_;  // the host, whose certificate it should be
  delivery::HopTls tls_;
  std::shared_ptr<const DanePolicy> dane_;  // null: DANE does not hold for it
  bool implicit_tls_;
  std::shared_ptr<const smtp::Credentials> credentials_;
  IpAddress source_;
  smtp::Reply failure_;
  MonoTime ready_at_;
  MonoTime deadline_;  // of the transaction, or of the greeting
  size_t unsent_at_arming_ = 0;
  uint32_t replies_seen_ = 0;
  uint32_t transactions_ = 0;
  bool has_source_ = false;
  bool securing_ = false;  // the handshake is on its way
  bool in_clear_ = false;  // TLS has failed, and is not tried again
  bool tls_told_ = false;
  bool retry_in_clear_ = false;  // once this stream is closed
  bool greeted_ = false;
  bool broken_ = false;
  bool quitting_ = false;
  bool resting_ = false;
  bool keys_spent_ = false;  // no transaction is to begin any more
  bool silent_ = true;
  bool short_of_descriptors_ = false;
  bool pumping_ = false;
  bool sending_body_ = false;
  bool pump_soon_ = false;
  SliceChain wire_;
};

}  // namespace ringpost::session
