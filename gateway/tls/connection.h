// Connection: one side of one TLS connection, over buffers: it is fed what the peer sent and gives
// out what is to be sent, and touches no socket (RFC 8446, RFC 5246; BoringSSL does both).
//
//   while (true) {
//     Connection::Event event = tls->Step(&input);  // consumes from the front of `input`
//     switch (event.kind) {
//       case kNeedInput:      ...send output(); return;  // input is empty now
//       case kHandshakeDone:  ...facts() says what was agreed; Write from now on; break;
//       case kData:           ...event.data is what the peer said; break;
//       case kEnd:            ...it will say no more (close_notify); break;
//       case kFailed:         ...send output() (an alert), close; failure() says why; return;
//     }
//   }
//
// A client is stepped once with no input, to say its hello. After kEnd and kFailed whatever comes
// is dropped unread, and the same event is all that comes back: nothing is taken in clear that came
// on a connection that was once secured.
//
// What floods it is ended by the library's bounds: 32 KeyUpdates, empty records or warning alerts
// without data between them, 16 KiB of a record, 64 KiB of a peer's chain.
//
// OpenInPlace, once the handshake is done, has what the peer says opened in the very buffers that
// it came in; kData is then slices of these, and Step is given the slices.
//
// Its records can also be made elsewhere (kernel_records.h), each direction by itself and at any
// time once the handshake is done. To receive elsewhere: consume whole records until
// BytesToBoundary is 0, take ReceiveKeys, say ReceiveElsewhere; what is then no data (alerts,
// tickets, KeyUpdate) comes back by TakeControl. To send elsewhere: FlushForSendKeys, let output()
// leave, take SendKeys, say SendElsewhere. A side that makes records elsewhere cannot change its
// keys: kKeyUpdate says that the peer has changed its own, or wants ours changed, and that the
// connection is near its end.
//
// Memory: an idle connection holds the library's session state and no buffer. Data that is not
// opened in place comes in slabs of its exact size, two for a full record, which are wiped.
//
// Threads: none of its own; the caller's, one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/dane_policy.h"
#include "gateway/base/slice.h"
#include "gateway/tls/client_context.h"
#include "gateway/tls/peer_proof.h"
#include "gateway/tls/record_cursor.h"
#include "gateway/tls/record_keys.h"
#include "gateway/tls/server_context.h"

namespace ringpost::tls {

class Connection {
 public:
  enum class EventKind : uint8_t { kNeedInput, kHandshakeDone, kData, kKeyUpdate, kEnd, kFailed };
  struct Event {
    EventKind kind = EventKind::kNeedInput;
    Slice data;
  };

  // What was agreed; literals of the library's.
  struct Facts {
    std::string_view version;  // "TLSv1.3"
    std::string_view cipher;   // the standard's name: "TLS_AES_128_GCM_SHA256"
    bool resumed = false;
    // Client: whether the server is who it should be, by what, and where it is not why. `fault` is
    // said after kFailed too, where that was what failed.
    bool verified = false;
    PeerProof proof = PeerProof::kNone;
    PeerFault fault = PeerFault::kNone;
    bool challenge = false;  // server: an ACME server looked at our answer (AlpnChallenges)
  };

  static constexpr uint8_t kAlertRecord = 21, kHandshakeRecord = 22;
  static constexpr uint8_t kCloseNotify = 0, kUnexpectedMessage = 10, kBadRecordMac = 20,
                           kDecodeError = 50, kInternalError = 80;

