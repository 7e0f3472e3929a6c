#include "gateway/smtp/sasl_server.h"

#include <algorithm>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/base/wipe.h"
#include "gateway/smtp/auth.h"
#include "gateway/smtp/base64.h"

namespace ringpost::smtp {
namespace {

using Step = SaslServer::Step;

// draft-murchison-sasl-login section 2.1: clients know these words, or do not look at them.
constexpr std::string_view kUserName = "Username:";
constexpr std::string_view kPassword = "Password:";
constexpr size_t kProofBytes = 32;  // of SHA-256

bool IsName(std::string_view text) { return IsAuthUser(text) && IsUtf8(text); }
bool IsPassword(std::string_view text) { return IsAuthSecret(text) && IsUtf8(text); }

// RFC 5802 section 7, printable: ASCII that is visible, but no comma.
bool IsNonce(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return c >= 0x21 && c <= 0x7E && c != ','; });
}

// Up to the next `separator`, which is taken off too. Nothing where there is none.
std::optional<std::string_view> TakeUntil(std::string_view* text, char separator) {
  const size_t at = text->find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view taken = text->substr(0, at);
  text->remove_prefix(at + 1);
  return taken;
}

// saslname (RFC 5802 section 5.1): ',' is "=2C" and '=' is "=3D". Nothing where it is none.
std::optional<std::string> DecodeSaslName(std::string_view text) {
  std::string name;
  while (!text.empty()) {
    if (text.front() != '=') {
      name.push_back(text.front());
      text.remove_prefix(1);
      continue;
    }
    const bool comma = text.starts_with("=2C");
    if (!comma && !text.starts_with("=3D")) return std::nullopt;
    name.push_back(comma ? ',' : '=');
    text.remove_prefix(3);
  }
  return name;
}

}  // namespace

std::optional<SaslMechanism> ParseSaslMechanism(std::string_view name) {
  if (EqualsIgnoreCase(name, "PLAIN")) return SaslMechanism::kPlain;
  if (EqualsIgnoreCase(name, "LOGIN")) return SaslMechanism::kLogin;
  if (EqualsIgnoreCase(name, "SCRAM-SHA-256")) return SaslMechanism::kScramSha256;
  return std::nullopt;
}

Reply WrongCredentials() { return {535, {5, 7, 8}, "The user name or the password is wrong"}; }

SaslServer::~SaslServer() {
  WipeString(&password_);
  WipeString(&proof_);
}

Step SaslServer::Begin(std::optional<std::string_view> initial) {
  RP_CHECK(state_ == State::kFirst);
  if (initial) return *initial == "=" ? Read("") : Respond(*initial);
  // The client speaks first: an empty challenge, but for LOGIN's words.
  return Ask(mechanism_ == SaslMechanism::kLogin ? kUserName : "", State::kFirst);
}

Step SaslServer::Respond(std::string_view line) {
  if (line == "*") return state_ = State::kOver, Step::kCancelled;
  std::string message;
  WipedAtEnd wiped(&message);
  if (!DecodeBase64(line, &message)) return state_ = State::kOver, Step::kNotBase64;
  return Read(message);
}

// What is no message of the mechanism leaves the state at kOver.
Step SaslServer::Read(std::string_view message) {
  switch (std::exchange(state_, State::kOver)) {
    case State::kFirst:
      if (mechanism_ == SaslMechanism::kPlain) return ReadPlain(message);
      return mechanism_ == SaslMechanism::kLogin ? ReadLoginName(message) : ReadScramFirst(message);
    case State::kLoginPassword:
      if (!IsPassword(message)) return Step::kMalformed;
      password_ = message;
      return Step::kPassword;
    case State::kScramFinal:
      return ReadScramFinal(message);
    case State::kScramEmpty:
      return message.empty() ? Step::kDone : Step::kMalformed;
    case State::kOver:
      break;
  }
  RP_CHECK(!"nothing is read once an exchange is over, or while it asks");
  return Step::kMalformed;
}

Step SaslServer::Ask(std::string_view words, State next) {
  challenge_.clear();
  AppendBase64(words, &challenge_);
  state_ = next;
  return Step::kChallenge;
}

