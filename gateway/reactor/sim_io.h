// SimWorld, SimIo, SimPeer: the simulated ring. The same session code, driven by a seed.
//
// A SimWorld holds a clock, a network and a source of chance. A SimIo is a shard in it and
// implements Io as RingIo does, but everything that may go differently does so by the seed: short
// reads and writes, empty buffer pools, completions that come late, multishot operations that end
// without being asked, cancels that come too late, resets, errors from accept and connect, delays
// on the wire. The same seed gives the same run. A SimPeer is a scripted end of a connection: a
// test's client or server.
//
//   SimWorld world(seed);
//   SimIo io(&world, 0);
//   int listen_fd = world.Listen(*Endpoint::Parse("192.0.2.1:25"));
//   Listener listener(&io, listen_fd, &handler);
//   listener.Start();
//   std::unique_ptr<SimPeer> client = world.Connect(*Endpoint::Parse("192.0.2.1:25"));
//   client->Write("EHLO a.example\r\n");
//   ASSERT_TRUE(world.RunUntil([&] { return client->received().ends_with("\r\n"); }));
//
// It also keeps watch on the rules of io.h: two sends or two receives at once on a socket, a close
// with something in flight, a send buffer that changes before its completion: each ends the
// process.
//
// Threads: none; one thread drives the world. Time moves a millisecond in every few steps, and
// jumps to the next event when nothing else can happen.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/reactor/buffer_pool.h"
#include "gateway/reactor/io.h"
#include "gateway/reactor/sim_socket.h"
#include "gateway/reactor/slot_table.h"

namespace ringpost::reactor {

// How often things go wrong: one in so many operations, 0 for never.
struct SimFaults {
  uint32_t short_receive = 0;       // fewer bytes than there are
  uint32_t short_send = 0;          // fewer bytes than fit
  uint32_t no_buffers = 0;          // -ENOBUFS though there are buffers
  uint32_t late = 0;                // a ready completion waits for another turn
  uint32_t end_multishot = 0;       // the last Result of a multishot operation comes early
  uint32_t accept_error = 0;        // -EMFILE or -ECONNABORTED
  uint32_t connect_error = 0;       // -ETIMEDOUT, -EHOSTUNREACH
  uint32_t reset = 0;               // the connection is reset at a send or receive
  uint32_t cancel_misses = 0;       // a cancel finds nothing: the operation takes its own course
  uint32_t wire_delay_ms = 0;       // each write takes up to this long to arrive
  uint32_t pipe_bytes = 64 * 1024;  // what the wire and the peer's kernel take before a send waits

  // Not faults but bugs of a ring, seeded to see that a simulation notices them; in none of the
  // sets below.
  uint32_t lost_completion = 0;  // the last Result of an operation never comes
  uint32_t released_twice = 0;   // a receive buffer is given back once more than it was taken

  static SimFaults None() { return {}; }
  // Everything but resets and errors that end a connection: what every session must get through.
  static SimFaults Rough();
  // Rough, with resets and failing connects.
  static SimFaults Hostile();
};

class SimIo;
class SimPeer;

class SimWorld {
 public:
  explicit SimWorld(uint64_t seed, SimFaults faults = SimFaults::Rough(),
                    WallTime start = DefaultStart());
  ~SimWorld();
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  MonoTime now() const { return now_; }
  WallTime wall_now() const { return now_ - MonoTime() + wall_at_start_; }
  Random& random() { return random_; }
  SimFaults& faults() { return faults_; }
  // What the kernels of all shards have of TLS from now on; at first, nothing.
  void SetKernelTls(SimKernelTls kernel) { kernel_tls_ = std::move(kernel); }

  // A listening descriptor for a Listener. The same endpoint may be listened on several times (one
  // per shard): a connection goes to one of them by chance.
  int Listen(const Endpoint& local);
  // Ends listening; nothing may be in flight on it. Later connects are refused.
  void StopListening(int listen_fd);
  // A scripted client. Null where nobody listens there.
  std::unique_ptr<SimPeer> Connect(const Endpoint& server, const Endpoint& from = DefaultClient());
  // A scripted server: `serve` gets each new connection and owns it.
  void Serve(const Endpoint& local, std::function<void(std::unique_ptr<SimPeer>)> serve);
  void StopServing(const Endpoint& local);
  // Connects there neither succeed nor fail until this is undone.
  void SetBlackHole(const Endpoint& server, bool on);
  static Endpoint DefaultClient();
  // 2026-01-01T00:00:00Z: a date that tests can name.
  static WallTime DefaultStart();

