// Connection, where records are made elsewhere: what comes back that is no data.
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/tls/connection_impl.h"
#include "gateway/tls/errors.h"

namespace ringpost::tls {
namespace {

constexpr uint8_t kNewSessionTicket = 4;  // RFC 8446 section 4
constexpr size_t kHandshakeHeaderBytes = 4;
constexpr uint8_t kWarningLevel = 1, kUserCanceled = 90;

uint8_t ByteAt(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }

}  // namespace

Connection::Event Connection::TakeControl(uint8_t type, std::string_view bytes) {
  RP_CHECK(elsewhere_ && elsewhere_->receives);
  if (state_ == State::kEnded) return {EventKind::kEnd, {}};
  if (state_ == State::kFailed) return {EventKind::kFailed, {}};
  switch (type) {
    case kAlertRecord:
      return TakeAlert(bytes);
    case kHandshakeRecord:
      return TakeHandshakeBytes(bytes);
    default:
      return Broken("a record of a type that has no place here", kUnexpectedMessage);
  }
}

// RFC 8446 section 6: the level says nothing any more; RFC 5246 section 7.2: it does.
Connection::Event Connection::TakeAlert(std::string_view bytes) {
  if (bytes.size() != 2) return Broken("an alert of a wrong length", kDecodeError);
  uint8_t level = ByteAt(bytes, 0), description = ByteAt(bytes, 1);
  if (description == kCloseNotify) {
    state_ = State::kEnded;
    return {EventKind::kEnd, {}};
  }
  bool tls13 = SSL_version(impl_->ssl.get()) == TLS1_3_VERSION;
  bool warning = tls13 ? description == kUserCanceled : level == kWarningLevel;
  bool flood = ++elsewhere_->warnings > limits::kTlsWarningAlertsMax;
  if (warning && !flood) return {EventKind::kNeedInput, {}};
  if (warning) return Broken("too many alerts", kUnexpectedMessage);
  // Ours would be an answer to the end of everything: none is owed.
  return Broken(std::string("the peer sent an alert: ") + SSL_alert_desc_string_long(description),
                kCloseNotify);
}

// A message may span records, and a record hold several.
Connection::Event Connection::TakeHandshakeBytes(std::string_view bytes) {
  if (SSL_version(impl_->ssl.get()) != TLS1_3_VERSION) {
    return Broken("the peer wants to renegotiate", kUnexpectedMessage);
  }
  // RFC 8446 section 5.1.
  if (bytes.empty()) return Broken("an empty handshake record", kUnexpectedMessage);
  std::string& held = elsewhere_->handshake_bytes;
  held.append(bytes);
  size_t at = 0;
  while (held.size() - at >= kHandshakeHeaderBytes) {
    size_t body = size_t{ByteAt(held, at + 1)} << 16 | size_t{ByteAt(held, at + 2)} << 8 |
                  ByteAt(held, at + 3);
    if (body > limits::kTlsControlMessageBytesMax) {
      return Broken("a handshake message that is too long", kUnexpectedMessage);
    }
    size_t whole = kHandshakeHeaderBytes + body;
    if (held.size() - at < whole) break;
    KeyUpdate update = KeyUpdate::kNone;
    if (!TakePostHandshake(std::string_view(held).substr(at, whole), &update)) {
      return {EventKind::kFailed, {}};
    }
    at += whole;
    if (update == KeyUpdate::kNone) continue;
    // RFC 8446 section 5.1: keys change between records.
    if (at != held.size()) return Broken("a message behind KeyUpdate", kUnexpectedMessage);
    held.clear();
    bool goes_on = elsewhere_->opener && ChangeKeys(update == KeyUpdate::kBoth);
    return {goes_on ? EventKind::kNeedInput : EventKind::kKeyUpdate, {}};
  }
  held.erase(0, at);
  return {EventKind::kNeedInput, {}};
}

bool Connection::TakePostHandshake(std::string_view message, KeyUpdate* update) {
  SSL* ssl = impl_->ssl.get();
  if (++elsewhere_->messages > limits::kTlsControlMessagesMax) {
    FailElsewhere("too many messages after the handshake", kUnexpectedMessage);
    return false;
  }
  uint8_t type = ByteAt(message, 0);
  if (type == kKeyUpdateMessage && message.size() == kKeyUpdateBytes &&
      ByteAt(message, kKeyUpdateBytes - 1) <= SSL_KEY_UPDATE_REQUESTED) {
    bool requested = ByteAt(message, kKeyUpdateBytes - 1) == SSL_KEY_UPDATE_REQUESTED;
    *update = requested ? KeyUpdate::kBoth : KeyUpdate::kTheirs;
    return true;
  }
  if (type == kNewSessionTicket && impl_->client.context) {
    bssl::UniquePtr<SSL_SESSION> session(SSL_process_tls13_new_session_ticket(
        ssl, reinterpret_cast<const uint8_t*>(message.data()), message.size()));
    if (session) {
      impl_->client.context->impl().sessions.Keep(impl_->client.name, std::move(session));
      return true;
    }
    FailElsewhere("a session ticket that cannot be read: " + TakeError(), kDecodeError);
    return false;
  }
  FailElsewhere("a handshake message that has no place here", kUnexpectedMessage);
  return false;
}

}  // namespace ringpost::tls
