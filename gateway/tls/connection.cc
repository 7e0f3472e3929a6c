#include "gateway/tls/connection.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/base/ip_address.h"
#include "gateway/base/limits.h"
#include "gateway/tls/connection_impl.h"
#include "gateway/tls/contexts_impl.h"
#include "gateway/tls/errors.h"

namespace ringpost::tls {
// --- The library's way to our buffers

int Connection::Impl::ReadInput(BIO* bio, char* out, int bytes_max) {
  BIO_clear_retry_flags(bio);
  auto* connection = static_cast<Connection*>(BIO_get_data(bio));
  std::string_view* input = connection->input_;
  if (input == nullptr || input->empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  size_t count = std::min(input->size(), static_cast<size_t>(bytes_max));
  std::memcpy(out, input->data(), count);
  connection->cursor_.Advance(input->substr(0, count));
  connection->within_message_ = true;
  input->remove_prefix(count);
  return static_cast<int>(count);
}

int Connection::Impl::WriteOutput(BIO* bio, const char* bytes, int count) {
  BIO_clear_retry_flags(bio);
  auto* connection = static_cast<Connection*>(BIO_get_data(bio));
  std::string_view rest(bytes, static_cast<size_t>(count));
  while (!rest.empty()) {
    Slice slab = Slice::NewSlab(std::min(rest.size(), limits::kTlsSlabBytes));
    std::memcpy(slab.mutable_data(), rest.data(), slab.size());
    rest.remove_prefix(slab.size());
    connection->output_.Append(std::move(slab));
  }
  return count;
}

const BIO_METHOD* Connection::Impl::Method() {
  static const BIO_METHOD* method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "buffers");
    BIO_meth_set_read(made, ReadInput);
    BIO_meth_set_write(made, WriteOutput);
    BIO_meth_set_ctrl(made, [](BIO*, int command, long, void*) -> long {
      return command == BIO_CTRL_FLUSH ? 1 : 0;
    });
    BIO_meth_set_create(made, [](BIO* bio) {
      BIO_set_init(bio, 1);
      return 1;
    });
    return made;
  }();
  return method;
}

// --- Making

std::unique_ptr<Connection> Connection::Impl::Make(SSL_CTX* context) {
  std::unique_ptr<Connection> connection(new Connection());
  SSL* ssl = SSL_new(context);
  RP_CHECK(ssl != nullptr);
  connection->impl_->ssl.reset(ssl);
  BIO* bio = BIO_new(Method());
  RP_CHECK(bio != nullptr);
  BIO_set_data(bio, connection.get());
  SSL_set_bio(ssl, bio, bio);
  SSL_set_shed_handshake_config(ssl, 1);
  return connection;
}

std::unique_ptr<Connection> Connection::Impl::MakeClient(ClientPeer peer) {
  auto connection = Make(peer.context->impl().context.get());
  SSL* ssl = connection->impl_->ssl.get();
  SSL_set_connect_state(ssl);
  auto session = peer.context->impl().sessions.Find(peer.name);
  if (session) SSL_set_session(ssl, session.get());
  connection->impl_->client = std::move(peer);
  RP_CHECK(SSL_set_ex_data(ssl, ClientPeer::Index(), &connection->impl_->client) == 1);
  return connection;
}

ssl_verify_result_t Connection::Impl::VerifyByDane(SSL* ssl, uint8_t* alert) {
  auto* peer = static_cast<ClientPeer*>(SSL_get_ex_data(ssl, ClientPeer::Index()));
  peer->verdict = VerifyDane(ssl, *peer->dane);
  if (peer->verdict.proof != PeerProof::kNone) return ssl_verify_ok;
  *alert = AlertOf(peer->verdict.fault);
  return ssl_verify_invalid;
}

Connection::Connection() : impl_(std::make_unique<Impl>()) {}
Connection::~Connection() = default;

std::unique_ptr<Connection> Connection::Accept(std::shared_ptr<const ServerContext> context,
                                               bool http) {
  auto connection = Impl::Make(context->impl().context.get());
  connection->impl_->server = std::move(context);
  SSL_set_accept_state(connection->impl_->ssl.get());
  RP_CHECK(!http || SSL_set_ex_data(connection->impl_->ssl.get(), HttpOffer::Index(),
                                    connection.get()) == 1);
  return connection;
}

