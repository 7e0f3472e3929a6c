// TlsClient: a client of the simulated network whose connection can be put under TLS.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "tests/unit/session/inbound_rig.h"
#include "tests/unit/tls/tls_pair.h"

namespace ringpost::session {

inline std::shared_ptr<const tls::ServerContext> Server() {
  static const auto server = tls::MakeServer({tls::MakeCertificate({"gw.example.net"})});
  return server;
}

// A client whose connection can be put under TLS.
class TlsClient {
 public:
  explicit TlsClient(InboundRig* rig, std::string_view from = "192.0.2.9")
      : rig_(rig), peer_(rig->Connect(from)) {}

  // In clear.
  std::string Clear(std::string_view line) { return rig_->Say(*peer_, line); }
  std::string ClearReply() { return rig_->Reply(*peer_); }
  reactor::SimPeer& peer() { return *peer_; }
  tls::Side& side() { return side_; }

  void BeginTls() {
    static const auto context = tls::MakeClient();
    side_.connection = tls::Connection::Connect(context, "gw.example.net", "gw");
    side_.Feed({});
    Send();
  }
  bool Secure() {
    BeginTls();
    return rig_->RunUntil([&] {
      Pump();
      return side_.secured || peer_->ended();
    }) && side_.secured;
  }
  void Write(std::string_view bytes) {
    side_.Say(bytes);
    Send();
  }
  std::string Reply() {
    rig_->RunUntil([&] {
      Pump();
      return Whole() || peer_->ended();
    });
    Pump();
    return std::exchange(side_.heard, {});
  }
  std::string Say(std::string_view line) {
    Write(std::string(line) + "\r\n");
    return Reply();
  }
  std::string SendMail(std::string_view body) {
    for (auto line : {"MAIL FROM:<a@client.example>", "RCPT TO:<b@dest.example>", "DATA"}) {
      std::string reply = Say(line);
      if (reply[0] != '2' && reply[0] != '3') return reply;
    }
    Write(body);
    return Say(".");
  }
  void Send() { peer_->Write(side_.Take()); }
  void Pump() {
    std::string received = peer_->TakeReceived();
    if (!received.empty()) side_.Feed(received);
    Send();
  }

 private:
  bool Whole() const {
    size_t last = side_.heard.rfind("\r\n", side_.heard.size() - 3);
    size_t begin = last == std::string::npos ? 0 : last + 2;
    return side_.heard.ends_with("\r\n") && side_.heard.size() > begin + 3 &&
           side_.heard[begin + 3] == ' ';
  }

  InboundRig* rig_;
  std::unique_ptr<reactor::SimPeer> peer_;
  tls::Side side_;
};

inline void Implicit(InboundRig* rig) {
  rig->policy().tls = Server();
  rig->policy().implicit_tls = true;
}

inline void OfferStartTls(InboundRig* rig, smtp::StartTls mode = smtp::StartTls::kOffered) {
  rig->policy().tls = Server();
  rig->policy().smtp.starttls = rig->policy().smtp_xclient.starttls = mode;
}

}  // namespace ringpost::session
