// ClientSession: the client's side of one SMTP connection to a next hop, sans-IO.
//
// Fed the bytes of replies, it yields events; commands gather in output(). It pipelines where the
// server offers PIPELINING and uses BDAT where it offers CHUNKING, SIZE, 8BITMIME, SMTPUTF8, DSN
// and LIMITS where they are offered and needed.
//
//   while (true) {
//     switch (session.Step(&input)) {
//       case kNeedInput: flush output(); return;             // input is empty now
//       case kStartTls:  do the handshake; session.Secured(); flush output(); return;
//       case kReady:     session.Begin(mail) or Quit(); break;
//       case kSendBody:  flush output(); BodyPiece for each piece; BodyEnd; write the chain; break;
//       case kDone:      take outcome(); break;              // kReady or kFailed follows
//       case kFailed:    take outcome(); flush output(); close; return;
//     }
//   }
//
// One transaction: Begin(mail) when ready(); per-recipient replies are gathered; when the server
// may have the body the session yields kSendBody and the driver writes, in order, what BodyPiece
// makes of the message's pieces, then what BodyEnd gives. kDone: outcome() has a Reply per
// recipient. The strings of a reply are made printable and cut; a 552 that means "too many
// recipients" comes as 452 (RFC 5321 section 4.5.3.1.10).
//
// Pipelining (RFC 2920). MAIL, the RCPTs and DATA go out as one group, as far as
// limits::kPipelineCommandsMax and kPipelineBytesMax allow; beyond, commands follow as replies
// come. The driver must go on reading while it writes: with that no server, even one that answers
// before it reads on, can come to a dead-lock. Where DATA was accepted although no recipient was, a
// lone dot ends it and its reply is ignored.
//
// DATA or BDAT. Under PIPELINING both cost two round trips, the envelope and the body: 354 comes
// with the replies to RCPT, and BDAT must wait for them, since a server that refuses BDAT and does
// not read its octets (they do exist) would take the body for commands. So DATA is the default, and
// BDAT is used where it gains something: for BODY=BINARYMIME, which needs it; without PIPELINING,
// where it saves the round trip of 354; and from limits::kBdatBytesMin on, where neither side has
// dots to look for and the server can read an exact count straight into its store. The whole body
// is one BDAT LAST, framed by OutgoingMail::size, so a body that breaks off can never be taken for
// whole.
//
// Nothing that was settled is lost when a connection fails: outcome() keeps refusals that were
// said, and in_doubt tells of a final reply that never came. A 421 is the reply to the command it
// answers, and ends the session. After Quit the reply (221) comes as kFailed.
//
// What the server lacks is decided before MAIL is sent: see mail/downgrade.h and Capabilities. As a
// last line of defence the session itself answers, without a word to the server, a transaction or
// recipient that cannot be sent: too large for SIZE (552 5.3.4), UTF-8 without SMTPUTF8
// (553 5.6.7), an address that would break the command line (553 5.1.3, 5.1.7), more recipients or
// domains than LIMITS allows (452 4.5.3).
//
// STARTTLS (RFC 3207), where it is wanted: said after EHLO where the server offers it. After its
// 220 comes kStartTls; what the server said before is forgotten, and EHLO is said again. Replies
// that come with the 220 end the session: who put them there may not be the server
// (CVE-2021-38371), and injected tells it from other failures. A server that offers it and then
// refuses it, or does not offer it, is spoken to in clear, unless it is required: kFailed then.
//
// AUTH (RFC 4954), where there are credentials: PLAIN or LOGIN, said once after the EHLO under TLS,
// and only where the driver says that the certificate is the next hop's. Without that, without the
// offer, or where it is refused: kFailed, and no transaction. auth_refused tells of the last.
//
// A reply that breaks the grammar, a line past the limits or bytes nobody asked for: kFailed.
// Threads: none of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/slice.h"
#include "gateway/smtp/auth.h"
#include "gateway/smtp/envelope.h"
#include "gateway/smtp/reply.h"

