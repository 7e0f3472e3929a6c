// A client's AUTH (RFC 4954): said once, after the EHLO under TLS, before the first transaction.
#include "gateway/base/limits.h"
#include "gateway/smtp/auth.h"
#include "gateway/smtp/base64.h"
#include "gateway/smtp/client_state.h"

namespace ringpost::smtp {
namespace {

constexpr char kNotVerified[] =
    "the next hop is not under TLS with a certificate that proves who it is, and the route's user "
    "and secret must not leave otherwise";
constexpr char kNoAuth[] =
    "the next hop does not offer AUTH PLAIN or LOGIN, and the route has a user for it";

}  // namespace

using EventKind = ClientSession::EventKind;

// EHLO or HELO is answered, and TLS is done or will not be.
EventKind ClientSession::State::Introduced(bool more_input) {
  if (!credentials || authenticated) return Settled(more_input);
  if (!secured || !verified) return Fail(kNotVerified);
  mechanism = ChooseAuthMechanism(capabilities);
  if (mechanism == AuthMechanism::kNone) return Fail(kNoAuth);
  if (more_input) return Fail("the server said more than its reply to EHLO");
  SayAuth();
  return EventKind::kNeedInput;
}

// PLAIN's only message goes with the command where both fit into one (RFC 4954 section 4).
void ClientSession::State::SayAuth() {
  phase = ClientPhase::kAuth;
  if (mechanism == AuthMechanism::kPlain) {
    std::string line = "AUTH PLAIN ";
    WipedAtEnd wiped(&line);
    AppendAuthPlain(*credentials, &line);
    if (line.size() + 2 <= limits::kAuthCommandLineBytesMax) {
      auth_step = AuthStep::kVerdict;
      SecretCommand(line, "AUTH PLAIN ***");
      return;
    }
    auth_step = AuthStep::kPlain;
    Command("AUTH PLAIN");
    return;
  }
  auth_step = AuthStep::kUser;
  Command("AUTH LOGIN");
}

// A challenge is answered by what the mechanism says comes next, whatever its words: servers do not
// agree on LOGIN's. One too many is answered by "*", which ends the exchange.
EventKind ClientSession::State::OnAuth(bool more_input) {
  if (more_input) return Fail("the server said more than its reply to AUTH");
  if (said().code == 334 && auth_step != AuthStep::kCancelled) {
    AnswerChallenge();
    return EventKind::kNeedInput;
  }
  if (said().code == 235 && auth_step == AuthStep::kVerdict) {
    authenticated = true;
    return Settled(false);
  }
  if (said().code < 400) return Fail("the reply to AUTH makes no sense");
  if (said().code == 421) return FailWith(said());
  Reply refusal = said();
  std::string words = "AUTH ";
  words.append(AuthMechanismName(mechanism)).append(" was refused: ").append(refusal.text);
  refusal.text = std::move(words);
  // RFC 4954 section 4.7.1: 432 asks for another password; other 4yz are the server's own trouble.
  auth_refused = refusal.permanent() || refusal.code == 432;
  return FailWith(refusal);
}

void ClientSession::State::AnswerChallenge() {
  std::string line;
  WipedAtEnd wiped(&line);
  switch (auth_step) {
    case AuthStep::kPlain:
      AppendAuthPlain(*credentials, &line);
      auth_step = AuthStep::kVerdict;
      break;
    case AuthStep::kUser:
      AppendBase64(credentials->user, &line);
      auth_step = AuthStep::kSecret;
      break;
    case AuthStep::kSecret:
      AppendBase64(credentials->secret, &line);
      auth_step = AuthStep::kVerdict;
      break;
    case AuthStep::kVerdict:
    case AuthStep::kCancelled:
      auth_step = AuthStep::kCancelled;
      Command("*");
      return;
  }
  SecretCommand(line, "***");
}

// `shown` is what a trace shows of it.
void ClientSession::State::SecretCommand(std::string_view line, std::string_view shown) {
  secret_in_output = true;
  ReserveWiped(&output, output.size() + line.size() + 2);
  output.append(line).append("\r\n");
  if (trace) trace(trace_context, true, shown);
}

}  // namespace ringpost::smtp
