// ServerSession: the server's side of one SMTP connection, sans-IO (RFC 5321 and its extensions).
//
// It is fed bytes and yields events; what it says gathers in output(), which the driver sends. It
// touches no socket, clock or store. Questions go out as events (may this sender? this recipient?
// is the message safe?); while one is open the driver must not call Step, and answers with Accept,
// Refuse or Queued. So replies stay in order under PIPELINING.
//
//   while (true) {
//     ServerSession::Event event = session.Step(&input);  // consumes from the front of `input`
//     switch (event.kind) {
//       case kNeedInput:  return;                         // input is empty now
//       case kMail:       session.Accept(); break;        // or Refuse(reply); now or later
//       case kRecipient:  session.Accept(); break;
//       case kData:       session.Accept(); break;        // 354 (BDAT: silence), or a refusal
//       case kBody:       chain.Append(slice.Share(event.body)); break;
//       case kEndOfData:  ...commit; then session.Queued(std::move(durable), "queued as ...")
//       case kReset:      ...drop what was gathered of the message; break;
//       case kXclient:    ...the client is somebody else now; break;
//       case kAuthSalt:   session.Challenge(...); break;  // of login().name(); or Refuse(reply)
//       case kAuthPassword:  ...is login().password() login().name()'s? Accept, or Refuse(reply)
//       case kAuthProof:  ...AcceptProof(signature), or Refuse(reply)
//       case kStartTls:   ...flush output, do the handshake; then session.Secured(); return;
//       case kClose:      ...flush output, close; return;
//     }
//   }
//
// Body bytes are un-stuffed by slicing: event.body points into `input`, or to a literal (the half
// of a CRLF that a bare newline lacked, on listeners that normalise). Pieces are as long as they
// can be, but a body of short dot-stuffed lines or small segments makes short pieces: the driver
// bounds how many it keeps apart. End of data is CRLF.CRLF and nothing else (VU#302671). A body
// that must be refused is read to its end first, so the connection can be kept: kReset comes as
// soon as that is known, so that what was gathered can go; then no kBody follows, and the refusal
// is said at the end.
//
// Synchronisation (RFC 2920): EHLO, HELO and DATA must be the last of a group. Where more bytes are
// there already the client did not wait: 554 5.5.0 and kClose (Postfix:
// smtpd_forbid_unauth_pipelining). Only bytes in the same `input` can show it; what they are is
// never looked at.
//
// STARTTLS (RFC 3207): after its 220 comes kStartTls, and the session reads nothing more in clear:
// the driver secures the connection, calls Secured, and the session has forgotten all it was told.
// More bytes in the same `input` end it, as above; those that come later are the handshake's, which
// they fail. Under TLS that was there from the start Secured comes before Greet.
//
// AUTH (RFC 4954; sasl_server.h): once in a session, not within a transaction, the last of a group
// as above, its responses too. What a client must not learn is the driver's to keep: a name that
// nobody has is answered as a wrong password is, after the same work, with the same
// WrongCredentials(). Password hashing is a worker's. login() lives until the question is answered,
// or End ended it: who hashes elsewhere takes a copy, and wipes it. STARTTLS and XCLIENT make the
// session forget who it is.
//
// Counting: Counter::kCommands. Body bytes, messages and refusals are the driver's to count.
//
// Memory: one heap block of about 200 bytes when idle (and the client's name, where it is longer
// than 15 bytes); a transaction and a partial line exist on the heap while needed. output() keeps
// its capacity within a burst of commands: the driver takes the string, or releases it when the
// session goes idle.
//
// Threads: none of its own; the caller's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/durable.h"
#include "gateway/base/ip_address.h"
#include "gateway/base/limits.h"
#include "gateway/smtp/envelope.h"
#include "gateway/smtp/reply.h"
#include "gateway/smtp/sasl_server.h"

