// The clock of a SimWorld, and whose turn it is.
#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/reactor/sim_io.h"

namespace ringpost::reactor {
namespace {

constexpr uint64_t kStepsPerMillisecond = 32;  // on average

}  // namespace

SimFaults SimFaults::Rough() {
  SimFaults faults;
  faults.short_receive = 3;
  faults.short_send = 3;
  faults.no_buffers = 20;
  faults.late = 4;
  faults.end_multishot = 10;
  faults.accept_error = 10;
  faults.cancel_misses = 3;
  faults.wire_delay_ms = 20;
  faults.pipe_bytes = 4 * 1024;
  return faults;
}

SimFaults SimFaults::Hostile() {
  SimFaults faults = Rough();
  faults.connect_error = 5;
  faults.reset = 100;
  return faults;
}

WallTime SimWorld::DefaultStart() { return WallFromMillis(1'767'225'600'000); }

SimWorld::SimWorld(uint64_t seed, SimFaults faults, WallTime start)
    : wall_at_start_(start), random_(seed), faults_(faults) {}

SimWorld::~SimWorld() { RP_CHECK(shards_.empty() && peers_.empty()); }

Endpoint SimWorld::DefaultClient() { return *Endpoint::Parse("198.51.100.7:0"); }

void SimWorld::Note(uint64_t what) {
  // FNV-1a, a word at a time.
  digest_ = (digest_ ^ what ^ static_cast<uint64_t>(now_.time_since_epoch().count()) << 32) *
            0x100000001B3u;
}

bool SimWorld::Step() {
  ++steps_;
  // Work takes time too; without this, one who always has something to do would stop the clock.
  if (random_.OneIn(kStepsPerMillisecond)) now_ += Millis(1);
  // Peers and shards get their turns in either order.
  if (random_.OneIn(2)) return PumpPeers() || TurnSomeShard() || AdvanceClock();
  return TurnSomeShard() || PumpPeers() || AdvanceClock();
}

bool SimWorld::TurnSomeShard() {
  size_t count = shards_.size();
  size_t first = count > 1 ? random_.Below(count) : 0;
  for (size_t i = 0; i < count; ++i) {
    SimIo* shard = shards_[(first + i) % count];
    if (!shard->HasWork()) continue;
    shard->Turn();
    return true;
  }
  return false;
}

bool SimWorld::PumpPeers() {
  bool moved = !unserved_.empty();
  for (auto& [endpoint, fd] : std::exchange(unserved_, {})) {
    auto serving = servers_.find(endpoint);
    std::unique_ptr<SimPeer> peer(new SimPeer(this, fd));
    if (serving != servers_.end()) serving->second(std::move(peer));
  }
  std::vector<SimPeer*> peers = peers_;
  for (SimPeer* peer : peers) {
    bool alive = std::find(peers_.begin(), peers_.end(), peer) != peers_.end();
    if (alive && peer->Pump()) moved = true;
  }
  return moved;
}

bool SimWorld::AdvanceClock() {
  while (!future_.empty() && future_.top() <= now_) future_.pop();
  std::optional<MonoTime> next;
  if (!future_.empty()) next = future_.top();
  for (SimIo* shard : shards_) {
    auto due = shard->timers_.NextDue();
    if (due) next = std::min(next.value_or(*due), *due);
  }
  if (!next) return false;
  now_ = std::max(now_, *next);
  return true;
}

bool SimWorld::RunUntil(const std::function<bool()>& done, int steps_max) {
  for (int i = 0; i < steps_max; ++i) {
    if (done()) return true;
    if (!Step()) return done();
  }
  return done();
}

void SimWorld::RunFor(Millis span, int steps_max) {
  MonoTime until = now_ + span;
  AtTime(until);
  RunUntil([&] { return now_ >= until; }, steps_max);
}

bool SimWorld::RunUntilIdle(int steps_max) {
  for (int i = 0; i < steps_max; ++i) {
    if (!Step()) return true;
  }
  return false;
}

}  // namespace ringpost::reactor
