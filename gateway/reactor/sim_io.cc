#include "gateway/reactor/sim_io.h"

#include <errno.h>
#include <string.h>

#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/base/limits.h"
#include "gateway/base/memory_check.h"

namespace ringpost::reactor {
namespace {

// Of the bytes that a send could take, or the first of them.
uint64_t DigestOf(const std::vector<iovec>& parts) {
  uint64_t digest = 0xCBF29CE484222325u;  // FNV-1a
  size_t left = 64 * limits::kKiB;
  for (const iovec& part : parts) {
    for (size_t i = 0; i < part.iov_len && left > 0; ++i, --left) {
      digest = (digest ^ static_cast<const unsigned char*>(part.iov_base)[i]) * 0x100000001B3u;
    }
  }
  return digest;
}

std::string FirstBytes(const std::vector<iovec>& parts, size_t count) {
  std::string bytes;
  for (const iovec& part : parts) {
    size_t size = std::min(part.iov_len, count - bytes.size());
    bytes.append(static_cast<const char*>(part.iov_base), size);
  }
  return bytes;
}

}  // namespace

SimIo::SimIo(SimWorld* world, uint32_t shard, SimIoOptions options)
    : world_(world),
      shard_(shard),
      timers_(world->now()),
      random_(world->random().Next()),
      pool_(options.buffer_count, options.buffer_bytes) {
  world_->shards_.push_back(this);
}

SimIo::~SimIo() { std::erase(world_->shards_, this); }

// --- Requests

SimIo::Op* SimIo::Submit(Completion* completion, OpKind kind, int fd) {
  uint64_t key = slots_.Acquire(completion, kind, fd);
  auto op = std::make_unique<Op>();
  op->key = key;
  op->completion = completion;
  op->kind = kind;
  op->fd = fd;
  return (ops_[key] = std::move(op)).get();
}

// Two of a kind on one socket may be carried out in either order.
void SimIo::CheckAlone(OpKind kind, int fd) const {
  RP_CHECK(world_->Find(fd) != nullptr);
  for (auto& [key, op] : ops_) RP_CHECK(op->kind != kind || op->fd != fd);
}

void SimIo::CheckNothingInFlight(int fd) const {
  for (auto& [key, op] : ops_) RP_CHECK(op->fd != fd);
}

int SimIo::OpenSocket(const Endpoint& peer, const IpAddress* source) {
  if (world_->Chance(world_->faults_.connect_error * 4)) return -EADDRNOTAVAIL;
  IpAddress local = source ? *source : *IpAddress::Parse("192.0.2.250");
  if (local.is_v4() != peer.address.is_v4() && source) return -EINVAL;
  return world_->NewSocket(world_->NewClientEndpoint(local))->fd;
}

Endpoint SimIo::PeerOf(int fd) {
  SimSocket* socket = world_->Find(fd);
  return socket ? socket->remote : Endpoint{};
}

Endpoint SimIo::LocalOf(int fd) {
  SimSocket* socket = world_->Find(fd);
  return socket ? socket->local : Endpoint{};
}

void SimIo::Accept(int listen_fd, Completion* completion) {
  CheckAlone(OpKind::kAccept, listen_fd);
  Submit(completion, OpKind::kAccept, listen_fd);
}

void SimIo::Connect(int fd, const Endpoint& peer, Completion* completion) {
  CheckAlone(OpKind::kConnect, fd);
  Op* op = Submit(completion, OpKind::kConnect, fd);
  op->peer = peer;
  op->not_before = now();
  if (uint32_t delay = world_->faults_.wire_delay_ms) {
    op->not_before += Millis(world_->random_.Below(delay + 1));
    world_->AtTime(op->not_before);
  }
}

void SimIo::Receive(int fd, Completion* completion) {
  CheckAlone(OpKind::kReceive, fd);
  Submit(completion, OpKind::kReceive, fd);
}

void SimIo::ReceiveOnce(int fd, size_t most, Completion* completion) {
  CheckAlone(OpKind::kReceive, fd);
  Submit(completion, OpKind::kReceive, fd)->most = most;
}

void SimIo::ParkForBuffers(Completion* completion) {
  Submit(completion, OpKind::kParked, -1)->parked_at = parked_++;
}

void SimIo::Send(int fd, std::span<const iovec> parts, Completion* completion) {
  RP_CHECK(!parts.empty());
  CheckAlone(OpKind::kSend, fd);
  Op* op = Submit(completion, OpKind::kSend, fd);
  size_t count = std::min(parts.size(), limits::kSendPartsMax);
  op->parts.assign(parts.begin(), parts.begin() + static_cast<int64_t>(count));
  op->digest = DigestOf(op->parts);
}

void SimIo::Cancel(Completion* completion) {
  if (!completion->in_flight()) return;
  ops_.at(slots_.KeyOf(*completion))->cancelled = true;
}

void SimIo::Defer(Completion* completion, int32_t value) {
  Produce(Submit(completion, OpKind::kDeferred, -1), value, /*more=*/false);
}

void SimIo::Shutdown(int fd) {
  SimSocket* socket = world_->Find(fd);
  RP_CHECK(socket != nullptr);
  socket->shut = true;
  if (SimSocket* end = world_->OtherEnd(*socket)) world_->EndDirection(end);
}

void SimIo::Close(int fd) {
  SimSocket* socket = world_->Find(fd);
  RP_CHECK(socket != nullptr && !socket->listening);
  CheckNothingInFlight(fd);
  world_->CloseSocket(socket);
}

void SimIo::GiveUp(int fd) {
  SimSocket* socket = world_->Find(fd);
  RP_CHECK(socket != nullptr && !socket->listening);
  CheckNothingInFlight(fd);
}

// --- The simulated kernel

void SimIo::Produce(Op* op, int32_t value, bool more, Slice buffer) {
  op->finished = !more;
  world_->Note(op->key << 8 ^ static_cast<uint64_t>(static_cast<uint32_t>(value)) ^ uint64_t{more});
  if (!more && world_->Chance(world_->faults_.lost_completion)) return;
  ready_.push_back({op->key, Result{value, more, std::move(buffer)}});
}

bool SimIo::CanExecute(const Op& op) const {
  if (op.finished) return false;
  if (op.kind == OpKind::kParked) return pool_.free() >= (pool_.count() + 7) / 8;
  const SimSocket* socket = world_->Find(op.fd);
  const SimSocket* end = world_->OtherEnd(*socket);
  MonoTime now = world_->now_;
  switch (op.kind) {
    case OpKind::kAccept:
      return !socket->backlog.empty();
    case OpKind::kConnect:
      return op.not_before <= now && !world_->black_holes_.contains(op.peer);
    case OpKind::kReceive:
      return socket->Readable(now) || socket->records.HasNews() || socket->AtEnd(now) ||
             socket->shut || (socket->reset && socket->incoming.empty());
    case OpKind::kSend:
      return socket->shut || socket->reset || end == nullptr ||
             end->incoming_bytes < world_->faults_.pipe_bytes;
    default:
      return false;
  }
}

void SimIo::DoAccept(Op* op) {
  SimSocket* listener = world_->Find(op->fd);
  if (world_->Chance(world_->faults_.accept_error)) {
    return Produce(op, world_->random_.OneIn(2) ? -EMFILE : -ECONNABORTED, /*more=*/false);
  }
  int fd = listener->backlog.front();
  listener->backlog.pop_front();
  Produce(op, fd, !world_->Chance(world_->faults_.end_multishot));
}

void SimIo::DoConnect(Op* op) {
  SimSocket* socket = world_->Find(op->fd);
  bool fails = world_->Chance(world_->faults_.connect_error);
  if (fails) return Produce(op, world_->random_.OneIn(2) ? -ETIMEDOUT : -EHOSTUNREACH, false);
  if (socket->shut) return Produce(op, -ECONNABORTED, /*more=*/false);
  Produce(op, world_->ReachServer(op->peer, socket) ? 0 : -ECONNREFUSED, /*more=*/false);
}

void SimIo::DoReceive(Op* op) {
  SimSocket* socket = world_->Find(op->fd);
  if (world_->Chance(world_->faults_.reset)) world_->Reset(socket);
  if (socket->records.receives) {
    OpenRecords(socket);
    if (EndsAtRecord(op, socket)) return;
  }
  bool opened = !socket->records.opened.empty();
  if (!opened && !socket->Readable(world_->now_)) {
    bool reset = socket->reset && !socket->shut;
    return Produce(op, reset ? -ECONNRESET : 0, /*more=*/false);
  }
  uint32_t id = world_->Chance(world_->faults_.no_buffers) ? BufferPool::kNone : pool_.Offer();
  if (id == BufferPool::kNone) {
    Count(Counter::kRingNoBuffers);
    return Produce(op, -ENOBUFS, /*more=*/false);
  }
  size_t most = pool_.buffer_bytes();
  if (op->most > 0) most = std::min(most, op->most);
  if (world_->Chance(world_->faults_.short_receive)) most = 1 + world_->random_.Below(most);
  std::string bytes = opened ? TakeOpened(socket, most) : socket->Take(most, world_->now_);
  UnpoisonMemory(pool_.memory(id), bytes.size());
  memcpy(pool_.memory(id), bytes.data(), bytes.size());
  Count(Counter::kReceiveBytes, bytes.size());
  Slice slice = pool_.Take(id, bytes.size());
  if (world_->Chance(world_->faults_.released_twice)) StealReference(id, slice);
  bool more = op->most == 0 && !world_->Chance(world_->faults_.end_multishot);
  Produce(op, static_cast<int32_t>(bytes.size()), more, std::move(slice));
}

// Only of the pool's own buffers: a slab is freed memory after its last reference, which only
// AddressSanitizer can tell.
void SimIo::StealReference(uint32_t buffer, const Slice& slice) {
  if (slice.data() == pool_.memory(buffer))
    memcpy(stolen_.emplace_back().bytes, &slice, sizeof(Slice));
}

void SimIo::DropStolen() {
  if (stolen_.empty() || !world_->random_.OneIn(4)) return;
  reinterpret_cast<Slice*>(stolen_.back().bytes)->~Slice();
  stolen_.pop_back();
}

void SimIo::DoSend(Op* op) {
  // The kernel reads the bytes when it sends them, not when it is asked to.
  RP_CHECK(DigestOf(op->parts) == op->digest);
  SimSocket* socket = world_->Find(op->fd);
  SimSocket* end = world_->OtherEnd(*socket);
  if (world_->Chance(world_->faults_.reset)) world_->Reset(socket);
  if (socket->shut) return Produce(op, -EPIPE, /*more=*/false);
  if (socket->reset) {
    return Produce(op, world_->random_.OneIn(2) ? -ECONNRESET : -EPIPE, /*more=*/false);
  }
  size_t total = 0;
  for (const iovec& part : op->parts) total += part.iov_len;
  if (end == nullptr) {
    // Bytes to somebody who has gone bring a reset, behind what he had sent before.
    if (socket->incoming.empty() || socket->incoming.back().at <= world_->now_)
      world_->Reset(socket);
    return Produce(op, static_cast<int32_t>(total), /*more=*/false);
  }
  size_t count = std::min<size_t>(total, world_->faults_.pipe_bytes - end->incoming_bytes);
  if (world_->Chance(world_->faults_.short_send)) count = 1 + world_->random_.Below(count);
  if (op->record_type != 0) count = total;  // a control record goes whole
  std::string bytes = FirstBytes(op->parts, count);
  if (socket->records.sends) bytes = SealRecords(socket, op->record_type, std::move(bytes));
  world_->Deliver(end, std::move(bytes));
  Count(Counter::kSendBytes, count);
  Produce(op, static_cast<int32_t>(count), /*more=*/false);
}

void SimIo::ExecuteOne(Op* op) {
  switch (op->kind) {
    case OpKind::kAccept:
      return DoAccept(op);
    case OpKind::kConnect:
      return DoConnect(op);
    case OpKind::kReceive:
      return DoReceive(op);
    case OpKind::kSend:
      return DoSend(op);
    default:
      return Produce(op, 0, /*more=*/false);  // parked
  }
}

// A cancel races with the operation: it may come too late, or after another piece.
void SimIo::ExecuteCancelled(Op* op) {
  if (op->finished || world_->Chance(world_->faults_.cancel_misses)) return;
  if (CanExecute(*op) && world_->random_.OneIn(2)) ExecuteOne(op);
  if (!op->finished) Produce(op, -ECANCELED, /*more=*/false);
}

void SimIo::Execute() {
  std::vector<Op*> order;
  for (auto& [key, op] : ops_) order.push_back(op.get());
  for (size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[world_->random_.Below(i)]);
  }
  // Those who wait for buffers are served in the order in which they came.
  std::stable_partition(order.begin(), order.end(),
                        [](Op* op) { return op->kind != OpKind::kParked; });
  auto parked =
      std::find_if(order.begin(), order.end(), [](Op* op) { return op->kind == OpKind::kParked; });
  std::sort(parked, order.end(), [](Op* a, Op* b) { return a->parked_at < b->parked_at; });
  for (Op* op : order) {
    if (op->cancelled) {
      ExecuteCancelled(op);
    } else if (CanExecute(*op) && !world_->Chance(world_->faults_.late)) {
      ExecuteOne(op);
    }
  }
}