std::unique_ptr<Connection> Connection::Connect(std::shared_ptr<const ClientContext> context,
                                                const std::string& name, std::string peer) {
  auto connection = Impl::MakeClient({std::move(context), std::move(peer), nullptr, {}});
  SSL* ssl = connection->impl_->ssl.get();
  X509_VERIFY_PARAM* verify = SSL_get0_param(ssl);
  // RFC 9525 section 6.2: the subject's common name is no name of a host.
  X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (IpAddress::Parse(name)) {
    RP_CHECK(X509_VERIFY_PARAM_set1_ip_asc(verify, name.c_str()) == 1);
    return connection;
  }
  // A name that cannot be one (empty, too long) goes unasked; where it cannot be checked either,
  // the library verifies nobody.
  if (SSL_set_tlsext_host_name(ssl, name.c_str()) != 1) ForgetErrors();
  if (X509_VERIFY_PARAM_set1_host(verify, name.data(), name.size()) != 1) ForgetErrors();
  return connection;
}

std::unique_ptr<Connection> Connection::ConnectDane(std::shared_ptr<const ClientContext> context,
                                                    std::shared_ptr<const DanePolicy> dane,
                                                    const std::string& peer) {
  RP_CHECK(dane != nullptr && !dane->records.empty());
  std::string session_name = DaneSessionName(*dane, peer);
  const std::string& name = dane->base_domain;
  auto connection = Impl::MakeClient({std::move(context), std::move(session_name), dane, {}});
  SSL* ssl = connection->impl_->ssl.get();
  RP_CHECK(SSL_set_min_proto_version(ssl, TLS1_2_VERSION) == 1);
  SSL_set_custom_verify(ssl, SSL_VERIFY_PEER, Impl::VerifyByDane);
  if (SSL_set_tlsext_host_name(ssl, name.c_str()) != 1) ForgetErrors();
  return connection;
}

// --- In

Connection::Event Connection::Step(std::string_view* input) {
  input_ = input;
  Event event{EventKind::kNeedInput, {}};
  switch (state_) {
    case State::kHandshake:
      event = Handshake();
      break;
    case State::kOpen:
      event = Read();
      break;
    case State::kEnded:
      event.kind = EventKind::kEnd;
      break;
    case State::kFailed:
      event.kind = EventKind::kFailed;
      break;
  }
  if (state_ == State::kEnded || state_ == State::kFailed) *input = {};
  input_ = nullptr;
  return event;
}

Connection::Event Connection::Handshake() {
  int result = SSL_do_handshake(impl_->ssl.get());
  if (result != 1) return Fail(result);
  // The library asks for no verdict where it resumes, and what is right today may be wrong
  // tomorrow.
  uint8_t alert = 0;
  ClientPeer& peer = impl_->client;
  if (peer.dane && peer.verdict.proof == PeerProof::kNone &&
      Impl::VerifyByDane(impl_->ssl.get(), &alert) != ssl_verify_ok) {
    peer.context->impl().sessions.Forget(peer.name);
    SSL_send_fatal_alert(impl_->ssl.get(), alert);
    return RefusePeer();
  }
  state_ = State::kOpen;
  within_message_ = false;
  SetFacts();
  if (facts_.challenge) return EndChallenge();
  return {EventKind::kHandshakeDone, {}};
}

// The handshake was all that was wanted, and nothing may be said on this connection.
Connection::Event Connection::EndChallenge() {
  WriteEnd();
  failure_ = "an ACME server has looked at the challenge";
  state_ = State::kFailed;
  return {EventKind::kFailed, {}};
}

Connection::Event Connection::Read() {
  SSL* ssl = impl_->ssl.get();
  // Opens the next record, or says what is left of the last.
  int result = SSL_peek(ssl, nullptr, 0);
  size_t pending = std::min(static_cast<size_t>(SSL_pending(ssl)), limits::kTlsSlabBytes);
  if (elsewhere_ && std::exchange(elsewhere_->key_update, false))
    return {EventKind::kKeyUpdate, {}};
  if (pending == 0) return Fail(result);
  within_message_ = false;
  Slice slab = Slice::NewSlab(pending);
  int got = SSL_read(ssl, slab.mutable_data(), static_cast<int>(pending));
  RP_CHECK(got == static_cast<int>(pending));
  Count(Counter::kBodyBytesCopied, pending);
  return {EventKind::kData, std::move(slab)};
}

