// One SASL exchange: any messages are answered or refused, what is asked is of names and passwords
// that can be, and what SCRAM asks is made of what was said, in its order. And the stored form of a
// password's record. Input: one byte of options, then lines of the client.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/identity/password_record.h"
#include "gateway/smtp/auth.h"
#include "gateway/smtp/base64.h"
#include "gateway/smtp/sasl_server.h"

namespace ringpost::smtp {
namespace {

using Step = SaslServer::Step;

constexpr std::string_view kSalt = "0123456789abcdef";
constexpr std::string_view kNonce = "server";

enum Option : unsigned {
  kMechanism = 3,
  kInitial = 4,  // the first line goes with the command
  kEncode = 8,   // lines are messages: they are put into base64 here
  kRefuse = 16,
};

std::string_view TakeLine(std::string_view* lines) {
  const size_t end = lines->find('\n');
  const std::string_view line = lines->substr(0, end);
  lines->remove_prefix(end == std::string_view::npos ? lines->size() : end + 1);
  return line;
}

std::string Wire(std::string_view line, unsigned options) {
  if (!(options & kEncode)) return std::string(line);
  std::string wire;
  AppendBase64(line, &wire);
  return wire;
}

// What it says.
std::string CheckBase64(std::string_view text) {
  std::string bytes;
  if (!DecodeBase64(text, &bytes)) {
    RP_CHECK(bytes.empty());
    return bytes;
  }
  std::string again;
  AppendBase64(bytes, &again);
  RP_CHECK(again == text);
  return bytes;
}

void CheckRecord(std::string_view bytes) {
  const auto record = identity::PasswordRecord::Decode(bytes);
  if (!record) return;
  const identity::PasswordRecordBytes again = record->Encode();
  RP_CHECK(std::string_view(again.data(), again.size()) == bytes);
  tls::Digest signature;
  RP_CHECK(!record->CheckProof("n=user", std::string(32, 'x'), &signature));
}

void CheckName(const SaslServer& sasl) { RP_CHECK(IsAuthUser(sasl.name()) && IsUtf8(sasl.name())); }

// What has been said.
struct Said {
  std::string first;                       // the client's first message, as it came
  std::string client_first, server_first;  // of SCRAM; the client's without its gs2-header
};

// What is in front of the name (RFC 5802 section 7): a client acts for nobody else.
void CheckForWhom(std::string_view header, std::string_view client_first) {
  RP_CHECK(client_first.starts_with("n="));
  const std::string name(client_first.substr(2, client_first.find(',') - 2));
  RP_CHECK(header == "n,," || header == "y,," || header == "n,a=" + name + "," ||
           header == "y,a=" + name + ",");
}

// AuthMessage is the client's first message, ours, the client's last, in full (RFC 5802 section 3).
// The last one holds the first one's header and the whole nonce, and nothing that adds to either.
void CheckProof(const SaslServer& sasl, const Said& said) {
  RP_CHECK(sasl.proof().size() == 32 && said.first.ends_with(said.client_first));
  const std::string_view header =
      std::string_view(said.first).substr(0, said.first.size() - said.client_first.size());
  CheckForWhom(header, said.client_first);
  std::string agreed = said.client_first + "," + said.server_first + ",c=";
  AppendBase64(header, &agreed);
  agreed += "," + said.server_first.substr(0, said.server_first.find(','));
  RP_CHECK(sasl.auth_message() == agreed || sasl.auth_message().starts_with(agreed + ","));
}

// A name is the one that was said; of PLAIN, whom the client acts for is itself.
void CheckWhoAsks(const SaslServer& sasl, std::string_view first) {
  if (sasl.mechanism() == SaslMechanism::kLogin) RP_CHECK(sasl.name() == first);
  if (sasl.mechanism() != SaslMechanism::kPlain) return;
  const std::string tail = std::string(1, '\0').append(sasl.name()) + '\0';
  const std::string said = tail + std::string(sasl.password());
  RP_CHECK(first == said || first == std::string(sasl.name()) + said);
}

// The answer to what is asked; nothing: the driver refuses.
std::optional<Step> Answer(SaslServer* sasl, Step step, unsigned options, Said* said) {
  CheckName(*sasl);
  if (options & kRefuse) return std::nullopt;
  if (step == Step::kPassword) {
    RP_CHECK(IsAuthSecret(sasl->password()) && IsUtf8(sasl->password()));
    CheckWhoAsks(*sasl, said->first);
    return sasl->Accept();
  }
  if (step == Step::kProof) {
    CheckProof(*sasl, *said);
    return sasl->AcceptProof("signature");
  }
  said->client_first = sasl->auth_message();
  const Step next = sasl->Challenge(kSalt, 4096, kNonce);
  RP_CHECK(DecodeBase64(sasl->challenge(), &said->server_first));
  return next;
}

void Check(std::string_view data) {
  if (data.empty() || data.size() > 8192) return;
  const unsigned options = static_cast<unsigned char>(data[0]);
  data.remove_prefix(1);
  CheckRecord(data);
  constexpr std::array kMechanisms = {SaslMechanism::kPlain, SaslMechanism::kLogin,
                                      SaslMechanism::kScramSha256, SaslMechanism::kScramSha256};
  SaslServer sasl(kMechanisms[options & kMechanism]);
  Said said;
  std::optional<Step> step;
  if (options & kInitial) {
    const std::string line = Wire(TakeLine(&data), options);
    said.first = CheckBase64(line);
    step = sasl.Begin(line);
  } else {
    step = sasl.Begin(std::nullopt);
  }
  // No mechanism has more than four messages of the client.
  for (int messages = 0; step; ++messages) {
    RP_CHECK(messages <= 4);
    while (step == Step::kSalt || step == Step::kPassword || step == Step::kProof) {
      step = Answer(&sasl, *step, options, &said);
    }
    if (step == Step::kDone) CheckName(sasl);
    if (step != Step::kChallenge || data.empty()) return;
    const std::string line = Wire(TakeLine(&data), options);
    const std::string message = CheckBase64(line);
    if (messages == 0 && !(options & kInitial)) said.first = message;
    step = sasl.Respond(line);
  }
}

}  // namespace
}  // namespace ringpost::smtp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ringpost::smtp::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
