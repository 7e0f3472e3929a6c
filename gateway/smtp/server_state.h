// The inside of ServerSession. Private to gateway/smtp: server_session.cc (the outside, the body),
// server_commands.cc (the commands), server_auth.cc (AUTH).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gateway/smtp/command.h"
#include "gateway/smtp/data_stream.h"
#include "gateway/smtp/sasl_server.h"
#include "gateway/smtp/server_session.h"

namespace ringpost::smtp {

// A transaction: exists from MAIL to its end.
struct Transaction {
  Envelope envelope;
  Recipient candidate;      // the RCPT that kRecipient asks about
  uint32_t rcpt_asked = 0;  // RCPT commands that became questions; RCPTMAX counts refused ones too
  bool body_begun = false;  // DATA or BDAT was accepted
  bool doomed = false;      // the body can't be taken; the driver has been told (kReset)
  uint64_t body_bytes = 0;  // content so far, doomed or not
  DataStream stream{true, false};
};

struct ServerSession::State {
  enum class Phase : uint8_t { kCommand, kData, kChunk, kStartingTls, kAuth, kClosing };
  enum class Question : uint8_t {
    kNone,
    kMail,
    kRecipient,
    kData,
    kEndOfData,
    kAuthSalt,
    kAuthPassword,
    kAuthProof
  };
  // What the functions below return where there is nothing to tell: the loop in Step goes on.
  static constexpr EventKind kNothing = EventKind::kNeedInput;

  explicit State(const ServerOptions* server_options) : options(server_options) {}
  ~State() { DropPartial(); }

  // server_session.cc
  Event Step(std::string_view* input);
  EventKind ReadCommand(std::string_view* input);
  bool TakeLine(std::string_view* input, std::string_view* line);
  void KeepPartial(std::string_view bytes);
  void DropPartial();
  Event ReadData(std::string_view* input);
  Event ReadChunk(std::string_view* input);
  Event Content(std::string_view piece);
  Event EndOfChunk();
  Event EndOfBody();
  std::string_view Doom() const;
  void Say(std::string_view lines);
  void SayReply(const Reply& reply);
  void TraceInput(std::string_view line) const;
  void TraceOutput(size_t from) const;
  void Greet();
  void Close(std::string_view lines);
  void CloseWith(const Reply& reply);
  void Error(std::string_view lines);
  bool TooManyErrors();
  bool TooMuchJunk();

  // server_commands.cc. `more`: further bytes are there already behind the command.
  EventKind HandleLine(std::string_view line, bool more);
  EventKind HandleHelo(std::string_view argument, bool extended, bool more);
  void SayExtensions();
  EventKind HandleMail(std::string_view argument, bool has_8bit);
  EventKind HandleRcpt(std::string_view argument, bool has_8bit);
  EventKind HandleData(std::string_view argument, bool more);
  EventKind HandleBdat(std::string_view argument);
  EventKind HandleReset(std::string_view argument);
  EventKind HandleVrfy(std::string_view argument);
  EventKind HandleXclient(std::string_view argument);
  EventKind HandleStartTls(std::string_view argument, bool more);
  bool TlsMissing() const { return options->starttls == StartTls::kRequired && !secured; }

  // server_auth.cc
  EventKind HandleAuth(std::string_view argument, bool more);
  EventKind HandleResponse(std::string_view line, bool more);
  EventKind OnSasl(SaslServer::Step step);
  void FailAuth(std::string_view lines);
  void EndAuth();
  void SayMechanisms();
  bool AuthTaken() const;
  bool Offers(SaslMechanism mechanism) const;
  bool AuthMissing() const { return options->auth_required && !authenticated; }
  std::string_view WhatIsMissing() const;

  const ServerOptions* options;
  std::string output;
  std::string partial;  // the start of a command line whose end has not come
  std::string helo;
  std::unique_ptr<Transaction> transaction;
  std::unique_ptr<SaslServer> sasl;            // from AUTH to its end
  std::unique_ptr<Xclient> client;             // once XCLIENT has been used
  std::unique_ptr<std::string> chunk_refusal;  // set: the chunk is dropped, then this is said
  void (*trace)(void* context, bool from_client, std::string_view line) = nullptr;
  void* trace_context = nullptr;
  uint64_t chunk_left = 0;  // bytes of the BDAT chunk still to come
  uint32_t mails = 0;       // MAIL commands, refused ones included (RFC 9422 section 4.1)
  // Since the last message that was queued.
  uint16_t errors = 0;
  uint16_t junk = 0;
  uint16_t auth_tries = 0;  // AUTH commands that began an exchange
  Phase phase = Phase::kCommand;
  Question question = Question::kNone;
  bool greeted = false;
  bool greet_pending = false;  // XCLIENT: the 220 is said at the next Step
  bool esmtp = false;
  bool chunk_last = false;
  bool quit = false;
  bool secured = false;
  bool authenticated = false;
  bool discarding = false;    // within a line that was refused already: up to its CRLF
  bool discarded_cr = false;  // and the last byte of it was a CR
};

}  // namespace ringpost::smtp