namespace ringpost::smtp {

// Whether STARTTLS is offered, and whether mail is taken without it.
enum class StartTls : uint8_t { kNotOffered, kOffered, kRequired };

// Whether AUTH is offered, and to whom.
enum class Auth : uint8_t { kNotOffered, kUnderTls, kAlsoInClear };

// What a listener allows; shared by its sessions, which keep the one they began with.
struct ServerOptions {
  std::string hostname;                  // in the greeting, EHLO and Received
  bool strict = false;                   // RFC 5321's grammar to the letter
  bool normalise_bare_newlines = false;  // bare LF or CR become CRLF; off: 550 5.6.0 after the data
  bool chunking = true;
  bool smtputf8 = true;
  bool dsn = true;
  bool xclient = false;  // for this peer (it is on the list)
  // MAIL FROM:<root> is a question too, and the driver's to qualify or refuse; off: 501 5.1.7.
  bool unqualified_senders = false;
  // Required: before it all but EHLO, HELO, NOOP, RSET, HELP and QUIT is answered 530 5.7.0.
  StartTls starttls = StartTls::kNotOffered;
  Auth auth = Auth::kNotOffered;
  // Which mechanisms, where it is offered. In clear, PLAIN and LOGIN can be read on the way.
  bool auth_plain = true;
  bool auth_login = true;
  bool auth_scram_sha256 = true;
  // No mail from this peer before it has authenticated: 530 5.7.0.
  bool auth_required = false;
  uint64_t message_bytes_max = limits::kMessageBytesMaxDefault;
  uint32_t recipients_max = limits::kRecipientsMaxDefault;
  uint32_t mails_max = 0;  // LIMITS MAILMAX; 0: no limit
};

class ServerSession {
 public:
  enum class EventKind : uint8_t {
    kNeedInput,
    kMail,       // question: the envelope's reverse-path and parameters are in envelope()
    kRecipient,  // question: recipient() is the candidate; Accept appends it to envelope()
    kData,       // question: DATA, or the first BDAT
    kBody,       // a piece of the body
    kEndOfData,  // question: all of the body has come
    kReset,  // the transaction is over without a message, by RSET, EHLO, or because its body can't
             // be taken. Not after the driver's own Refuse, and not before kClose
    kXclient,   // the client was named anew: see xclient(). The session starts over; 220 follows at
                // the next Step, unless the driver calls GreetWithRefusal or End now
    kAuthSalt,  // question: SCRAM wants the salt of login().name()
    kAuthPassword,  // question: is login().password() that of login().name()?
    kAuthProof,     // question: does login().proof() prove login().auth_message()?
    kStartTls,      // send output(), then the handshake; Step comes again after Secured
    kClose,         // send output(), then close
  };
  struct Event {
    EventKind kind;
    // kBody: the piece. kReset: why the body can't be taken, as the reply that is said at its end
    // ("550 5.6.0 ...", a literal, for logs); empty where the client ended the transaction.
    std::string_view body;
  };
  // What XCLIENT said (Postfix XCLIENT_README), decoded; empty: not said or [UNAVAILABLE].
  // `address` is one that IpAddress::Parse takes, "::" where it is [UNAVAILABLE]; `port` a number,
  // `protocol` SMTP or ESMTP; the others are visible ASCII.
  struct Xclient {
    std::string address, port, name, helo, login, protocol;
  };

  // `options` outlives the session.
  explicit ServerSession(const ServerOptions* options);
  ~ServerSession();
  ServerSession(ServerSession&&) noexcept;
  ServerSession& operator=(ServerSession&&) noexcept;

  // Says 220, or refuses the connection with `refusal` (554, 421) and yields kClose at the next
  // Step. One of these, or EarlyTalker or End, comes before the first Step.
  void Greet();
  void GreetWithRefusal(const Reply& refusal);

  // Consumes from the front of `*input` and returns the first event; kNeedInput only when it is
  // empty or a question is open. `*input` stays alive until the next Step. After kClose, what comes
  // is dropped and kClose is all that comes back.
  Event Step(std::string_view* input);

  // The connection is under TLS from now on: before Greet, or after kStartTls.
  void Secured();

  // The bytes came before the greeting was sent: 554 5.5.1, then kClose.
  void EarlyTalker();
  // A time-out, a rate that is too low or a shutdown: appends the 421 and makes the next Step yield
  // kClose. A question that is open then is open no more, and must not be answered.
  void End(const Reply& reply);

  // Answers to the open question. kMail, kRecipient, kData: Accept or Refuse; kEndOfData: Queued or
  // Refuse. Refuse drops the transaction, except at kRecipient, where only the candidate goes. A
  // 421 ends the session. The payload of a BDAT refused at kData is read and dropped before the
  // reply is said. Where it was the last of too many errors, 421 4.7.0 is said instead.
  void Accept();
  void Refuse(const Reply& reply);
  void Queued(Durable durable, std::string_view words);  // 250 2.0.0 words
  // kAuthSalt: Challenge or Refuse; kAuthPassword: Accept or Refuse; kAuthProof: AcceptProof or
  // Refuse. Refuse with WrongCredentials(), or 454 4.7.0 where it is our trouble or too soon. What
  // they take is as SaslServer's functions of that name take it.
  void Challenge(std::string_view salt, uint32_t iterations, std::string_view nonce);
  void AcceptProof(std::string_view server_signature);
  const SaslServer& login() const;  // while one of these is open
  bool question_open() const;

  // The transaction so far; from kMail until it is over (an answer that drops it, Queued, kReset).
  // After kEndOfData it may be moved from.
  Envelope& envelope();
  const Recipient& recipient() const;  // while kRecipient is open
  // Of the body so far: the bytes of all kBody events.
  uint64_t body_bytes() const;
  // True where a body line was longer than 1000 bytes (CRLF included), or a byte had its eighth bit
  // set.
  bool saw_long_line() const;
  bool saw_8bit() const;
  bool in_transaction() const;
  bool receiving_body() const;
  bool quit() const;  // the client said QUIT, and no other reason ended the session

  // AUTH has succeeded: of SCRAM only when the client has taken our signature, after AcceptProof.
  bool authenticated() const;

  std::string_view helo() const;  // as the client (or XCLIENT) gave it; hostile; may be empty
  const Xclient& xclient() const;
  // RFC 3848 and 6531 keyword for Received: SMTP, ESMTP, UTF8SMTP; with S under TLS, A behind AUTH.
  std::string_view protocol() const;

  // What to send; the driver takes it and leaves it empty. Whole reply lines only.
  std::string& output();
  // Commands and replies as they pass, without CRLF, for `ringpost trace`; null: not traced. Lines
  // of the client are as it sent them: hostile, up to kCommandLineBytesMax. Message text is not
  // shown.
  void SetTrace(void (*trace)(void* context, bool from_client, std::string_view line),
                void* context);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::smtp
