// SecureStream: its records move to the kernel.
#include <errno.h>

#include <cstring>
#include <string>
#include <utility>

#include "gateway/base/counters.h"
#include "gateway/base/limits.h"
#include "gateway/session/secure_stream_impl.h"

namespace ringpost::session {
namespace {

using reactor::RecordSide;

constexpr std::string_view kCloseNotify("\x01\x00", 2);  // a warning (RFC 5246 section 7.2)

}  // namespace

std::string_view SecureStream::kernel_records() const {
  if (!tls_) return "";
  bool sends = tls_->sends == Tls::Maker::kKernel;
  bool receives = tls_->receives == Tls::Maker::kKernel;
  return sends ? (receives ? "both" : "send") : receives ? "receive" : "";
}

// The first call to the kernel is also the last that may fail without harm: nothing has changed
// yet.
int SecureStream::AttachRecords() {
  if (tls_->attached) return 0;
  int error = stream_.AttachRecords();
  if (error < 0) {
    Count(Counter::kTlsKernelRefused);
    tls_->kernel = {};
    return error;
  }
  tls_->attached = true;
  return 0;
}

void SecureStream::KernelFailed(std::string_view what, int error) {
  Count(Counter::kTlsKernelFailed);
  std::string words("the kernel did not take over ");
  words.append(what).append(": ").append(std::strerror(-error));
  tls_->connection->FailElsewhere(words, tls::Connection::kInternalError);
  tls_->broken = true;
  Failed();
}

// --- Out

bool SecureStream::MovesSending() {
  if (tls_->sends == Tls::Maker::kMoving) return true;
  bool wanted = tls_->sends == Tls::Maker::kLibrary && !tls_->end_wanted &&
                tls_->sent_bytes >= tls_->kernel.send_from_bytes;
  if (!wanted) return false;
  auto keys = tls_->connection->SendKeys();
  if (!keys || !tls_->kernel.support.Has(*keys)) {
    tls_->kernel.send_from_bytes = tls::KernelRecordRule::kNever;
    return false;
  }
  tls_->sends = Tls::Maker::kMoving;
  SendSealed();
  return true;
}

// All that is sealed leaves first; then what waits goes as it is, and the kernel seals it.
void SecureStream::MoveSending() {
  if (stream_.unsent_bytes() > 0 || stream_.closing()) return;  // OnSent comes back here
  // Session tickets, the answer to a KeyUpdate: the keys are those behind them.
  tls_->connection->FlushForSendKeys();
  if (SendSealed()) return;
  auto keys = tls_->connection->SendKeys();
  int error = keys ? AttachRecords() : -EPROTO;
  if (error < 0) {
    tls_->kernel.send_from_bytes = tls::KernelRecordRule::kNever;
    tls_->sends = Tls::Maker::kLibrary;
    SealMore();
    return;
  }
  error = stream_.SetRecordKeys(RecordSide::kSend, tls::KernelKeys(*keys).bytes());
  if (error < 0) return KernelFailed("the records to be sent", error);
  Count(Counter::kTlsKernelSend);
  tls_->sends = Tls::Maker::kKernel;
  tls_->connection->SendElsewhere();
  bool flushed = tls_->flushed_bytes > 0 || tls_->end_wanted;
  for (Slice& slice : tls_->waiting) stream_.Write(std::move(slice));
  tls_->waiting.clear();
  tls_->waiting_bytes = tls_->flushed_bytes = 0;
  if (flushed) PassOn();
}

void SecureStream::PassOn() {
  CountRecords();
  if (tls_->end_wanted && !std::exchange(tls_->end_written, true)) {
    stream_.WriteControlRecord(tls::Connection::kAlertRecord, kCloseNotify);
  }
  stream_.Flush();
}

// Each flush makes a record at least, and one for each 16 KiB.
void SecureStream::CountRecords() {
  tls_->kernel_sends += 1 + stream_.unsent_bytes() / limits::kTlsRecordBytesMax;
  if (tls_->kernel_sends > tls_->kernel.records_max) TellKeysSpent(true);
}

void SecureStream::SendAlert() {
  if (tls_->broken || std::exchange(tls_->end_written, true)) return;
  uint8_t what = tls_->connection->alert();
  bool fatal = what != tls::Connection::kCloseNotify;
  const char alert[] = {static_cast<char>(fatal ? 2 : 1), static_cast<char>(what)};
  stream_.WriteControlRecord(tls::Connection::kAlertRecord, {alert, sizeof alert});
  stream_.Flush();
}

// --- In

// Called where no whole record waits to be opened.
void SecureStream::MoveReceiving() {
  bool wanted = tls_->receives == Tls::Maker::kLibrary && tls_->connection->established() &&
                !tls_->failed && !tls_->ended && !stream_.closing() &&
                tls_->received_bytes >= tls_->kernel.receive_from_bytes;
  if (!wanted) return;
  auto keys = tls_->connection->ReceiveKeys();
  if (!keys || !tls_->kernel.support.Has(*keys) || !tls_->connection->BytesToBoundary()) {
    tls_->kernel.receive_from_bytes = tls::KernelRecordRule::kNever;
    return;
  }
  tls_->receives = Tls::Maker::kMoving;
  stream_.HoldReceive();
}

// Nothing is on its way through user space. In the middle of a record or a message, exactly the
// rest is read, header and body each by itself; at its end the kernel goes on.
void SecureStream::OnReceiveHeld() {
  if (tls_->failed || tls_->ended) return stream_.ReleaseReceive();  // the end is still to be seen
  size_t missing = tls_->connection->BytesToBoundary().value_or(0);
  if (missing > 0) return stream_.ReceiveOnce(missing);
  auto keys = tls_->connection->ReceiveKeys();
  int error = keys ? AttachRecords() : -EPROTO;
  if (error < 0) {
    tls_->kernel.receive_from_bytes = tls::KernelRecordRule::kNever;
    tls_->receives = Tls::Maker::kLibrary;
    return stream_.ReleaseReceive();
  }
  error = stream_.SetRecordKeys(RecordSide::kReceive, tls::KernelKeys(*keys).bytes());
  if (error < 0) return KernelFailed("the records that come", error);
  Count(Counter::kTlsKernelReceive);
  tls_->receives = Tls::Maker::kKernel;
  tls_->connection->ReceiveElsewhere();
  stream_.ReleaseReceive();
}

void SecureStream::OnControlRecord(uint8_t type, std::string_view bytes) {
  if (tls_->failed || tls_->ended) return;
  TakeOne(tls_->connection->TakeControl(type, bytes));
}

// --- Keys

// Behind a KeyUpdate the kernel cannot open what the peer says: for the handler that is its end.
void SecureStream::TellKeysSpent(bool readable) {
  if (!std::exchange(tls_->keys_spent, true)) {
    Count(Counter::kTlsKernelKeysSpent);
    handler_->OnKeysSpent(readable);
  }
  if (!readable && !stream_.closing()) End(0);
}

}  // namespace ringpost::session
