// SimTalk: a scripted end of a connection that can be put under TLS: a SimPeer with the same calls,
// before and after.
//
// Handshakes differ in their bytes from run to run, never in their sizes (RSA signs, and sessions
// are kept for one run), so that a seed stays one run.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/reactor/sim_io.h"
#include "gateway/tls/connection.h"

namespace ringpost::sim {

// What both ends of a run's connections need for TLS. Made anew for each run: what a session
// resumes must not depend on what ran before.
struct TlsSetup {
  TlsSetup();
  std::shared_ptr<const tls::ServerContext> server;
  std::shared_ptr<const tls::ClientContext> client;
};

class SimTalk {
 public:
  explicit SimTalk(std::unique_ptr<reactor::SimPeer> peer) : peer_(std::move(peer)) {}

  void Connect(const TlsSetup& setup, const std::string& peer_name);
  void Accept(const TlsSetup& setup);
  bool under_tls() const { return tls_ != nullptr; }
  // Under TLS, done with the handshake.
  bool secured() const { return tls_ && tls_->established(); }

  void Write(std::string_view bytes);
  std::string TakeReceived();
  void HalfClose();
  void Close();
  void Reset() { peer_->Reset(); }
  void SetReading(bool on) { peer_->SetReading(on); }
  // The other side says no more: its end, or records that make no sense.
  bool ended() const { return peer_->ended() || over_; }
  void OnActivity(std::function<void(reactor::SimPeer&)> activity) {
    peer_->OnActivity(std::move(activity));
  }

 private:
  void Step(std::string_view input);
  void Send();

  std::unique_ptr<reactor::SimPeer> peer_;
  std::unique_ptr<tls::Connection> tls_;
  std::string heard_;
  std::string unsaid_;  // written before the handshake was done
  bool over_ = false;
};

}  // namespace ringpost::sim
