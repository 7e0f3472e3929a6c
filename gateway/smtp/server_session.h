// ServerSession: the server's side of one SMTP connection, sans-IO (RFC 5321 and its extensions).
//
// It is fed bytes and yields events; what it says gathers in output(), which the driver sends. It touches no
// socket, clock or store. Questions go out as events (may this sender? this recipient? is the message
// safe?); while one is open the driver must not call Step, and answers with Accept, Refuse or Queued. So
// replies stay in order under PIPELINING.
//
//   while (true) {
//     ServerSession::Event event = session.Step(input);      // consumes from the front of `input`
//     switch (event.kind) {
//       case kNeedInput:  return;                            // input is empty now
//       case kMail:       session.Accept(); break;           // or Refuse(reply); may be answered later
//       case kRecipient:  ...
//       case kData:       session.Accept(); break;           // 354 (or, for BDAT, silence) or a refusal
//       case kBody:       chain.Append(slice.Share(event.body)); break;
//       case kEndOfData:  commit; later: session.Queued(std::move(durable), "...") or Refuse(reply)
//       case kReset:      drop what was gathered of the message; break;
//       case kClose:      flush output, close; return;
//     }
//   }
//
// Body bytes are un-stuffed by slicing: event.body points into `input`, or to a literal (the CRLF that
// replaces a bare LF on listeners that normalise it). End of data is CRLF.CRLF and nothing else
// (VU#302671). A body that must be refused is read to its end first, so the connection can be kept.
//
// Memory: about 200 bytes when idle; a transaction and a partial line exist on the heap while needed.
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

namespace ringpost::smtp {

// What a listener allows; shared by its sessions, which keep the one they began with.
struct ServerOptions {
  std::string hostname;                // in the greeting, EHLO and Received
  bool strict = false;                 // RFC 5321's grammar to the letter
  bool normalise_bare_newlines = false;  // bare LF or CR become CRLF; off: 550 5.6.11 after the data
  bool chunking = true;
  bool smtputf8 = true;
  bool dsn = true;
  bool xclient = false;                // for this peer (it is on the list)
  uint64_t message_bytes_max = limits::kMessageBytesMaxDefault;
  uint32_t recipients_max = limits::kRecipientsMaxDefault;
  uint32_t mails_max = 0;              // LIMITS MAILMAX; 0: no limit
};

class ServerSession {
 public:
  enum class EventKind : uint8_t {
    kNeedInput,
    kMail,        // question: the envelope's reverse-path and parameters are in envelope()
    kRecipient,   // question: recipient() is the candidate; Accept appends it to envelope()
    kData,        // question: DATA, or the first BDAT
    kBody,        // a piece of the body
    kEndOfData,   // question: all of the body has come
    kReset,       // the transaction is over without a message: RSET, EHLO, refusal after data began
    kXclient,     // the client was named anew: see xclient()
    kClose,       // send output(), then close
  };
  struct Event {
    EventKind kind;
    std::string_view body;
  };
  // What XCLIENT said (Postfix XCLIENT_README); empty: not said or [UNAVAILABLE].
  struct Xclient {
    std::string address, port, name, helo, login, protocol;
  };

  // `options` outlives the session.
  explicit ServerSession(const ServerOptions* options);
  ~ServerSession();

  // Says 220, or refuses the connection with `refusal` (554, 421) and yields kClose at the next Step.
  void Greet();
  void GreetWithRefusal(const Reply& refusal);

  // Consumes from the front of `*input` and returns the first event; kNeedInput only when it is empty or a
  // question is open. `*input` stays alive until the next Step.
  Event Step(std::string_view* input);

  // The bytes came before the greeting was sent: 554 5.5.1, then kClose.
  void EarlyTalker();
  // A time-out, a rate that is too low or a shutdown: appends the 421 and makes the next Step yield kClose.
  void End(const Reply& reply);

  // Answers to the open question.
  void Accept();
  void Refuse(const Reply& reply);              // a 421 ends the session
  void Queued(Durable durable, std::string_view words);  // 250 2.0.0 words
  bool question_open() const;

  // The transaction so far. After kEndOfData it may be moved from.
  Envelope& envelope();
  const Recipient& recipient() const;
  uint64_t body_bytes() const;
  // True where a body line was longer than 1000 bytes, or a byte had its eighth bit set.
  bool saw_long_line() const;
  bool saw_8bit() const;
  bool in_transaction() const;
  bool receiving_body() const;
  uint32_t messages_queued() const;

  std::string_view helo() const;
  bool esmtp() const;  // EHLO was used
  const Xclient& xclient() const;
  // RFC 3848 and 6531 keyword for Received: SMTP, ESMTP, UTF8SMTP...
  std::string_view protocol() const;

  // What to send; the driver takes it and leaves it empty.
  std::string& output();
  // Commands and replies as they pass, for `ringpost trace`; null: not traced.
  void SetTrace(void (*trace)(void* context, bool from_client, std::string_view line), void* context);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::smtp
