#include "gateway/reactor/stream.h"

#include <errno.h>

#include <array>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/reactor/send_queue.h"

namespace ringpost::reactor {

// What came while paused. The end, if it came too, is behind the bytes.
struct Stream::Held {
  explicit Held(Stream* stream) : deliver(stream) {}

  struct DeliverTimer : Timer {
    explicit DeliverTimer(Stream* owner)
        : Timer([](Timer* timer) { static_cast<DeliverTimer*>(timer)->stream->DeliverHeld(); }),
          stream(owner) {}
    Stream* stream;
  };

  DeliverTimer deliver;  // scheduled by Resume
  SliceChain bytes;
  bool ended = false;
  int error = 0;
};

Stream::Stream(Io* io, StreamHandler* handler)
    : io_(io), handler_(handler), receive_(OnReceiveResult), send_(OnSendResult) {
  receive_.stream = this;
  send_.stream = this;
}

Stream::~Stream() {
  RP_CHECK(state_ == State::kIdle || state_ == State::kClosed);
  ReleaseQueue();
}

void Stream::Adopt(int fd) {
  RP_CHECK(state_ == State::kIdle);
  fd_ = fd;
  state_ = State::kOpen;
  StartReceive();
}

void Stream::Connect(const Endpoint& peer, const IpAddress* source) {
  RP_CHECK(state_ == State::kIdle);
  state_ = State::kConnecting;
  int fd = io_->OpenSocket(peer, source);
  if (fd < 0) return io_->Defer(&send_, fd);
  fd_ = fd;
  io_->Connect(fd, peer, &send_);
}

void Stream::Connected(int32_t value) {
  if (value < 0) {
    ended_ = failed_ = true;
    handler_->OnConnected(value);
    return Close();
  }
  state_ = State::kOpen;
  StartReceive();
  handler_->OnConnected(0);
  if (state_ == State::kOpen && queue_ && queue_->flushed > 0) StartSend();
}

// --- Sending

Stream::SendQueue& Stream::Queue() {
  if (queue_ == nullptr) queue_ = SendQueuePool::Take();
  return *queue_;
}

void Stream::ReleaseQueue() {
  if (queue_) SendQueuePool::Give(std::exchange(queue_, nullptr));
}

void Stream::Write(Slice bytes) {
  if (!bytes.empty() && Writable()) Queue().Add(std::move(bytes));
}

void Stream::WriteControlRecord(uint8_t type, std::string_view bytes) {
  if (!Writable()) return;
  Queue().control = bytes;
  queue_->control_type = type;
}

void Stream::Write(const SliceChain& bytes) {
  for (const Slice& slice : bytes.slices()) Write(slice);
}

void Stream::WriteCopy(std::string_view bytes) {
  if (!bytes.empty() && Writable()) Queue().AddCopy(bytes);
}

void Stream::Flush() {
  if (queue_ == nullptr) return;
  queue_->flushed = queue_->bytes;
  if (state_ == State::kOpen && !queue_->empty()) StartSend();
}

size_t Stream::unsent_bytes() const { return queue_ ? queue_->bytes + queue_->control.size() : 0; }

void Stream::StartSend() {
  if (send_.in_flight()) return;
  if (queue_->bytes == 0) {
    iovec part{queue_->control.data(), queue_->control.size()};
    io_->SendControlRecord(fd_, queue_->control_type, part, &send_);
    return;
  }
  std::array<iovec, limits::kSendPartsMax> parts;
  size_t count = queue_->Gather(parts.data());
  io_->Send(fd_, {parts.data(), count}, &send_);
}

void Stream::OnSendResult(Completion* completion, Result&& result) {
  Stream* stream = static_cast<Op*>(completion)->stream;
  switch (stream->state_) {
    case State::kConnecting:
      return stream->Connected(result.value);
    case State::kOpen:
      return stream->Sent(result.value);
    case State::kReleasing:
      return stream->ReleaseSent(result.value);
    default:
      return stream->FinishIfQuiet();
  }
}

void Stream::Sent(int32_t value) {
  // A cancel aimed at the receive may hit the send where it had to be done by descriptor: nothing
  // was sent.
  bool again = value == -ECANCELED || value == -EINTR || value == -EAGAIN;
  if (value < 0 && !again) return Fail(value);
  if (value > 0 && queue_->bytes > 0) {
    queue_->Consume(static_cast<size_t>(value));
  } else if (value > 0) {
    queue_->control.clear();
  }
  if (queue_->flushed > 0 || (queue_->bytes == 0 && !queue_->empty())) return StartSend();
  if (!queue_->empty()) return;
  ReleaseQueue();
  handler_->OnSent();
}

void Stream::Fail(int error) {
  ReleaseQueue();
  send_error_ = error;
  if (ended_) return Ended(error);
  // The receive still has what came before; it ends behind that, and then the error is told.
  io_->Shutdown(fd_);
  ContinueReceiving();
}

// --- Receiving

void Stream::StartReceive() {
  waiting_ = Waiting::kBytes;
  cancelling_ = false;
  io_->Receive(fd_, &receive_);
}

// Asks what is in flight to end; the last it brings is still told.
void Stream::EndReceive() {
  if (waiting_ != Waiting::kNothing && !std::exchange(cancelling_, true)) io_->Cancel(&receive_);
}

void Stream::HoldReceive() {
  holding_ = true;
  EndReceive();
}

void Stream::ReceiveOnce(size_t most) {
  RP_CHECK(holding_ && !receive_.in_flight());
  waiting_ = Waiting::kBytes;
  cancelling_ = false;
  io_->ReceiveOnce(fd_, most, &receive_);
}

void Stream::ReleaseReceive() {
  holding_ = false;
  ContinueReceiving();
}

int Stream::SetRecordKeys(RecordSide side, std::span<const std::byte> keys) {
  RP_CHECK(side == RecordSide::kReceive ? holding_ && !receive_.in_flight() : unsent_bytes() == 0);
  int error = io_->SetRecordKeys(fd_, side, keys);
  if (error == 0 && side == RecordSide::kReceive) kernel_reads_ = true;
  return error;
}

// Nobody takes it while the stream is paused: the kernel keeps it, and the next receive ends on it
// again.
void Stream::TakeControlRecord() {
  if (paused_ || held_) return ContinueReceiving();
  ControlRecord record = io_->TakeControlRecord(fd_);
  if (record.error < 0) return Ended(record.error);
  handler_->OnControlRecord(record.type, record.bytes);
  ContinueReceiving();
}

void Stream::OnReceiveResult(Completion* completion, Result&& result) {
  Stream* stream = static_cast<Op*>(completion)->stream;
  Waiting was = stream->waiting_;
  if (!result.more) stream->waiting_ = Waiting::kNothing;
  if (stream->state_ == State::kClosing) return stream->FinishIfQuiet();
  if (stream->state_ == State::kReleasing) return stream->ReleaseReceived(std::move(result));
  if (was == Waiting::kBytes) return stream->Received(std::move(result));
  stream->ContinueReceiving();  // there are buffers again
}

void Stream::Received(Result&& result) {
  if (result.value > 0) {
    if (!paused_ && !held_) {
      handler_->OnReceive(std::move(result.buffer));
    } else {
      Hold().bytes.Append(std::move(result.buffer));
      EndReceive();
    }
  } else if (result.value == -EIO && kernel_reads_) {
    return TakeControlRecord();
  } else if (result.value == -ENOBUFS && !receive_.in_flight()) {
    waiting_ = Waiting::kBuffers;
    return io_->ParkForBuffers(&receive_);
  } else if (result.value != -ECANCELED && result.value != -EINTR && result.value != -EAGAIN) {
    return Ended(result.value);
  }
  ContinueReceiving();
}

void Stream::ContinueReceiving() {
  if (paused_ && send_error_ < 0 && !ended_ && !receive_.in_flight()) {
    // No receive will end: the error is told now, and what the handler did not want is dropped.
    paused_ = false;
    held_.reset();
    return Ended(send_error_);
  }
  // Nothing new before the handler has had what is held: a handler that pauses often would let it
  // grow with each round.
  bool wanted = state_ == State::kOpen && !ended_ && !paused_ && !held_;
  if (!wanted || receive_.in_flight()) return;
  if (send_error_ < 0) holding_ = false;  // the end is to be read, whoever holds
  if (holding_) return handler_->OnReceiveHeld();
  StartReceive();
}

void Stream::Ended(int error) {
  if (paused_ || held_) {
    Hold().ended = true;
    held_->error = error;
    return;
  }
  if (send_error_ < 0) error = send_error_;
  bool told = ended_ && (error == 0 || failed_);
  ended_ = true;
  // Records that do not open, or not any more (KeyUpdate): our own direction still works.
  bool half = error == -EBADMSG || error == -EKEYEXPIRED;
  failed_ = failed_ || (error < 0 && !half);
  if (!told) handler_->OnEnd(error);
}

Stream::Held& Stream::Hold() {
  if (!held_) held_ = std::make_unique<Held>(this);
  return *held_;
}

void Stream::Pause() { paused_ = true; }

void Stream::Resume() {
  if (!paused_) return;
  paused_ = false;
  if (held_ || holding_) {  // the handler is not called from here
    io_->timers().Schedule(&Hold().deliver, io_->now());
  } else {
    ContinueReceiving();
  }
}

void Stream::DeliverHeld() {
  if (paused_) return;
  std::unique_ptr<Held> held = std::move(held_);
  const std::vector<Slice>& slices = held->bytes.slices();
  size_t at = 0;
  while (at < slices.size() && !paused_ && state_ == State::kOpen) {
    handler_->OnReceive(slices[at++]);
  }
  if (state_ != State::kOpen) return;
  if (at < slices.size() || (paused_ && held->ended)) {  // paused again: keep the rest
    for (; at < slices.size(); ++at) Hold().bytes.Append(slices[at]);
    Hold().ended = held->ended;
    held_->error = held->error;
  } else if (held->ended) {
    return Ended(held->error);
  }
  ContinueReceiving();
}

// --- The end

void Stream::Close() {
  if (state_ >= State::kClosing) return;
  state_ = State::kClosing;
  held_.reset();
  if (fd_ >= 0) io_->Shutdown(fd_);
  io_->Cancel(&receive_);
  io_->Cancel(&send_);
  if (!receive_.in_flight() && !send_.in_flight()) io_->Defer(&receive_, 0);
}

void Stream::FinishIfQuiet() {
  if (receive_.in_flight() || send_.in_flight()) return;
  ReleaseQueue();
  if (fd_ >= 0) io_->Close(std::exchange(fd_, -1));
  state_ = State::kClosed;
  handler_->OnClosed();
}

// --- Giving it away

void StreamHandler::OnReleased(int, std::string) { RP_CHECK(false); }  // it asked for it

void Stream::Release() {
  RP_CHECK(state_ == State::kOpen && !kernel_reads_);
  state_ = State::kReleasing;
  paused_ = true;  // what is held stays held
  io_->Cancel(&receive_);
  if (!receive_.in_flight() && !send_.in_flight()) io_->Defer(&receive_, 0);
}

void Stream::ReleaseReceived(Result&& result) {
  if (result.value > 0) Hold().bytes.Append(std::move(result.buffer));
  ReleaseIfQuiet();
}

void Stream::ReleaseSent(int32_t value) {
  bool again = value == -ECANCELED || value == -EINTR || value == -EAGAIN;
  if (value > 0) queue_->Consume(static_cast<size_t>(value));
  if (value < 0 && !again) ReleaseQueue();  // the new owner will find it broken too
  ReleaseIfQuiet();
}

void Stream::ReleaseIfQuiet() {
  if (receive_.in_flight() || send_.in_flight()) return;
  if (queue_ && queue_->flushed > 0) return StartSend();
  ReleaseQueue();
  std::string received;
  if (held_) {
    for (const Slice& slice : held_->bytes.slices()) received.append(slice.view());
  }
  held_.reset();
  int fd = std::exchange(fd_, -1);
  io_->GiveUp(fd);
  state_ = State::kClosed;
  handler_->OnReleased(fd, std::move(received));
}

}  // namespace ringpost::reactor
