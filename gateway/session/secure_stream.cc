#include "gateway/session/secure_stream.h"

#include <errno.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/session/secure_stream_impl.h"

namespace ringpost::session {

SecureStream::SecureStream(reactor::Io* io, SecureStreamHandler* handler)
    : handler_(handler), stream_(io, this) {}

SecureStream::~SecureStream() = default;

const tls::Connection* SecureStream::tls() const { return tls_ ? tls_->connection.get() : nullptr; }

std::string_view SecureStream::tls_failure() const {
  return tls_ ? std::string_view(tls_->connection->failure()) : std::string_view();
}

// From the first body on: most connections of strangers never get there, and setting it up costs a
// tenth of a handshake. A direction that the kernel is to have stays with the library until then.
void SecureStream::KeepBuffers(bool keep) {
  if (!tls_ || !tls_->connection) return;
  tls_->connection->KeepBuffers(keep);
  if (keep && tls_->kernel.receive_from_bytes == tls::KernelRecordRule::kNever) {
    tls_->in_place_wanted = true;
  }
}

void SecureStream::StartTls(std::unique_ptr<tls::Connection> tls,
                            const tls::KernelRecordRule& kernel, const Slice& first) {
  RP_CHECK(!tls_);
  tls_ = std::make_unique<Tls>();
  tls_->connection = std::move(tls);
  tls_->kernel = kernel;
  Take(first);
}

// --- In

void SecureStream::OnReceive(Slice bytes) {
  if (!tls_) {
    handler_->OnReceive(std::move(bytes));
  } else if (tls_->receives != Tls::Maker::kKernel) {
    Take(std::move(bytes));
  } else if (!tls_->failed && !tls_->ended) {
    handler_->OnReceive(std::move(bytes));
  }
}

void SecureStream::Take(Slice input) {
  using Kind = tls::Connection::EventKind;
  // Each callback may have closed the stream; none may have destroyed it.
  while (!stream_.closing() && !tls_->failed && !tls_->ended) {
    if (tls_->in_place_wanted) tls_->in_place_wanted = !tls_->connection->OpenInPlace();
    tls::Connection::Event event = tls_->connection->Step(&input);
    if (event.kind == Kind::kNeedInput) {
      SendSealed();
      MoveReceiving();
      return;
    }
    TakeOne(std::move(event));
    if (tls_->released) {
      tls_->unopened = input.view();
      return;
    }
  }
}

void SecureStream::TakeOne(tls::Connection::Event event) {
  using Kind = tls::Connection::EventKind;
  switch (event.kind) {
    case Kind::kNeedInput:
      return;
    case Kind::kHandshakeDone:
      handler_->OnSecured();
      if (tls_->released) return;
      SealMore();
      return;
    case Kind::kData:
      tls_->received_bytes += event.data.size();
      handler_->OnReceive(std::move(event.data));
      return;
    case Kind::kKeyUpdate:
      TellKeysSpent(tls_->receives != Tls::Maker::kKernel);
      return;
    case Kind::kEnd:
      SendSealed();
      End(0);
      return;
    case Kind::kFailed:
      Failed();
      return;
  }
}

// The alert first: it tells the peer's operator why.
void SecureStream::Failed() {
  tls_->failed = true;
  tls_->waiting.clear();
  tls_->waiting_bytes = tls_->flushed_bytes = 0;
  if (tls_->sends == Tls::Maker::kKernel) SendAlert();
  if (!SendSealed() && stream_.unsent_bytes() == 0) End(-EPROTO);
}

void SecureStream::End(int error) {
  if (tls_ && error == 0 && std::exchange(tls_->ended, true)) return;
  handler_->OnEnd(error);
}

void SecureStream::OnEnd(int error) {
  // Behind a KeyUpdate no record opens: to the handler the peer's direction is over already.
  bool unreadable = error == -EBADMSG || error == -EKEYEXPIRED;
  if (tls_ && tls_->ended && !tls_->failed && unreadable) return;
  if (tls_ && !tls_->failed && error == -EBADMSG && tls_->receives == Tls::Maker::kKernel) {
    tls_->connection->FailElsewhere("a record that does not open", tls::Connection::kBadRecordMac);
    Failed();
    return;
  }
  if (tls_ && tls_->failed) error = -EPROTO;
  End(error);
}

// --- Out

void SecureStream::Write(Slice bytes) {
  if (!tls_) {
    stream_.Write(std::move(bytes));
    return;
  }
  if (bytes.empty() || tls_->failed || tls_->end_wanted || stream_.closing()) return;
  if (tls_->sends == Tls::Maker::kKernel) {
    stream_.Write(std::move(bytes));
    return;
  }
  tls_->waiting_bytes += bytes.size();
  tls_->waiting.push_back(std::move(bytes));
}

void SecureStream::Write(const SliceChain& bytes) {
  for (const Slice& slice : bytes.slices()) Write(slice);
}

void SecureStream::WriteCopy(std::string_view bytes) {
  if (!tls_) {
    stream_.WriteCopy(bytes);
  } else if (tls_->sends == Tls::Maker::kKernel) {
    if (!tls_->failed && !tls_->end_wanted) stream_.WriteCopy(bytes);
  } else if (!bytes.empty()) {
    Write(Slice::Copy(bytes));
  }
}

void SecureStream::WriteEnd() {
  if (tls_) tls_->end_wanted = true;
}

void SecureStream::Flush() {
  if (!tls_) {
    stream_.Flush();
    return;
  }
  if (tls_->sends == Tls::Maker::kKernel) {
    PassOn();
    return;
  }
  tls_->flushed_bytes = tls_->waiting_bytes;
  SealMore();
}

size_t SecureStream::unsent_bytes() const {
  return stream_.unsent_bytes() + (tls_ ? tls_->waiting_bytes : 0);
}

// Seals what may leave, up to what the stream is to hold at once; the rest when that has left.
void SecureStream::SealMore() {
  Tls& tls = *tls_;
  if (!tls.connection->established() || tls.failed) return;
  if (MovesSending()) {
    MoveSending();
    return;
  }
  std::vector<Slice> parts;
  size_t room =
      limits::kTlsSealedBytesMax - std::min(limits::kTlsSealedBytesMax, stream_.unsent_bytes());
  size_t taken = 0;
  while (taken < tls.flushed_bytes && taken < room) {
    Slice& first = tls.waiting.front();
    size_t count = std::min({first.size(), tls.flushed_bytes - taken, room - taken});
    parts.push_back(first.Sub(0, count));
    taken += count;
    if (count == first.size()) {
      tls.waiting.pop_front();
    } else {
      first = first.Sub(count, first.size() - count);
    }
  }
  tls.waiting_bytes -= taken;
  tls.flushed_bytes -= taken;
  tls.sent_bytes += taken;
  if (taken > 0) {
    tls.wrote = true;
    tls.connection->Write(parts);
  }
  if (tls.end_wanted && tls.waiting_bytes == 0 && !std::exchange(tls.end_written, true)) {
    tls.wrote = true;
    tls.connection->WriteEnd();
  }
  SendSealed();
}

bool SecureStream::SendSealed() {
  SliceChain& sealed = tls_->connection->output();
  if (sealed.empty()) return false;
  if (tls_->sends == Tls::Maker::kKernel || tls_->broken) {
    sealed.Clear();  // under keys that have gone on without the library
    return false;
  }
  stream_.Write(sealed);
  sealed.Clear();
  stream_.Flush();
  return true;
}

void SecureStream::OnSent() {
  if (!tls_) {
    handler_->OnSent();
    return;
  }
  if (tls_->failed) {
    End(-EPROTO);
    return;
  }
  if (tls_->sends == Tls::Maker::kKernel) tls_->wrote = true;
  bool more = tls_->sends == Tls::Maker::kMoving ||
              (tls_->flushed_bytes > 0 && tls_->connection->established());
  if (more) SealMore();
  if (stream_.unsent_bytes() > 0 || tls_->failed || stream_.closing()) return;
  if (std::exchange(tls_->wrote, false)) handler_->OnSent();
}

// --- Giving it away

void SecureStreamHandler::OnHandedOver(int, std::unique_ptr<tls::Connection>, std::string) {
  RP_CHECK(false);  // it asked for it
}

void SecureStream::Release() {
  if (tls_) {
    RP_CHECK(tls_->connection->established() && tls_->waiting.empty());
    tls_->released = true;
  }
  stream_.Release();
}

void SecureStream::OnReleased(int fd, std::string received) {
  if (!tls_) {
    handler_->OnHandedOver(fd, nullptr, std::move(received));
  } else {
    handler_->OnHandedOver(fd, std::move(tls_->connection), tls_->unopened + received);
  }
}

}  // namespace ringpost::session