// --- The turn

bool SimIo::HasWork() const {
  if (!ready_.empty() || !inbox_.empty()) return true;
  auto due = timers_.NextDue();
  if (due && *due <= world_->now_) return true;
  return std::any_of(ops_.begin(), ops_.end(), [this](auto& entry) {
    return !entry.second->finished && (entry.second->cancelled || CanExecute(*entry.second));
  });
}

void SimIo::Turn() {
  Execute();
  RunSome();
  timers_.Advance(world_->now_);
  inbox_.Drain();
  DropStolen();
  if (after_turn_) after_turn_();
}

// Runs what has completed, some of it not yet. Results of one operation stay in order.
void SimIo::RunSome() {
  std::vector<Ready> collected = std::exchange(ready_, {});
  std::vector<Ready> late;
  std::set<uint64_t> waiting;
  std::vector<Ready> now;
  for (Ready& ready : collected) {
    bool waits = waiting.contains(ready.key) || world_->Chance(world_->faults_.late);
    if (waits) waiting.insert(ready.key);
    (waits ? late : now).push_back(std::move(ready));
  }
  ready_ = std::move(late);
  for (Ready& ready : now) {
    Completion* completion = ops_.at(ready.key)->completion;
    if (!ready.result.more) {
      ops_.erase(ready.key);
      slots_.Release(ready.key);
    }
    Count(Counter::kRingCompletions);
    completion->Run(std::move(ready.result));
  }
}

}  // namespace ringpost::reactor