namespace ringpost::smtp {

// What EHLO's reply offered.
struct Capabilities {
  bool esmtp = false;  // EHLO was understood
  bool pipelining = false;
  bool chunking = false;
  bool binarymime = false;
  bool eight_bit_mime = false;
  bool smtputf8 = false;
  bool dsn = false;
  bool enhanced_status_codes = false;
  bool starttls = false;
  bool require_tls = false;  // REQUIRETLS (RFC 8689)
  bool auth_plain = false;   // AUTH (RFC 4954): its mechanisms that are known here
  bool auth_login = false;
  bool size = false;
  uint64_t size_max = 0;  // 0: no limit said
  uint32_t mail_max = 0;  // LIMITS (RFC 9422); 0: none
  uint32_t recipients_max = 0;
  uint32_t recipient_domains_max = 0;
};

// A transaction to carry out. The strings it points to live until kDone or kFailed.
struct OutgoingMail {
  std::string_view reverse_path;
  std::vector<const Recipient*> recipients;  // at least one; in the order of outcome().recipients
  std::string_view envid;
  DsnReturn ret = DsnReturn::kUnspecified;
  BodyType body = BodyType::k7Bit;
  bool smtputf8 = false;
  // To be said, and sent to nobody who does not offer it (RFC 8689 section 4.2).
  bool require_tls = false;
  // Exactly the bytes that will be passed to BodyPiece, trace header included: BDAT is framed by
  // it.
  uint64_t size = 0;
};

class ClientSession {
 public:
  enum class EventKind : uint8_t {
    kNeedInput,
    kStartTls,  // do the handshake now; Step comes again after Secured
    kReady,     // greeting and EHLO are done, or RSET: Begin may be called
    kSendBody,  // write the body now: BodyPiece for each piece, then BodyEnd
    kDone,  // the transaction is over; outcome() is whole. kReady follows where the server goes on
    kFailed,  // the connection is of no use: failure() says why; outcome() holds what was settled
  };
  struct Outcome {
    // One per recipient: the final word on it (2xx delivered, 4xx, 5xx), or code 0 where the
    // connection failed before the server said anything of it.
    std::vector<Reply> recipients;
    // The server had all of the data and no reply came: a second try may deliver it twice.
    bool in_doubt = false;
  };

  // `helo` is our name.
  explicit ClientSession(std::string helo);
  ~ClientSession();

  enum class StartTls : uint8_t { kNever, kWhereOffered, kRequired };
  // Before the first Step; kNever where it is not called.
  void UseStartTls(StartTls mode);
  // Before the first Step; null: AUTH is not said.
  void UseAuth(std::shared_ptr<const Credentials> credentials);
  // The connection is under TLS from now on: before the first Step (implicit TLS), or after
  // kStartTls. `verified`: the certificate proves that the peer is the next hop.
  void Secured(bool verified);

  EventKind Step(std::string_view* input);
  // Tells it that no more replies will come (end of stream, time-out): what is open becomes
  // kFailed. A time-out under BodyEnd's reply, or an end of stream there, leaves the outcome in
  // doubt.
  void End(std::string_view why);

  uint32_t replies() const;  // whole replies that have come so far
  bool ready() const;
  void Begin(const OutgoingMail& mail);
  // Appends to `out` the wire form of the next piece of the message: dot-stuffed by slicing (DATA),
  // or, after a BDAT command, the piece itself (CHUNKING). Pieces may end anywhere. See body_error.
  // A byte may be held back until the next call, so a short piece may append nothing yet.
  void BodyPiece(const Slice& piece, SliceChain* out);
  // "\r\n.\r\n" or ".\r\n"; under BDAT the last byte of the message.
  void BodyEnd(SliceChain* out);
  // To be looked at after BodyPiece and BodyEnd. True where the body cannot be finished: it has a
  // bare CR or LF (never written; the recipients that were accepted get a 554 5.6.0 of ours), or
  // its size is not the one that was said. The driver drops the connection: what was written is no
  // whole message, so the server discards it. Step yields kFailed.
  bool body_error() const;
  // Appends QUIT. Not while a transaction is open.
  void Quit();

  const Capabilities& capabilities() const;
  Outcome& outcome();
  // kFailed came because replies were put behind the 220 to STARTTLS: a handshake that failed.
  bool injected() const;
  // kFailed came because the server refused the credentials (failure() has its reply).
  bool auth_refused() const;
  const Reply& failure() const;   // what the server said (421, 554...) or, with code 0, our words
  uint32_t transactions() const;  // finished on this connection (kDone)
  // How long the driver may wait for the next reply now, in seconds (RFC 5321 section 4.5.3.2).
  uint32_t timeout_seconds() const;
  // What the session waits for, for logs: "greeting", "EHLO", "STARTTLS", "HELO", "AUTH", "MAIL",
  // "RCPT", "DATA", "body" (to be sent), "end of data", "RSET", "QUIT", or "nothing".
  std::string_view waiting_for() const;

  std::string& output();
  // The driver has sent output(): clears it, and wipes it where a secret was in it.
  void ClearOutput();
  // What is said to it has `***` in the place of a secret.
  void SetTrace(void (*trace)(void* context, bool from_client, std::string_view line),
                void* context);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::smtp