// RFC 4616 section 2: [authzid] NUL authcid NUL passwd.
Step SaslServer::ReadPlain(std::string_view message) {
  const std::optional<std::string_view> acts_for = TakeUntil(&message, '\0');
  const std::optional<std::string_view> name = TakeUntil(&message, '\0');
  if (!acts_for || !name || !IsName(*name) || !IsPassword(message)) return Step::kMalformed;
  if (!acts_for->empty() && *acts_for != *name) return Step::kForeign;
  name_ = *name;
  password_ = message;
  return Step::kPassword;
}

Step SaslServer::ReadLoginName(std::string_view message) {
  if (!IsName(message)) return Step::kMalformed;
  name_ = message;
  return Ask(kPassword, State::kLoginPassword);
}

// client-first-message (RFC 5802 section 7): gs2-header "n=" saslname ",r=" nonce [",extensions"].
// An "m=" in front would be an extension that must be understood; so it ends here.
Step SaslServer::ReadScramFirst(std::string_view message) {
  const std::string_view whole = message;
  const std::optional<std::string_view> binding = TakeUntil(&message, ',');
  const std::optional<std::string_view> acts_for = TakeUntil(&message, ',');
  if (!binding || !acts_for || (*binding != "n" && *binding != "y")) return Step::kMalformed;
  const std::string_view bare = message;
  const std::optional<std::string_view> user = TakeUntil(&message, ',');
  const std::string_view nonce = message.substr(0, message.find(','));
  if (!user || !user->starts_with("n=") || !nonce.starts_with("r=")) return Step::kMalformed;
  std::optional<std::string> name = DecodeSaslName(user->substr(2));
  if (!name || !IsName(*name) || !IsNonce(nonce.substr(2)) ||
      nonce.size() - 2 > limits::kAuthNonceBytesMax || !IsUtf8(bare)) {
    return Step::kMalformed;
  }
  if (!acts_for->empty() && *acts_for != "a=" + std::string(user->substr(2))) return Step::kForeign;
  name_ = std::move(*name);
  gs2_header_ = whole.substr(0, whole.size() - bare.size());
  nonce_ = nonce.substr(2);
  auth_message_ = bare;
  return Step::kSalt;
}

Step SaslServer::Challenge(std::string_view salt, uint32_t iterations, std::string_view nonce) {
  RP_CHECK(mechanism_ == SaslMechanism::kScramSha256 && !nonce_.empty() && IsNonce(nonce));
  nonce_.append(nonce);
  std::string words = "r=" + nonce_ + ",s=";
  AppendBase64(salt, &words);
  words.append(",i=").append(std::to_string(iterations));
  auth_message_.append(",").append(words).append(",");
  return Ask(words, State::kScramFinal);
}

// client-final-message: "c=" base64(gs2-header) ",r=" nonce [",extensions"] ",p=" base64(proof).
Step SaslServer::ReadScramFinal(std::string_view message) {
  std::string expected = "c=";
  AppendBase64(gs2_header_, &expected);
  expected.append(",r=").append(nonce_).append(",");
  const size_t comma = message.rfind(",p=");
  if (comma == std::string_view::npos || !message.starts_with(expected) || !IsUtf8(message)) {
    return Step::kMalformed;
  }
  if (!DecodeBase64(message.substr(comma + 3), &proof_)) return Step::kMalformed;
  if (proof_.size() != kProofBytes) return Step::kMalformed;
  auth_message_.append(message.substr(0, comma));
  return Step::kProof;
}

Step SaslServer::Accept() {
  RP_CHECK(mechanism_ != SaslMechanism::kScramSha256 && !password_.empty());
  WipeString(&password_);
  return Step::kDone;
}

// RFC 4954 section 4: what is left to say with a success goes as a challenge, and is answered by an
// empty line.
Step SaslServer::AcceptProof(std::string_view server_signature) {
  RP_CHECK(mechanism_ == SaslMechanism::kScramSha256 && !proof_.empty());
  std::string words = "v=";
  AppendBase64(server_signature, &words);
  return Ask(words, State::kScramEmpty);
}

}  // namespace ringpost::smtp
