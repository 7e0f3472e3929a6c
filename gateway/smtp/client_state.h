// The inside of ClientSession, shared by the files that implement it; see client_session.h.
//
// client_session.cc: the public face. client_transaction.cc: which commands go out, and when.
// client_replies.cc: what each reply means. client_auth.cc: AUTH.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/smtp/client_session.h"
#include "gateway/smtp/dot_stuffer.h"
#include "gateway/smtp/reply_parser.h"

namespace ringpost::smtp {

// What the session waits for.
enum class ClientPhase : uint8_t {
  kGreeting,
  kEhlo,
  kStartTls,     // said
  kHandshaking,  // the driver's turn
  kHelo,
  kAuth,
  kIdle,      // ready
  kCommands,  // MAIL, RCPT, DATA
  kBody,      // the driver writes the body
  kFinal,     // all of the body is out
  kCancel,    // a lone dot is out, for DATA without recipients
  kReset,
  kSettled,  // the transaction is over; kReady comes next
  kQuit,
  kFailed,
};

// What AUTH says next: PLAIN's message, LOGIN's two, or nothing: the verdict is the server's turn.
enum class AuthStep : uint8_t { kPlain, kUser, kSecret, kVerdict, kCancelled };

struct ClientSession::State {
  explicit State(std::string name) : helo(std::move(name)) {}

  // A whole reply is in parser; `input` is what came after it.
  EventKind OnReply(std::string_view* input);
  EventKind OnGreeting(bool more_input);
  EventKind OnEhlo(bool more_input);
  EventKind OnStartTls(bool more_input);
  EventKind OnHelo(bool more_input);
  EventKind OnAuth(bool more_input);
  EventKind OnCommandReply(bool more_input);
  EventKind OnMailReply();
  EventKind OnRcptReply();
  EventKind OnDataReply(bool more_input);
  EventKind OnEarlyReply();
  EventKind OnFinalReply();
  EventKind Settled(bool more_input);

  EventKind Introduced(bool more_input);
  void SayAuth();
  void AnswerChallenge();
  void SecretCommand(std::string_view line, std::string_view shown);

  // Leaves out the recipients that cannot be sent, each with a reply of ours.
  void ChooseRecipients();
  void Settle(uint32_t recipient, const Reply& reply);
  void SettleOpen(const Reply& reply);
  void SettleAccepted(const Reply& reply);
  // Appends the next command, if there is one that may go now.
  bool NextCommand();
  // Appends as many as the window has room for.
  void SendCommands();
  EventKind AfterCommands();
  EventKind Finish(bool reset);
  // The connection is of no use: in our words, or in the server's.
  EventKind Fail(std::string_view why);
  EventKind FailWith(const Reply& reply);
  void Command(std::string_view line);
  void TraceFrom(size_t at);
  bool WantsBdat() const;
  // Passes a piece on, checked: a bare CR or LF ends the session, with a final word on the message.
  void Write(const Slice& piece, SliceChain* out);
  void RefuseBody();

  const Reply& said() { return parser.reply(); }
  uint32_t commands() const { return static_cast<uint32_t>(order.size()) + 1; }  // without DATA

  ClientPhase phase = ClientPhase::kGreeting;
  EventKind pending = EventKind::kNeedInput;  // found without input; yielded by the next Step
  StartTls starttls = StartTls::kNever;
  AuthMechanism mechanism = AuthMechanism::kNone;
  AuthStep auth_step = AuthStep::kVerdict;
  bool secured = false;
  bool verified = false;
  bool injected = false;
  bool authenticated = false;
  bool auth_refused = false;
  bool secret_in_output = false;
  bool mail_accepted = false;
  bool mail_refused = false;
  bool data_sent = false;
  bool bdat = false;
  bool bdat_begun = false;
  bool body_error = false;

  // The commands of a transaction are numbered: 0 is MAIL, i is RCPT for order[i - 1], then DATA.
  uint32_t sent = 0;
  uint32_t answered = 0;
  uint32_t window = 0;  // commands open after the last time some were sent
  uint32_t accepted_count = 0;
  std::vector<uint32_t> order;    // recipients that are sent, as indexes
  std::vector<uint8_t> accepted;  // by recipient
  OutgoingMail mail;
  Outcome outcome;
  DotStuffer stuffer;
  uint64_t body_bytes = 0;
  Slice last_byte;  // under BDAT, held back until BodyEnd

  std::string helo;
  std::shared_ptr<const Credentials> credentials;
  Capabilities capabilities;
  ReplyParser parser;
  Reply failure;
  uint32_t replies = 0;  // whole ones, of the connection
  uint32_t transactions = 0;
  uint32_t mails_sent = 0;
  std::string output;
  void (*trace)(void* context, bool from_client, std::string_view line) = nullptr;
  void* trace_context = nullptr;
};

}  // namespace ringpost::smtp