  // `http`: where the client offers "http/1.1" by ALPN (RFC 7301), that is agreed on. A client that
  // offers no ALPN, or only protocols that are none of ours, is answered without it and goes on:
  // SMTP has no name there.
  static std::unique_ptr<Connection> Accept(std::shared_ptr<const ServerContext> context,
                                            bool http = false);
  // `name` is asked for by SNI and must be in the certificate for it to count as verified; an
  // address is not asked for (RFC 6066 section 3).
  // `peer`: whose session may be resumed, and by whom the one that is agreed here, under this
  // context: the host, the port, and whatever else tells peers apart.
  static std::unique_ptr<Connection> Connect(std::shared_ptr<const ClientContext> context,
                                             const std::string& name, std::string peer);
  // The same, with the server held to `dane`, which has at least one record: whatever the context
  // asks for, a server that they do not prove fails the handshake, and no authority of the
  // context's counts. SNI asks for the base domain (RFC 7672 section 8.1), and TLS is 1.2 at least.
  // A session is resumed only under the same records, and the certificates that it has are held to
  // them anew.
  static std::unique_ptr<Connection> ConnectDane(std::shared_ptr<const ClientContext> context,
                                                 std::shared_ptr<const DanePolicy> dane,
                                                 const std::string& peer);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Event Step(std::string_view* input);
  // The same, and the only one after OpenInPlace, when the bytes are written over.
  Event Step(Slice* input);
  // After kHandshakeDone, between two Steps. True: it is so from here on, or it never can be (the
  // cipher is the library's alone). False: not here, within a record; ask again.
  bool OpenInPlace();
  // Whether a record that has not all come may keep the buffers that its beginning lies in. Not,
  // unless it is said: what is not a body is copied until it is whole.
  void KeepBuffers(bool keep) { keeps_buffers_ = keep; }

  // Seals `parts` as one run of bytes, in full records where there is enough. Only after
  // kHandshakeDone; after a failure or our own end it does nothing.
  void Write(std::span<const Slice> parts);
  // Our last word (close_notify). Nothing where the handshake is not done.
  void WriteEnd();
  // Sealed bytes to be sent; the caller takes them and clears it.
  SliceChain& output() { return output_; }

  bool established() const { return state_ == State::kOpen || state_ == State::kEnded; }
  // From kHandshakeDone on.
  const Facts& facts() const { return facts_; }
  // The name the client asked for (hostile), or none.
  std::string_view requested_name() const;
  // What was agreed on by ALPN, from kHandshakeDone on: "http/1.1", or empty.
  std::string_view application_protocol() const;
  // After kFailed: what went wrong, in words for a log.
  const std::string& failure() const { return failure_; }

  // --- Records made elsewhere; after kHandshakeDone.

  // To where another may go on to receive: the end of the record that is begun, or the next
  // record's header where the last was no data and may end within a message (RFC 8446 section 5.1).
  // Nothing: not known, and never will be.
  std::optional<size_t> BytesToBoundary() const;
  // Nothing: of a version or a cipher that only the library has.
  std::optional<RecordKeys> ReceiveKeys() const;
  std::optional<RecordKeys> SendKeys() const;
  // Lets the library say what it held back for its first write (session tickets).
  void FlushForSendKeys();
  void ReceiveElsewhere();
  void SendElsewhere();
  // A record of the peer's that is no data: its type (RFC 8446 section 5.1) and plaintext.
  Event TakeControl(uint8_t type, std::string_view bytes);
  // What an alert to the peer should say, where sends are made elsewhere; after kFailed.
  uint8_t alert() const { return alert_; }
  // The kernel has refused what was to be made there, or could not open a record.
  void FailElsewhere(std::string_view words, uint8_t alert);

 private:
  enum class State : uint8_t { kHandshake, kOpen, kEnded, kFailed };
  enum class KeyUpdate : uint8_t { kNone, kTheirs, kBoth };
  struct Impl;
  friend struct Impl;
  struct Elsewhere;

  Connection();
  Event Handshake();
  Event EndChallenge();
  Event RefusePeer();
  Event Read();
  Event Fail(int result);
  void Seal(std::string_view bytes);
  void SetFacts();
  Event StepInPlace(Slice* input);
  bool ChangeKeys(bool ours_too);
  Event TakeAlert(std::string_view bytes);
  Event TakeHandshakeBytes(std::string_view bytes);
  bool TakePostHandshake(std::string_view message, KeyUpdate* update);
  Event Broken(std::string_view words, uint8_t alert);

  std::unique_ptr<Impl> impl_;
  std::unique_ptr<Elsewhere> elsewhere_;  // where one of the directions is
  std::string_view* input_ = nullptr;     // while in Step
  SliceChain output_;
  Facts facts_;
  std::string failure_;
  RecordCursor cursor_;
  State state_ = State::kHandshake;
  uint8_t alert_ = 0;
  bool ended_ = false;  // our direction
  bool keeps_buffers_ = false;
  bool within_message_ = false;  // perhaps: the last record was no data
};

}  // namespace ringpost::tls
