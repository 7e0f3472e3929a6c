// An ACME server that says anything. Input: lines, an answer each, in the order in which they are
// given: status, content type, Location, Replay-Nonce, Retry-After and body, with tabs between.
// What is asked must stay within its bounds, go to the directory's host alone, and end; a
// certificate is taken only if it is for our name and key.
//
// An input that begins with '#' is a record of the control store instead: an account's, then a
// certificate's.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/http/acme/issuance.h"
#include "gateway/http/acme/url.h"
#include "gateway/http/acme_records.h"
#include "gateway/tls/certificate.h"

namespace ringpost::acme {
namespace {

constexpr std::string_view kName = "mx.example";
constexpr std::string_view kDirectory = "https://ca.example/dir";
// The key that the certificates among the seeds are for: nobody's. PKCS #8, DER.
constexpr std::string_view kKey =
    "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b02010104204e6c6679"
    "476b936785157124c1a12c42a03a28fbc568f528436c257a60fae7e4a14403420004574741e01bdf"
    "950085fcc3a5accf8a207038d6eeb9f4feba14e5e0ce561446a0dba2fe80613dd962398b3760faef"
    "1561aa9f9a4392f4b5d99fd083f752b498eb";

std::string_view Cut(std::string_view* rest, char separator) {
  size_t end = rest->find(separator);
  std::string_view part = rest->substr(0, end);
  rest->remove_prefix(end == std::string_view::npos ? rest->size() : end + 1);
  return part;
}

std::shared_ptr<const tls::AcmeKey> ReadKey() {
  std::string der;
  for (size_t i = 0; i < kKey.size(); i += 2) {
    der += static_cast<char>(std::stoi(std::string(kKey.substr(i, 2)), nullptr, 16));
  }
  auto key = tls::AcmeKey::FromDer(der);
  RP_CHECK(key.ok());
  return *key;
}

Issuance::Answer TakeAnswer(std::string_view* input) {
  std::string_view line = Cut(input, '\n');
  Issuance::Answer answer;
  answer.status = static_cast<int>(ParseDecimal(Cut(&line, '\t')).value_or(200) % 600);
  answer.content_type = std::string(Cut(&line, '\t'));
  answer.location = std::string(Cut(&line, '\t'));
  answer.replay_nonce = std::string(Cut(&line, '\t'));
  answer.retry_after = std::string(Cut(&line, '\t'));
  answer.body = std::string(line);
  for (char& c : answer.body) {
    if (c == '\v') c = '\n';  // PEM has lines
  }
  return answer;
}

void CheckAction(const Issuance::Action& action) {
  if (action.kind == Issuance::ActionKind::kSend) {
    auto url = ParseUrl(action.request.url);
    RP_CHECK(url && url->authority == "ca.example");
    bool post = action.request.method == Issuance::Method::kPost;
    RP_CHECK(post != action.request.body.empty());
  } else if (action.kind == Issuance::ActionKind::kWait) {
    RP_CHECK(action.wait > Millis(0) && action.wait <= Millis(limits::kAcmePollMillisMax));
  } else if (action.kind == Issuance::ActionKind::kPublish) {
    RP_CHECK(action.answer.name == kName);
    RP_CHECK(action.answer.token.size() <= limits::kAcmeTokenBytesMax);
    RP_CHECK(action.answer.key_authorization.starts_with(action.answer.token + "."));
  }
}

void CheckIssuance(std::string_view input) {
  static const auto key = ReadKey();
  Issuance::Options options;
  options.directory = kDirectory;
  options.name = kName;
  options.challenges = {ChallengeKind::kHttp01, ChallengeKind::kTlsAlpn01};
  options.account_key = options.certificate_key = key;
  MonoTime now{Seconds(1)};
  Issuance issuance(options, now);
  WallTime wall = WallFromMillis(1'800'000'000'000);
  for (uint32_t turns = 0;; ++turns) {
    RP_CHECK(turns < 4 * limits::kAcmeRequestsMax);
    Issuance::Action action = issuance.Next(now);
    CheckAction(action);
    if (action.kind == Issuance::ActionKind::kSend) {
      if (input.empty()) {
        issuance.OnNoAnswer("it hung up");
      } else {
        issuance.OnAnswer(TakeAnswer(&input), wall);
      }
    } else if (action.kind == Issuance::ActionKind::kWait) {
      now += action.wait;
    } else if (action.kind != Issuance::ActionKind::kPublish) {
      bool done = action.kind == Issuance::ActionKind::kDone;
      RP_CHECK(done != issuance.chain().empty());
      RP_CHECK(done == issuance.failure().words.empty());
      return;
    }
  }
}

void CheckRecords(std::string_view record) {
  if (auto account = http::DecodeAccount(record); account.ok()) {
    RP_CHECK(http::AccountRecordKey(account->url) != http::CertificateRecordKey(account->url));
    auto again = http::DecodeAccount(http::EncodeAccount(*account));
    RP_CHECK(again.ok() && again->url == account->url && again->key->Jwk() == account->key->Jwk());
  }
  if (auto certificate = http::DecodeCertificate(record); certificate.ok()) {
    auto again = http::DecodeCertificate(http::EncodeCertificate(*certificate));
    RP_CHECK(again.ok() && again->chain == certificate->chain &&
             again->directory == certificate->directory);
  }
}

}  // namespace
}  // namespace ringpost::acme

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.starts_with('#')) {
    ringpost::acme::CheckRecords(input.substr(1));
  } else {
    ringpost::acme::CheckIssuance(input);
  }
  return 0;
}
