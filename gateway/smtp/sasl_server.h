// SaslServer: the server's half of one SASL exchange (RFC 4422), sans-IO: PLAIN (RFC 4616), LOGIN
// (draft-murchison-sasl-login, for old devices), SCRAM-SHA-256 (RFC 5802, RFC 7677).
//
// It reads what a client says and keeps the order of the messages. It knows nobody's password and
// computes no hash: it asks. For PLAIN and LOGIN it asks whether password() is name()'s; for SCRAM
// first for the salt of name(), then whether proof() proves auth_message(). What is asked may be
// answered later, from wherever the hashing is done.
//
//   SaslServer sasl(SaslMechanism::kPlain);
//   step = sasl.Begin(initial_response);      // or, after a challenge, sasl.Respond(line)
//   switch (step) {
//     case kChallenge: ...say "334 " and sasl.challenge(); Respond with what comes back
//     case kSalt:      step = sasl.Challenge(...)               // or give up
//     case kPassword:  step = sasl.Accept()                     // kDone, or give up
//     case kProof:     step = sasl.AcceptProof(signature)       // or give up
//     case kDone:      ...it is name()
//     ...              ...it is over, and failed
//   }
//
// A failed proof ends the exchange without the server's last message, as RFC 5802 section 5.1 lets
// it ("e=" would cost a round trip, and clients read the reply).
//
// Whatever the mechanism, no client acts for another: an authorisation identity is empty or the
// name itself. No channel binding is offered, so "y" is as good as "n" and "p" is refused.
//
// Memory: password and proof are wiped when the object goes.
//
// Threads: none of its own; the caller's. Views that it gives out live until the next call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/smtp/reply.h"

namespace ringpost::smtp {

enum class SaslMechanism : uint8_t { kPlain, kLogin, kScramSha256 };
// By its name, in any case (RFC 4422 section 3.1).
std::optional<SaslMechanism> ParseSaslMechanism(std::string_view name);

// What a client is told that has the wrong password, or a name that nobody has: 535 5.7.8.
Reply WrongCredentials();

class SaslServer {
 public:
  enum class Step : uint8_t {
    kChallenge,
    kSalt,
    kPassword,
    kProof,
    kDone,
    kCancelled,  // the client said "*"
    kNotBase64,
    kMalformed,  // no message of the mechanism, or no name or password: see IsAuthUser,
                 // IsAuthSecret
    kForeign,    // it would act for another
  };

  explicit SaslServer(SaslMechanism mechanism) : mechanism_(mechanism) {}
  ~SaslServer();
  SaslServer(const SaslServer&) = delete;
  SaslServer& operator=(const SaslServer&) = delete;

  // The initial response, in base64, as RFC 4954 section 4 has it: nothing where there is none, "="
  // where it is empty.
  Step Begin(std::optional<std::string_view> initial);
  // A line that answers a challenge.
  Step Respond(std::string_view line);

  // Answers kSalt: what is stored of name()'s password, raw, and the server's part of the nonce:
  // printable ASCII without a comma, from 16 or more random bytes.
  Step Challenge(std::string_view salt, uint32_t iterations, std::string_view nonce);
  // Answers kPassword.
  Step Accept();
  // Answers kProof; the signature is of auth_message(), raw.
  Step AcceptProof(std::string_view server_signature);

  SaslMechanism mechanism() const { return mechanism_; }
  std::string_view challenge() const { return challenge_; }  // in base64; may be empty
  std::string_view name() const { return name_; }            // UTF-8 without controls
  std::string_view password() const { return password_; }
  std::string_view auth_message() const { return auth_message_; }
  std::string_view proof() const { return proof_; }

 private:
  // What the next message is.
  enum class State : uint8_t { kFirst, kLoginPassword, kScramFinal, kScramEmpty, kOver };

  Step Read(std::string_view message);
  Step ReadPlain(std::string_view message);
  Step ReadLoginName(std::string_view message);
  Step ReadScramFirst(std::string_view message);
  Step ReadScramFinal(std::string_view message);
  Step Ask(std::string_view words, State next);

  const SaslMechanism mechanism_;
  State state_ = State::kFirst;
  std::string challenge_;
  std::string name_;
  std::string password_;
  // SCRAM. auth_message_ grows as its parts are said.
  std::string gs2_header_;
  std::string nonce_;
  std::string auth_message_;
  std::string proof_;
};

}  // namespace ringpost::smtp
