// Requests to the ring.
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/base/limits.h"
#include "gateway/reactor/current_ring.h"
#include "gateway/reactor/ring_loop.h"
#include "gateway/reactor/socket_records.h"
#include "gateway/reactor/sockets.h"
#include "gateway/reactor/user_data.h"

namespace ringpost::reactor {

io_uring_sqe* RingLoop::GetSqe() {
  for (;;) {
    if (io_uring_sqe* sqe = io_uring_get_sqe(&ring_)) return sqe;
    Count(Counter::kRingEnters);
    CheckEntered(io_uring_submit_and_get_events(&ring_));
    Collect();  // makes room; they run in the next turn
  }
}

int RingLoop::OpenSocket(const Endpoint& peer, const IpAddress* source) {
  int fd = OpenTcpSocket(peer, source);
  if (fd >= 0) {
    open_.Add(fd);
    fresh_.Add(fd);
  }
  return fd;
}

Endpoint RingLoop::PeerOf(int fd) { return PeerOfSocket(fd); }
Endpoint RingLoop::LocalOf(int fd) { return LocalOfSocket(fd); }

void RingLoop::Accept(int listen_fd, Completion* completion) {
  SetBlocking(listen_fd);
  SetNoDelay(listen_fd);
  uint64_t key = slots_.Acquire(completion, OpKind::kAccept, listen_fd);
  io_uring_sqe* sqe = GetSqe();
  io_uring_prep_multishot_accept(sqe, listen_fd, nullptr, nullptr, SOCK_CLOEXEC);
  sqe->user_data = key;
}

void RingLoop::Connect(int fd, const Endpoint& peer, Completion* completion) {
  uint64_t key = slots_.Acquire(completion, OpKind::kConnect, fd);
  uint32_t index = records_.Take();
  slots_.Find(key)->link = index;
  sockaddr_storage* address = &records_.at(index).address;
  socklen_t length = peer.ToSockaddr(address);
  io_uring_sqe* sqe = GetSqe();
  io_uring_prep_connect(sqe, fd, reinterpret_cast<sockaddr*>(address), length);
  sqe->user_data = key;
}

void RingLoop::Receive(int fd, Completion* completion) {
  if (!open_.Contains(fd)) {  // made elsewhere
    SetBlocking(fd);
    open_.Add(fd);
    fresh_.Add(fd);
  }
  uint64_t key = slots_.Acquire(completion, OpKind::kReceive, fd);
  io_uring_sqe* sqe = GetSqe();
  io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = BufferRing::kGroup;
  // A connection begins with silence (the server speaks first, after a round trip): wait, do not
  // look first. A receive that is armed again does look: those that were parked come before those
  // that were not.
  if (fresh_.Remove(fd)) sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
  sqe->user_data = key;
}

void RingLoop::ReceiveOnce(int fd, size_t most, Completion* completion) {
  uint64_t key = slots_.Acquire(completion, OpKind::kReceive, fd);
  io_uring_sqe* sqe = GetSqe();
  io_uring_prep_recv(sqe, fd, nullptr, most, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = BufferRing::kGroup;
  sqe->user_data = key;
}

void RingLoop::ParkForBuffers(Completion* completion) {
  parked_.push_back(slots_.Acquire(completion, OpKind::kParked, -1));
}

void RingLoop::Send(int fd, std::span<const iovec> parts, Completion* completion) {
  RP_CHECK(!parts.empty());
  uint64_t key = slots_.Acquire(completion, OpKind::kSend, fd);
  io_uring_sqe* sqe = GetSqe();
  if (parts.size() == 1) {  // most replies: no message header to make or to read
    io_uring_prep_send(sqe, fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
  } else {
    uint32_t index = records_.Take();
    slots_.Find(key)->link = index;
    auto& send = records_.at(index).send;
    size_t count = std::min(parts.size(), limits::kSendPartsMax);
    std::copy_n(parts.begin(), count, send.parts.begin());
    send.header = {};
    send.header.msg_iov = send.parts.data();
    send.header.msg_iovlen = count;
    io_uring_prep_sendmsg(sqe, fd, &send.header, MSG_NOSIGNAL);
  }
  sqe->user_data = key;
}

int RingLoop::AttachRecords(int fd) { return AttachRecordsToSocket(fd); }

int RingLoop::SetRecordKeys(int fd, RecordSide side, std::span<const std::byte> keys) {
  return SetSocketRecordKeys(fd, side, keys);
}

ControlRecord RingLoop::TakeControlRecord(int fd) { return TakeSocketControlRecord(fd); }

void RingLoop::SendControlRecord(int fd, uint8_t type, const iovec& bytes, Completion* completion) {
  uint64_t key = slots_.Acquire(completion, OpKind::kSend, fd);
  uint32_t index = records_.Take();
  slots_.Find(key)->link = index;
  auto& send = records_.at(index).send;
  send.parts[0] = bytes;
  send.header = {};
  send.header.msg_iov = send.parts.data();
  send.header.msg_iovlen = 1;
  SetRecordType(&send.header, &send.record_type, type);
  io_uring_sqe* sqe = GetSqe();
  io_uring_prep_sendmsg(sqe, fd, &send.header, MSG_NOSIGNAL);
  sqe->user_data = key;
}

void RingLoop::Cancel(Completion* completion) {
  if (!completion->in_flight()) return;
  uint64_t key = slots_.KeyOf(*completion);
  SlotTable::Slot* slot = slots_.Find(key);
  if (slot->kind == OpKind::kDeferred) return;  // comes next turn anyway
  if (slot->kind == OpKind::kParked) {
    auto at = std::find(parked_.begin(), parked_.end(), key);
    if (at == parked_.end()) return;  // already on its way
    parked_.erase(at);
    ready_.push_back({key, -ECANCELED, 0});
    return;
  }
  io_uring_sqe* sqe = GetSqe();
  io_uring_prep_cancel64(sqe, key, 0);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  sqe->user_data = CancelOf(key);
}

void RingLoop::Defer(Completion* completion, int32_t value) {
  ready_.push_back({slots_.Acquire(completion, OpKind::kDeferred, -1), value, 0});
}

void RingLoop::Shutdown(int fd) { shutdown(fd, SHUT_RDWR); }

void RingLoop::Close(int fd) {
  GiveUp(fd);
  close(fd);
}

void RingLoop::GiveUp(int fd) {
  open_.Remove(fd);
  fresh_.Remove(fd);
}

// Multishot and edge-triggered: it fires at each write, and the eventfd need never be read.
void RingLoop::ArmWakePoll() {
  io_uring_sqe* sqe = GetSqe();
  io_uring_prep_poll_multishot(sqe, waker_.fd(), POLLIN);
  sqe->user_data = InternalData(Internal::kWakePoll);
}

void RingLoop::WakeThunk(void* self) { static_cast<RingLoop*>(self)->Wake(); }

// On the posting thread. A shard posts through its own ring: the message leaves with its next
// enter.
void RingLoop::Wake() {
  if (!waker_.MustSignal()) return;
  RingLoop* poster = CurrentRing();
  if (poster && poster != this && poster->running_loop_ && poster->features_.msg_ring) {
    poster->SendMessage(this);
  } else {
    waker_.Signal();
  }
}

void RingLoop::SendMessage(RingLoop* target) {
  io_uring_sqe* sqe = GetSqe();
  io_uring_prep_msg_ring(sqe, target->ring_.ring_fd, 0, InternalData(Internal::kWakeMessage), 0);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  sqe->user_data = InternalData(Internal::kMessageSent, target->waker_.fd());
}

}  // namespace ringpost::reactor
