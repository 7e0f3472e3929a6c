// ClientSession: the client's side of one SMTP connection to a next hop, sans-IO.
//
// Fed the bytes of replies, it yields events; commands gather in output(). It pipelines where the server
// offers PIPELINING and uses BDAT where it offers CHUNKING, SIZE, 8BITMIME, SMTPUTF8, DSN and LIMITS where
// they are offered and needed.
//
// One transaction: Begin(mail) when ready(); per-recipient replies are gathered; when the server may have
// the body the session yields kSendBody and the driver writes, in order, what BodyPiece makes of the
// message's pieces, then what BodyEnd gives. kDone: outcome() has a Reply per recipient.
//
// What the server lacks is decided before MAIL is sent: see mail/downgrade.h and Capabilities.
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
  bool size = false;
  uint64_t size_max = 0;         // 0: no limit said
  uint32_t mail_max = 0;         // LIMITS (RFC 9422); 0: none
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
  uint64_t size = 0;  // of all that will be passed to BodyPiece, trace header included
};

class ClientSession {
 public:
  enum class EventKind : uint8_t {
    kNeedInput,
    kReady,     // greeting and EHLO are done, or RSET: Begin may be called
    kSendBody,  // write the body now: BodyPiece for each piece, then BodyEnd
    kDone,      // the transaction is over; outcome() is whole. kReady follows where the server goes on
    kFailed,    // the connection is of no use: failure() says why; outcome() holds what was settled
  };
  struct Outcome {
    // One per recipient: the final word on it (2xx delivered, 4xx, 5xx), or code 0 where the connection
    // failed before the server said anything of it.
    std::vector<Reply> recipients;
    // The server had all of the data and no reply came: a second try may deliver it twice.
    bool in_doubt = false;
  };

  // `helo` is our name.
  explicit ClientSession(std::string helo);
  ~ClientSession();

  EventKind Step(std::string_view* input);
  // Tells it that no more replies will come (end of stream, time-out): what is open becomes kFailed.
  void End(std::string_view why);

  bool ready() const;
  void Begin(const OutgoingMail& mail);
  // Appends to `out` the wire form of the next piece of the message: dot-stuffed by slicing (DATA), or a
  // BDAT command and the piece (CHUNKING). Never emits a bare CR or LF: see body_error.
  void BodyPiece(Slice piece, SliceChain* out);
  // "\r\n.\r\n" or ".\r\n", or BDAT 0 LAST.
  void BodyEnd(SliceChain* out);
  void Quit();

  const Capabilities& capabilities() const;
  Outcome& outcome();
  const Reply& failure() const;    // what the server said (421, 554...) or, with code 0, our words
  uint32_t transactions() const;   // finished on this connection
  // How long the driver may wait for the next reply now, in seconds (RFC 5321 section 4.5.3.2).
  uint32_t timeout_seconds() const;
  // What the session waits for, for logs: "greeting", "EHLO", "MAIL", "RCPT", "DATA", "end of data", "RSET".
  std::string_view waiting_for() const;

  std::string& output();
  void SetTrace(void (*trace)(void* context, bool from_client, std::string_view line), void* context);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::smtp