// No progress: for want of input, by the peer's end, or by a failure.
Connection::Event Connection::Fail(int result) {
  switch (SSL_get_error(impl_->ssl.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_NONE:
      return {EventKind::kNeedInput, {}};
    case SSL_ERROR_ZERO_RETURN:
      if (state_ != State::kOpen) break;
      state_ = State::kEnded;
      return {EventKind::kEnd, {}};
    default:
      break;
  }
  failure_ = TakeError();
  if (failure_ == "certificate verify failed") return RefusePeer();
  state_ = State::kFailed;
  return {EventKind::kFailed, {}};
}

// Says which of the many things it was that a certificate can be wrong in.
Connection::Event Connection::RefusePeer() {
  ForgetErrors();
  const ClientPeer& peer = impl_->client;
  long result = SSL_get_verify_result(impl_->ssl.get());
  facts_.fault = peer.dane ? peer.verdict.fault : FaultOf(result);
  failure_ = "certificate verify failed: ";
  failure_ += peer.dane ? peer.verdict.words : X509_verify_cert_error_string(result);
  state_ = State::kFailed;
  return {EventKind::kFailed, {}};
}

void Connection::SetFacts() {
  const SSL* ssl = impl_->ssl.get();
  facts_.version = SSL_get_version(ssl);
  facts_.cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl));
  facts_.resumed = SSL_session_reused(ssl) == 1;
  facts_.challenge = application_protocol() == kAcmeProtocol;
  const ClientPeer& peer = impl_->client;
  if (peer.context == nullptr) return;
  facts_.fault = peer.dane ? peer.verdict.fault : FaultOf(SSL_get_verify_result(ssl));
  if (facts_.fault == PeerFault::kNone)
    facts_.proof = peer.dane ? peer.verdict.proof : PeerProof::kPkix;
  facts_.verified = facts_.proof != PeerProof::kNone;
}

std::string_view Connection::requested_name() const {
  const char* name = SSL_get_servername(impl_->ssl.get(), TLSEXT_NAMETYPE_host_name);
  return name ? name : "";
}

std::string_view Connection::application_protocol() const {
  const uint8_t* name = nullptr;
  unsigned bytes = 0;
  SSL_get0_alpn_selected(impl_->ssl.get(), &name, &bytes);
  return {reinterpret_cast<const char*>(name), bytes};
}

// --- Out

void Connection::Seal(std::string_view bytes) {
  if (bytes.empty()) return;
  int count = static_cast<int>(bytes.size());
  RP_CHECK(SSL_write(impl_->ssl.get(), bytes.data(), count) == count);
}

// A part that is a record or more is sealed where it lies; what is shorter is put together first: a
// record of its own for each line of a body would cost more than this copy.
void Connection::Write(std::span<const Slice> parts) {
  RP_CHECK(state_ != State::kHandshake && !(elsewhere_ && elsewhere_->sends));
  if (!established() || ended_) return;
  thread_local char gathered[SSL3_RT_MAX_PLAIN_LENGTH];
  size_t held = 0, most = 0;
  for (const Slice& part : parts) {
    std::string_view rest = part.view();
    while (!rest.empty()) {
      if (held == 0 && rest.size() >= sizeof gathered) {
        Seal(rest.substr(0, sizeof gathered));
        rest.remove_prefix(sizeof gathered);
        continue;
      }
      size_t count = std::min(rest.size(), sizeof gathered - held);
      std::memcpy(gathered + held, rest.data(), count);
      held += count;
      most = std::max(most, held);
      rest.remove_prefix(count);
      if (held == sizeof gathered) Seal({gathered, std::exchange(held, 0)});
    }
  }
  Seal({gathered, held});
  OPENSSL_cleanse(gathered, most);
}

void Connection::WriteEnd() {
  if (!established() || std::exchange(ended_, true)) return;
  if (elsewhere_ && elsewhere_->sends) return;
  SSL_shutdown(impl_->ssl.get());
  ForgetErrors();
}

}  // namespace ringpost::tls
