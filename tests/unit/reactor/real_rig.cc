// NetRig over the real ring: peers are non-blocking loopback sockets that are looked at once per
// turn.
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <list>
#include <set>

#include "gateway/base/check.h"
#include "gateway/reactor/ring_io.h"
#include "tests/unit/reactor/net_rig.h"

namespace ringpost::reactor {
namespace {

constexpr Millis kPatience = Seconds(20);

Endpoint Loopback(uint16_t port = 0) { return {IpAddress::V4(INADDR_LOOPBACK), port}; }

int ListenSocket(Endpoint* local) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_storage address;
  socklen_t length = Loopback().ToSockaddr(&address);
  RP_CHECK(bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0);
  RP_CHECK(listen(fd, 1000) == 0);
  RP_CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  *local = *Endpoint::FromSockaddr(address);
  return fd;
}

class RealPeer final : public Peer {
 public:
  RealPeer(std::set<RealPeer*>* all, int fd) : all_(all), fd_(fd) {
    fcntl(fd, F_SETFL, O_NONBLOCK);
    all_->insert(this);
  }
  ~RealPeer() override {
    all_->erase(this);
    Close();
  }

  void Write(std::string_view bytes) override {
    unsent_.append(bytes);
    Pump();
  }
  const std::string& received() override { return received_; }
  size_t unsent_bytes() override { return unsent_.size(); }
  void SetReading(bool on) override { reading_ = on; }
  void HalfClose() override {
    half_close_ = true;
    Pump();
  }
  void Reset() override {
    linger hard{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    Close();
  }
  void Close() override {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  bool ended() override { return ended_; }

  void Pump() {
    if (fd_ < 0) return;
    size_t at = 0;
    while (at < unsent_.size()) {
      ssize_t n = send(fd_, unsent_.data() + at, unsent_.size() - at, MSG_NOSIGNAL);
      if (n <= 0) break;
      at += static_cast<size_t>(n);
    }
    unsent_.erase(0, at);
    if (unsent_.empty() && std::exchange(half_close_, false)) shutdown(fd_, SHUT_WR);
    char bytes[16 * 1024];
    while (reading_ && !ended_) {
      ssize_t n = recv(fd_, bytes, sizeof bytes, 0);
      if (n < 0 && errno == EAGAIN) break;
      if (n <= 0) {
        ended_ = true;
      } else {
        received_.append(bytes, static_cast<size_t>(n));
      }
    }
  }

 private:
  std::set<RealPeer*>* all_;
  int fd_;
  std::string received_;
  std::string unsent_;
  bool reading_ = true;
  bool half_close_ = false;
  bool ended_ = false;
};

class RealRig final : public NetRig {
 public:
  explicit RealRig(const RigOptions& options) : tick_(Tick) {
    RingOptions ring;
    ring.buffer_bytes = options.buffer_bytes;
    ring.buffer_count = options.buffer_count;
    auto made = RingIo::Make(ring);
    if (!made.ok()) std::fprintf(stderr, "%s\n", std::string(MessageOf(made.status())).c_str());
    RP_CHECK(made.ok());
    io_ = std::move(*made);
    tick_.rig = this;
  }
  ~RealRig() override {
    tick_.Cancel();
    for (auto& server : servers_) close(server.fd);
  }

  Io& io() override { return *io_; }
  int Listen(Endpoint* local) override { return ListenSocket(local); }
  void StopListening(int fd) override { close(fd); }
  std::unique_ptr<Peer> Connect(const Endpoint& server) override {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_storage address;
    socklen_t length = server.ToSockaddr(&address);
    RP_CHECK(connect(fd, reinterpret_cast<sockaddr*>(&address), length) == 0);
    return std::make_unique<RealPeer>(&peers_, fd);
  }
  Endpoint Serve(std::function<void(std::unique_ptr<Peer>)> serve) override {
    Endpoint local;
    int fd = ListenSocket(&local);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    servers_.push_back({fd, std::move(serve)});
    return local;
  }
  Endpoint Refusing() override {
    Endpoint local;
    close(ListenSocket(&local));
    return local;
  }
  bool RunUntil(const std::function<bool()>& done) override {
    done_ = &done;
    until_ = ReadMonoClock() + kPatience;
    Loop();
    return done();
  }
  void RunFor(Millis span) override {
    done_ = nullptr;
    until_ = ReadMonoClock() + span;
    Loop();
  }
  bool real() const override { return true; }

 private:
  struct TickTimer : Timer {
    using Timer::Timer;
    RealRig* rig = nullptr;
  };
  struct Server {
    int fd;
    std::function<void(std::unique_ptr<Peer>)> serve;
  };

  static void Tick(Timer* timer) {
    RealRig* rig = static_cast<TickTimer*>(timer)->rig;
    rig->io_->timers().Schedule(timer, rig->io_->now() + Millis(1));
  }
  void Loop() {
    Tick(&tick_);
    io_->Run([](void* self) { static_cast<RealRig*>(self)->AfterTurn(); }, this);
    tick_.Cancel();
  }
  void AfterTurn() {
    for (auto& server : servers_) {
      int fd = accept4(server.fd, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd >= 0) server.serve(std::make_unique<RealPeer>(&peers_, fd));
    }
    for (RealPeer* peer : peers_) peer->Pump();
    if ((done_ && (*done_)()) || io_->now() >= until_) io_->Stop();
  }

  std::unique_ptr<RingIo> io_;
  TickTimer tick_;
  std::set<RealPeer*> peers_;
  std::list<Server> servers_;
  const std::function<bool()>* done_ = nullptr;
  MonoTime until_;
};

}  // namespace

std::unique_ptr<NetRig> MakeRealRig(const RigOptions& options) {
  return std::make_unique<RealRig>(options);
}

}  // namespace ringpost::reactor
