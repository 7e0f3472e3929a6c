#include "tests/sim/sim_talk.h"

#include "gateway/base/check.h"
#include "gateway/tls/self_signed.h"

namespace ringpost::sim {
namespace {

std::shared_ptr<const tls::Certificate> TheCertificate() {
  static const auto certificate = [] {
    WallTime now = ReadWallClock();
    tls::PemPair pem =
        tls::MakeSelfSigned({"sim.example.net"}, tls::Certificate::KeyKind::kRsa, now, 30);
    return *tls::Certificate::Parse(pem.chain, pem.key, {}, now);
  }();
  return certificate;
}

}  // namespace

TlsSetup::TlsSetup()
    : server(tls::ServerContext::Make(
          {{TheCertificate()}, std::make_shared<tls::TicketKeys>(), false})),
      client(*tls::ClientContext::Make({"", false})) {}

void SimTalk::Connect(const TlsSetup& setup, const std::string& peer_name) {
  tls_ = tls::Connection::Connect(setup.client, "sim.example.net", peer_name);
  Step({});
}

void SimTalk::Accept(const TlsSetup& setup) { tls_ = tls::Connection::Accept(setup.server); }

void SimTalk::Step(std::string_view input) {
  using Kind = tls::Connection::EventKind;
  while (true) {
    tls::Connection::Event event = tls_->Step(&input);
    if (event.kind == Kind::kData) heard_.append(event.data.view());
    if (event.kind == Kind::kHandshakeDone && !unsaid_.empty()) Write(std::exchange(unsaid_, {}));
    if (event.kind == Kind::kEnd || event.kind == Kind::kFailed) over_ = true;
    if (event.kind == Kind::kNeedInput || over_) break;
  }
  Send();
}

void SimTalk::Send() {
  for (const Slice& slice : tls_->output().slices()) peer_->Write(slice.view());
  tls_->output().Clear();
}

void SimTalk::Write(std::string_view bytes) {
  if (!tls_) return peer_->Write(bytes);
  if (!tls_->established()) {
    unsaid_.append(bytes);
    return;
  }
  Slice slice = Slice::Copy(bytes);
  tls_->Write({&slice, 1});
  Send();
}

std::string SimTalk::TakeReceived() {
  std::string received = peer_->TakeReceived();
  if (!tls_) return received;
  if (!received.empty()) Step(received);
  return std::exchange(heard_, {});
}

void SimTalk::HalfClose() {
  if (secured()) {
    tls_->WriteEnd();
    Send();
  }
  peer_->HalfClose();
}

void SimTalk::Close() {
  if (secured()) {
    tls_->WriteEnd();
    Send();
  }
  peer_->Close();
}

}  // namespace ringpost::sim
