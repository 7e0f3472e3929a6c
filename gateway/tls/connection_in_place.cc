// Connection, where the peer's records are opened in the buffers that they came in.
#include <utility>

#include "gateway/tls/connection_impl.h"
#include "gateway/tls/errors.h"

namespace ringpost::tls {

bool Connection::OpenInPlace() {
  if (state_ != State::kOpen || (elsewhere_ && elsewhere_->receives)) return true;
  // The rest of a record that the library has opened comes first.
  if (BytesToBoundary() != 0u || SSL_pending(impl_->ssl.get()) > 0) return false;
  auto keys = ReceiveKeys();
  if (!keys || !RecordOpener::Opens(keys->cipher)) return true;
  ReceiveElsewhere();
  elsewhere_->opener = std::make_unique<RecordOpener>(*keys);
  elsewhere_->secret = ExportTrafficSecret(impl_->ssl.get(), RecordDirection::kReceive);
  return true;
}

Connection::Event Connection::Step(Slice* input) {
  Event event;
  if (elsewhere_ && elsewhere_->opener) {
    event = StepInPlace(input);
  } else {
    std::string_view rest = input->view();
    event = Step(&rest);
    *input = input->Sub(input->size() - rest.size(), rest.size());
  }
  if (state_ == State::kEnded || state_ == State::kFailed) {
    *input = {};
    if (elsewhere_) elsewhere_->opener.reset();  // with what it has of a record
  }
  return event;
}

Connection::Event Connection::StepInPlace(Slice* input) {
  using Kind = RecordOpener::EventKind;
  while (state_ == State::kOpen) {
    RecordOpener::Event opened = elsewhere_->opener->Step(input, keeps_buffers_);
    switch (opened.kind) {
      case Kind::kNeedInput:
        return {EventKind::kNeedInput, {}};
      case Kind::kData:
      case Kind::kEmpty:
        // RFC 8446 section 5.1.
        if (!elsewhere_->handshake_bytes.empty()) {
          return Broken("data within a handshake message", kUnexpectedMessage);
        }
        if (opened.kind == Kind::kEmpty) break;
        elsewhere_->messages = elsewhere_->warnings = 0;
        return {EventKind::kData, std::move(opened.data)};
      case Kind::kControl: {
        Event event = TakeControl(opened.type, opened.plaintext);
        if (event.kind != EventKind::kNeedInput) return event;
        break;
      }
      case Kind::kFailed:
        return Broken(opened.words, opened.alert);
    }
  }
  return {state_ == State::kEnded ? EventKind::kEnd : EventKind::kFailed, {}};
}

// The peer's keys have changed, and it may have asked for ours to change too. False: only the
// library could, and the records are not its own.
bool Connection::ChangeKeys(bool ours_too) {
  RecordKeys keys = *ReceiveKeys();
  elsewhere_->secret = elsewhere_->secret->Next();
  elsewhere_->secret->MakeKeys(&keys);
  elsewhere_->opener->UseKeys(keys);
  if (!ours_too) return true;
  if (elsewhere_->sends) return false;
  // Our answer leaves before what is written next.
  if (SSL_key_update(impl_->ssl.get(), SSL_KEY_UPDATE_NOT_REQUESTED) != 1) ForgetErrors();
  return true;
}

}  // namespace ringpost::tls
