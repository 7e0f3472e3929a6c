// NetRig over the simulated ring.
#include "gateway/base/check.h"
#include "gateway/reactor/sim_io.h"
#include "tests/unit/reactor/net_rig.h"

namespace ringpost::reactor {
namespace {

class SimRigPeer final : public Peer {
 public:
  explicit SimRigPeer(std::unique_ptr<SimPeer> peer) : peer_(std::move(peer)) {}
  void Write(std::string_view bytes) override { peer_->Write(bytes); }
  const std::string& received() override { return peer_->received(); }
  size_t unsent_bytes() override { return peer_->unsent_bytes(); }
  void SetReading(bool on) override { peer_->SetReading(on); }
  void HalfClose() override { peer_->HalfClose(); }
  void Reset() override { peer_->Reset(); }
  void Close() override { peer_->Close(); }
  bool ended() override { return peer_->ended(); }

 private:
  std::unique_ptr<SimPeer> peer_;
};

class SimRig final : public NetRig {
 public:
  explicit SimRig(const RigOptions& options)
      : world_(options.seed), io_(&world_, 0, {options.buffer_bytes, options.buffer_count}) {}

  Io& io() override { return io_; }
  int Listen(Endpoint* local) override {
    *local = NewEndpoint();
    return world_.Listen(*local);
  }
  void StopListening(int fd) override { world_.StopListening(fd); }
  std::unique_ptr<Peer> Connect(const Endpoint& server) override {
    auto peer = world_.Connect(server);
    RP_CHECK(peer != nullptr);
    return std::make_unique<SimRigPeer>(std::move(peer));
  }
  Endpoint Serve(std::function<void(std::unique_ptr<Peer>)> serve) override {
    Endpoint local = NewEndpoint();
    world_.Serve(local, [serve](std::unique_ptr<SimPeer> peer) {
      serve(std::make_unique<SimRigPeer>(std::move(peer)));
    });
    return local;
  }
  Endpoint Refusing() override { return NewEndpoint(); }
  bool RunUntil(const std::function<bool()>& done) override { return world_.RunUntil(done); }
  void RunFor(Millis span) override { world_.RunFor(span); }
  bool real() const override { return false; }

 private:
  Endpoint NewEndpoint() { return *Endpoint::Parse("192.0.2.1:" + std::to_string(next_port_++)); }

  SimWorld world_;
  SimIo io_;
  int next_port_ = 2500;
};

}  // namespace

std::unique_ptr<NetRig> MakeSimRig(const RigOptions& options) {
  return std::make_unique<SimRig>(options);
}

}  // namespace ringpost::reactor
