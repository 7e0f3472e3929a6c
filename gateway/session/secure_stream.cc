#include "gateway/session/secure_stream.h"

#include <errno.h>

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"

namespace ringpost::session {

struct SecureStream::Tls {
  std::unique_ptr<tls::Connection> connection;
  std::deque<Slice> waiting;  // written, not sealed yet
  size_t waiting_bytes = 0;
  size_t flushed_bytes = 0;  // of those, may be sealed
  bool end_wanted = false;   // close_notify, once nothing waits
  bool end_written = false;
  bool wrote = false;   // the handler is owed an OnSent
  bool failed = false;  // ... and an OnEnd(-EPROTO), once the alert has left
  bool ended = false;   // the handler was told that no more will come
};

SecureStream::SecureStream(reactor::Io* io, SecureStreamHandler* handler)
    : handler_(handler), stream_(io, this) {}

SecureStream::~SecureStream() = default;

const tls::Connection* SecureStream::tls() const { return tls_ ? tls_->connection.get() : nullptr; }

std::string_view SecureStream::tls_failure() const {
  return tls_ ? std::string_view(tls_->connection->failure()) : std::string_view();
}

void SecureStream::StartTls(std::unique_ptr<tls::Connection> tls, const Slice& first) {
  RP_CHECK(!tls_);
  tls_ = std::make_unique<Tls>();
  tls_->connection = std::move(tls);
  Take(first.view());
}

// --- In

void SecureStream::OnReceive(Slice bytes) {
  if (!tls_) {
    handler_->OnReceive(std::move(bytes));
    return;
  }
  Take(bytes.view());
}

void SecureStream::Take(std::string_view input) {
  using Kind = tls::Connection::EventKind;
  // Each callback may have closed the stream; none may have destroyed it.
  while (!stream_.closing() && !tls_->failed && !tls_->ended) {
    tls::Connection::Event event = tls_->connection->Step(&input);
    switch (event.kind) {
      case Kind::kNeedInput:
        SendSealed();
        return;
      case Kind::kHandshakeDone:
        handler_->OnSecured();
        SealMore();
        break;
      case Kind::kData:
        handler_->OnReceive(std::move(event.data));
        break;
      case Kind::kEnd:
        SendSealed();
        End(0);
        return;
      case Kind::kFailed:
        Failed();
        return;
    }
  }
}

// The alert first: it tells the peer's operator why.
void SecureStream::Failed() {
  tls_->failed = true;
  tls_->waiting.clear();
  tls_->waiting_bytes = tls_->flushed_bytes = 0;
  if (!SendSealed() && stream_.unsent_bytes() == 0) End(-EPROTO);
}

void SecureStream::End(int error) {
  if (tls_ && error == 0 && std::exchange(tls_->ended, true)) return;
  handler_->OnEnd(error);
}

void SecureStream::OnEnd(int error) {
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
  tls_->waiting_bytes += bytes.size();
  tls_->waiting.push_back(std::move(bytes));
}

void SecureStream::Write(const SliceChain& bytes) {
  for (const Slice& slice : bytes.slices()) Write(slice);
}

void SecureStream::WriteCopy(std::string_view bytes) {
  if (!tls_) {
    stream_.WriteCopy(bytes);
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
  } else if (tls_->flushed_bytes > 0 && tls_->connection->established()) {
    SealMore();
  } else if (std::exchange(tls_->wrote, false)) {
    handler_->OnSent();
  }
}

}  // namespace ringpost::session