  // One turn of one shard, or one event of the network, or a step of the clock. False where nothing
  // can ever happen again without a call from outside.
  bool Step();
  // Steps until `done`; false where it did not come within `steps_max` steps or nothing more can
  // happen.
  bool RunUntil(const std::function<bool()>& done, int steps_max = 200'000);
  // Steps until `span` of simulated time has gone by.
  void RunFor(Millis span, int steps_max = 1'000'000);
  // Steps until nothing more can happen; false where that did not come within `steps_max`.
  bool RunUntilIdle(int steps_max = 200'000);

  uint64_t steps() const { return steps_; }
  // Descriptors that are open: sockets of shards, and accepted ones that nobody has taken.
  size_t open_descriptors() const;
  // A digest of all that has happened: equal for equal seeds.
  uint64_t history_digest() const { return digest_; }

 private:
  friend class SimIo;
  friend class SimPeer;

  bool Chance(uint32_t one_in) { return one_in != 0 && random_.OneIn(one_in); }
  void Note(uint64_t what);
  // sim_network.cc
  SimSocket* Find(int fd) const;
  SimSocket* NewSocket(const Endpoint& local);
  Endpoint NewClientEndpoint(const IpAddress& address);
  // The server's end of a new connection, or null where nobody listens.
  SimSocket* ReachServer(const Endpoint& server, SimSocket* client);
  SimSocket* OtherEnd(const SimSocket& socket) const { return Find(socket.other); }
  void Deliver(SimSocket* to, std::string bytes);
  void EndDirection(SimSocket* to);
  void Reset(SimSocket* socket);
  void CloseSocket(SimSocket* socket);
  void Free(SimSocket* socket);
  void AtTime(MonoTime when) { future_.push(when); }
  // sim_world.cc
  bool TurnSomeShard();
  bool PumpPeers();
  bool AdvanceClock();

  MonoTime now_{Millis(1'000'000)};
  WallTime wall_at_start_;
  Random random_;
  SimFaults faults_;
  SimKernelTls kernel_tls_;
  std::map<int, std::unique_ptr<SimSocket>> sockets_;
  std::multimap<Endpoint, int> listeners_;
  std::map<Endpoint, std::function<void(std::unique_ptr<SimPeer>)>> servers_;
  std::vector<std::pair<Endpoint, int>> unserved_;  // new connections for servers_
  std::set<Endpoint> black_holes_;
  std::vector<SimIo*> shards_;
  std::vector<SimPeer*> peers_;
  std::priority_queue<MonoTime, std::vector<MonoTime>, std::greater<>> future_;
  int next_fd_ = 1000;
  uint16_t next_port_ = 40'000;
  uint64_t steps_ = 0;
  uint64_t digest_ = 0;
};

struct SimIoOptions {
  uint32_t buffer_bytes = 8 * 1024;
  uint32_t buffer_count = 256;
};

class SimIo final : public Io {
 public:
  SimIo(SimWorld* world, uint32_t shard, SimIoOptions options = {});
  ~SimIo() override;

  // Runs once per turn, after its completions, as RingIo::Run's.
  void SetAfterTurn(std::function<void()> after_turn) { after_turn_ = std::move(after_turn); }
  // Operations in flight.
  size_t in_flight() const { return ops_.size(); }

  uint32_t shard() const override { return shard_; }
  MonoTime now() const override { return world_->now(); }
  WallTime wall_now() const override { return world_->wall_now(); }
  TimerWheel& timers() override { return timers_; }
  Inbox& inbox() override { return inbox_; }
  Random& random() override { return random_; }
  int OpenSocket(const Endpoint& peer, const IpAddress* source) override;
  Endpoint PeerOf(int fd) override;
  Endpoint LocalOf(int fd) override;
  void Accept(int listen_fd, Completion* completion) override;
  void Connect(int fd, const Endpoint& peer, Completion* completion) override;
  void Receive(int fd, Completion* completion) override;
  void ReceiveOnce(int fd, size_t most, Completion* completion) override;
  void ParkForBuffers(Completion* completion) override;
  void Send(int fd, std::span<const iovec> parts, Completion* completion) override;
  int AttachRecords(int fd) override;
  int SetRecordKeys(int fd, RecordSide side, std::span<const std::byte> keys) override;
  ControlRecord TakeControlRecord(int fd) override;
  void SendControlRecord(int fd, uint8_t type, const iovec& bytes, Completion* completion) override;
  void Cancel(Completion* completion) override;
  void Defer(Completion* completion, int32_t value) override;
  void Shutdown(int fd) override;
  void Close(int fd) override;
  void GiveUp(int fd) override;
  size_t pool_bytes() const override { return pool_.bytes(); }
  size_t pool_bytes_held() const override { return pool_.bytes_held(); }

 private:
  friend class SimWorld;
  struct Op {
    uint64_t key = 0;
    Completion* completion = nullptr;
    OpKind kind = OpKind::kFree;
    int fd = -1;
    std::vector<iovec> parts;  // send
    uint64_t digest = 0;       // of their bytes
    size_t most = 0;           // a receive of that much at most, once; 0: multishot
    uint8_t record_type = 0;   // a control record's; 0: data
    Endpoint peer;             // connect
    MonoTime not_before;
    uint64_t parked_at = 0;  // order among those that wait for buffers
    bool cancelled = false;
    bool finished = false;  // the last Result is among ready_
  };
  struct Ready {
    uint64_t key;
    Result result;
  };

  Op* Submit(Completion* completion, OpKind kind, int fd);
  void CheckAlone(OpKind kind, int fd) const;
  void CheckNothingInFlight(int fd) const;
  bool HasWork() const;
  void Turn();
  void Execute();
  void ExecuteOne(Op* op);
  void ExecuteCancelled(Op* op);
  bool CanExecute(const Op& op) const;
  void DoAccept(Op* op);
  void DoConnect(Op* op);
  void DoReceive(Op* op);
  // sim_records.cc
  void OpenRecords(SimSocket* socket);
  std::string SealRecords(SimSocket* socket, uint8_t type, std::string bytes);
  bool EndsAtRecord(Op* op, SimSocket* socket);
  std::string TakeOpened(SimSocket* socket, size_t most);
  void DoSend(Op* op);
  void StealReference(uint32_t buffer, const Slice& slice);
  void DropStolen();
  void RunSome();
  void Produce(Op* op, int32_t value, bool more, Slice buffer = {});

  SimWorld* world_;
  uint32_t shard_;
  TimerWheel timers_;
  Inbox inbox_;
  Random random_;
  BufferPool pool_;
  SlotTable slots_;
  std::map<uint64_t, std::unique_ptr<Op>> ops_;  // by key; until the last Result has run
  std::vector<Ready> ready_;
  uint64_t parked_ = 0;
  std::function<void()> after_turn_;
  // The bug of SimFaults::released_twice: a Slice, byte for byte, that holds no reference.
  struct StolenSlice {
    alignas(Slice) unsigned char bytes[sizeof(Slice)];
  };
  std::vector<StolenSlice> stolen_;
};

// A scripted end of a connection, outside any shard. What it writes arrives after the wire's delay,
// in pieces as the seed has it; what it was sent is in received().
class SimPeer {
 public:
  ~SimPeer();  // closes
  SimPeer(const SimPeer&) = delete;
  SimPeer& operator=(const SimPeer&) = delete;

  // Never short: what the wire does not take yet waits in the peer.
  void Write(std::string_view bytes);
  // All that has come and was not taken.
  const std::string& received() const { return received_; }
  std::string TakeReceived() { return std::exchange(received_, {}); }
  // Of what was written, the bytes that the wire has not taken.
  size_t unsent_bytes() const { return unsent_.size(); }
  // Stops and starts reading: a full pipe then makes the other side's sends wait.
  void SetReading(bool on) { reading_ = on; }
  // Orderly end of our direction, after what is written.
  void HalfClose();
  // Orderly end of both directions; with bytes unread or still to come it becomes a reset, as in
  // TCP.
  void Close();
  // RST: what is on the way is lost.
  void Reset();
  // The other side has ended its direction, in order or by a reset.
  bool ended() const { return ended_; }
  bool was_reset() const { return was_reset_; }
  Endpoint local() const { return local_; }
  Endpoint remote() const { return remote_; }
  // Called when bytes came or the other side ended; it may write, half close, close and reset, but
  // not destroy the peer.
  void OnActivity(std::function<void(SimPeer&)> activity) { activity_ = std::move(activity); }

 private:
  friend class SimWorld;
  SimPeer(SimWorld* world, int fd);
  bool Pump();  // moves bytes both ways; true where something happened
  bool PushOut(bool all);

  SimWorld* world_;
  int fd_;
  Endpoint local_;
  Endpoint remote_;
  std::string received_;
  std::string unsent_;
  bool reading_ = true;
  bool half_close_wanted_ = false;
  bool ended_ = false;
  bool was_reset_ = false;
  std::function<void(SimPeer&)> activity_;
};

}  // namespace ringpost::reactor
