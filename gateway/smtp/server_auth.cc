// AUTH in a server session (RFC 4954): when it may come, what its lines are answered. What is in
// them is SaslServer's to read.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "gateway/smtp/server_replies.h"
#include "gateway/smtp/server_state.h"

namespace ringpost::smtp {
namespace {

std::string_view TakeWord(std::string_view* text) {
  const std::string_view word = text->substr(0, text->find_first_of(" \t"));
  text->remove_prefix(word.size());
  text->remove_prefix(std::min(text->find_first_not_of(" \t"), text->size()));
  return word;
}

}  // namespace

using EventKind = ServerSession::EventKind;
using SaslStep = SaslServer::Step;

bool ServerSession::State::AuthTaken() const {
  return options->auth == Auth::kAlsoInClear || (options->auth == Auth::kUnderTls && secured);
}

bool ServerSession::State::Offers(SaslMechanism mechanism) const {
  switch (mechanism) {
    case SaslMechanism::kPlain:
      return options->auth_plain;
    case SaslMechanism::kLogin:
      return options->auth_login;
    case SaslMechanism::kScramSha256:
      return options->auth_scram_sha256;
  }
  return false;
}

// RFC 4954 section 3. The "AUTH=LOGIN" of before RFC 2554 is not said.
void ServerSession::State::SayMechanisms() {
  if (!AuthTaken()) return;
  output.append("250-AUTH");
  if (options->auth_plain) output.append(" PLAIN");
  if (options->auth_login) output.append(" LOGIN");
  if (options->auth_scram_sha256) output.append(" SCRAM-SHA-256");
  output.append("\r\n");
}

std::string_view ServerSession::State::WhatIsMissing() const {
  const bool needs_tls = !AuthTaken() && !secured && options->starttls != StartTls::kNotOffered;
  return needs_tls ? replies::kStartTlsFirst : replies::kAuthFirst;
}

// Who says it in clear where there is TLS is told what he did (RFC 4954 section 6).
EventKind ServerSession::State::HandleAuth(std::string_view argument, bool more) {
  if (!AuthTaken()) {
    const bool tls_was_there = options->starttls != StartTls::kNotOffered && !secured;
    return Error(tls_was_there ? replies::kAuthInClear : replies::kUnsupported), kNothing;
  }
  if (more) return Close(replies::kOutOfStep), kNothing;
  if (options->strict && helo.empty()) return Error(replies::kHeloFirst), kNothing;
  if (authenticated) return Error(replies::kAuthAlready), kNothing;
  if (transaction) return Error(replies::kAuthInMail), kNothing;
  const std::string_view name = TakeWord(&argument);
  if (name.empty() || argument.find_first_of(" \t") != std::string_view::npos) {
    return Error(replies::kAuthSyntax), kNothing;
  }
  const std::optional<SaslMechanism> mechanism = ParseSaslMechanism(name);
  if (!mechanism || !Offers(*mechanism)) return Error(replies::kAuthUnknown), kNothing;
  if (++auth_tries > limits::kAuthTriesMax) return Close(replies::kTooManyLogins), kNothing;
  sasl = std::make_unique<SaslServer>(*mechanism);
  phase = Phase::kAuth;
  std::optional<std::string_view> initial;
  if (!argument.empty()) initial = argument;
  return OnSasl(sasl->Begin(initial));
}

EventKind ServerSession::State::HandleResponse(std::string_view line, bool more) {
  if (trace) trace(trace_context, true, line == "*" ? "*" : "***");
  if (more) return Close(replies::kOutOfStep), kNothing;
  return OnSasl(sasl->Respond(line));
}

EventKind ServerSession::State::OnSasl(SaslStep step) {
  switch (step) {
    case SaslStep::kChallenge: {
      const size_t from = output.size();
      output.append("334 ").append(sasl->challenge()).append("\r\n");
      if (trace) TraceOutput(from);
      return kNothing;
    }
    case SaslStep::kSalt:
      question = Question::kAuthSalt;
      return EventKind::kAuthSalt;
    case SaslStep::kPassword:
      question = Question::kAuthPassword;
      return EventKind::kAuthPassword;
    case SaslStep::kProof:
      question = Question::kAuthProof;
      return EventKind::kAuthProof;
    case SaslStep::kDone:
      EndAuth();
      authenticated = true;
      return Say(replies::kAuthOk), kNothing;
    case SaslStep::kCancelled:
      return FailAuth(replies::kAuthCancelled), kNothing;
    case SaslStep::kNotBase64:
      return FailAuth(replies::kAuthNotBase64), kNothing;
    case SaslStep::kMalformed:
      return FailAuth(replies::kAuthMalformed), kNothing;
    case SaslStep::kForeign: {
      std::string lines;
      AppendReply(&lines, WrongCredentials());
      return FailAuth(lines), kNothing;
    }
  }
  return kNothing;
}

void ServerSession::State::FailAuth(std::string_view lines) {
  EndAuth();
  Error(lines);
}

void ServerSession::State::EndAuth() {
  sasl.reset();
  phase = Phase::kCommand;
}

}  // namespace ringpost::smtp
