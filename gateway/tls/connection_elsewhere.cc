// Connection, where records are made elsewhere: the keys out. What comes back:
// connection_control.cc.
#include "gateway/tls/connection_impl.h"
#include "gateway/tls/errors.h"
#include "gateway/tls/record_export.h"

namespace ringpost::tls {
namespace {

// A request to change our keys, which only the library could.
bool IsKeyUpdateRequest(int content_type, const void* message, size_t length) {
  const auto* bytes = static_cast<const uint8_t*>(message);
  return content_type == SSL3_RT_HANDSHAKE && length == kKeyUpdateBytes &&
         bytes[0] == kKeyUpdateMessage && bytes[kKeyUpdateBytes - 1] == SSL_KEY_UPDATE_REQUESTED;
}

}  // namespace

std::optional<RecordKeys> Connection::ReceiveKeys() const {
  return ExportRecordKeys(impl_->ssl.get(), RecordDirection::kReceive);
}

std::optional<RecordKeys> Connection::SendKeys() const {
  return ExportRecordKeys(impl_->ssl.get(), RecordDirection::kSend);
}

std::optional<size_t> Connection::BytesToBoundary() const {
  std::optional<size_t> missing = cursor_.BytesToBoundary();
  if (missing == 0u && within_message_) return RecordCursor::kHeaderBytes;
  return missing;
}

void Connection::FlushForSendKeys() {
  if (!established() || ended_) return;
  if (SSL_write(impl_->ssl.get(), "", 0) < 0) ForgetErrors();
}

void Connection::ReceiveElsewhere() {
  if (!elsewhere_) elsewhere_ = std::make_unique<Elsewhere>();
  elsewhere_->receives = true;
}

void Connection::SendElsewhere() {
  if (!elsewhere_) elsewhere_ = std::make_unique<Elsewhere>();
  elsewhere_->sends = true;
  SSL* ssl = impl_->ssl.get();
  // What the library would answer cannot leave any more: it is to be known, and answered by others.
  SSL_set_msg_callback_arg(ssl, this);
  SSL_set_msg_callback(
      ssl, [](int is_write, int, int type, const void* message, size_t length, SSL*, void* self) {
        auto* connection = static_cast<Connection*>(self);
        if (!is_write && IsKeyUpdateRequest(type, message, length)) {
          connection->elsewhere_->key_update = true;
        }
        if (is_write && type == SSL3_RT_ALERT && length == 2) {
          connection->alert_ = static_cast<const uint8_t*>(message)[1];
        }
      });
}

Connection::Event Connection::Broken(std::string_view words, uint8_t alert) {
  FailElsewhere(words, alert);
  return {EventKind::kFailed, {}};
}

void Connection::FailElsewhere(std::string_view words, uint8_t alert) {
  failure_ = words;
  alert_ = alert;
  state_ = State::kFailed;
  if (elsewhere_ && elsewhere_->sends) {
    output_.Clear();  // the library's alert, under keys that have gone on without it
    return;
  }
  SSL* ssl = impl_->ssl.get();
  if (alert == kCloseNotify) {
    SSL_shutdown(ssl);
  } else {
    SSL_send_fatal_alert(ssl, alert);
  }
  ForgetErrors();
}

}  // namespace ringpost::tls
