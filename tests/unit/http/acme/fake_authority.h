// FakeAuthority: an ACME server in memory that answers as RFC 8555 has it, and can be told to lie.
// It reads what is asked (the JWS's header and payload, not its signature: pebble verifies that in
// the end-to-end tests).
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/acme/issuance.h"
#include "gateway/tls/self_signed.h"

namespace ringpost::acme {

using Json = nlohmann::json;

inline const WallTime kWall = ReadWallClock();
inline constexpr std::string_view kBase = "https://ca.example/";

// Base64, of either alphabet, without regard to what is none of it.
inline std::string FromBase64(std::string_view text) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string bytes;
  uint32_t held = 0;
  int bits = 0;
  for (char c : text) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
    size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) continue;
    held = held << 6 | static_cast<uint32_t>(value);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(held >> bits & 255);
  }
  return bytes;
}

// A self-signed certificate, and its key as the one it was asked for with.
struct Issued {
  std::string chain;
  std::shared_ptr<const tls::AcmeKey> key;
};
inline Issued Issue(const std::vector<std::string>& names) {
  tls::PemPair pem = tls::MakeSelfSigned(names, tls::Certificate::KeyKind::kEcdsa, kWall, 30);
  std::string_view key = pem.key;
  key = key.substr(key.find('\n'));
  key = key.substr(0, key.find("-----END"));
  auto read = tls::AcmeKey::FromDer(FromBase64(key));
  EXPECT_TRUE(read.ok());
  return {pem.chain, *read};
}

class FakeAuthority {
 public:
  using Answer = Issuance::Answer;
  // May change an answer, or make another: called with the last part of the URL.
  using Lie = std::function<void(const std::string& what, Answer* answer)>;

  FakeAuthority() : issued(Issue({"mx.example"})) {}

  Issuance::Options Options() {
    Issuance::Options options;
    options.directory = std::string(kBase) + "directory";
    options.email = "ops@example.net";
    options.name = "mx.example";
    options.challenges = {ChallengeKind::kHttp01, ChallengeKind::kTlsAlpn01};
    options.account_key = account_key;
    options.certificate_key = issued.key;
    return options;
  }

  // Until it is done or failed; time passes with its waits.
  void Run(Issuance* issuance) {
    for (int i = 0; i < 5000; ++i) {
      Issuance::Action action = issuance->Next(now);
      switch (action.kind) {
        case Issuance::ActionKind::kSend:
          issuance->OnAnswer(Serve(action.request), kWall);
          break;
        case Issuance::ActionKind::kWait:
          EXPECT_GT(action.wait, Millis(0));
          now += action.wait;
          break;
        case Issuance::ActionKind::kPublish:
          published.push_back(action.answer);
          break;
        default:
          done = action.kind == Issuance::ActionKind::kDone;
          return;
      }
    }
    ADD_FAILURE() << "it has no end";
  }

  // The same, and its failure; empty: it was done.
  std::string FailureOf(Issuance::Options options) {
    Issuance issuance(std::move(options), now);
    Run(&issuance);
    retry_after = issuance.failure().retry_after;
    return done ? "" : issuance.failure().words;
  }
  std::string FailureOf() { return FailureOf(Options()); }

  Answer Serve(const Issuance::Request& request) {
    std::string what = request.url.substr(request.url.rfind('/') + 1);
    asked.push_back(what);
    Answer answer = Honest(request, what);
    if (lie) lie(what, &answer);
    return answer;
  }

  static Answer Refusal(int status, const std::string& type) {
    Answer answer;
    answer.status = status;
    answer.content_type = "application/problem+json";
    answer.body = Json{{"type", "urn:ietf:params:acme:error:" + type}, {"detail", "no"}}.dump();
    return answer;
  }
  size_t CountOf(std::string_view what) const {
    return static_cast<size_t>(std::count(asked.begin(), asked.end(), what));
  }

  std::shared_ptr<const tls::AcmeKey> account_key = tls::AcmeKey::Generate();
  Issued issued;
  Lie lie;
  MonoTime now{Seconds(1000)};
  bool done = false;
  Seconds retry_after{0};
  std::vector<std::string> asked;
  std::vector<Json> headers, payloads;  // of the POSTs
  std::vector<ChallengeAnswer> published;
  std::string authorization = "pending", order = "pending";
  int looks = 2;  // until a challenge that was answered is valid, or a certificate there

 private:
  static std::string At(const std::string& what) { return std::string(kBase) + what; }

  Json OrderJson() {
    Json json = {{"status", order},
                 {"identifiers", {{{"type", "dns"}, {"value", "MX.example"}}}},
                 {"authorizations", {At("authorization")}},
                 {"finalize", At("finalize")}};
    if (order == "valid") json["certificate"] = At("certificate");
    return json;
  }
  Json AuthorizationJson() {
    return {{"status", authorization},
            {"identifier", {{"type", "dns"}, {"value", "mx.example"}}},
            {"challenges",
             {{{"type", "dns-01"}, {"url", At("dns")}, {"token", "dns-token"}},
              {{"type", "tls-alpn-01"}, {"url", At("alpn")}, {"token", "alpn-token"}},
              {{"type", "http-01"}, {"url", At("http")}, {"token", "http-token"}}}}};
  }
  void Look(std::string* state, const char* then) {
    if (*state != "processing" || --looks > 0) return;
    *state = then;
    looks = 2;
  }

  Answer Honest(const Issuance::Request& request, const std::string& what) {
    Answer answer;
    answer.status = 200;
    answer.replay_nonce = "nonce" + std::to_string(asked.size());
    if (what == "directory") {
      EXPECT_EQ(request.method, Issuance::Method::kGet);
      answer.replay_nonce.clear();
      answer.body = Json{{"newNonce", At("nonce")},
                         {"newAccount", At("account")},
                         {"newOrder", At("order")},
                         {"meta", {{"termsOfService", At("terms")}}}}
                        .dump();
      return answer;
    }
    if (what == "nonce") {
      EXPECT_EQ(request.method, Issuance::Method::kHead);
      return answer;
    }
    TakePost(request);
    if (what == "account") {
      answer.status = 201;
      answer.location = At("account/1");
      answer.body = R"({"status":"valid"})";
    } else if (what == "order") {
      answer.status = 201;
      answer.location = At("my-order");
      answer.body = OrderJson().dump();
    } else if (what == "my-order") {
      if (order == "pending" && authorization == "valid") order = "ready";
      Look(&order, "valid");
      answer.body = OrderJson().dump();
    } else if (what == "authorization") {
      Look(&authorization, "valid");
      answer.body = AuthorizationJson().dump();
    } else if (what == "http" || what == "alpn") {
      authorization = "processing";
      answer.body = R"({"status":"processing"})";
    } else if (what == "finalize") {
      order = "processing";
      answer.body = OrderJson().dump();
    } else if (what == "certificate") {
      answer.content_type = "application/pem-certificate-chain";
      answer.body = issued.chain;
    } else {
      answer.status = 404;
    }
    return answer;
  }

  void TakePost(const Issuance::Request& request) {
    ASSERT_EQ(request.method, Issuance::Method::kPost);
    Json jws = Json::parse(request.body);
    headers.push_back(Json::parse(FromBase64(jws["protected"].get<std::string>())));
    std::string payload = FromBase64(jws["payload"].get<std::string>());
    payloads.push_back(payload.empty() ? Json() : Json::parse(payload));
    EXPECT_EQ(FromBase64(jws["signature"].get<std::string>()).size(), 64u);
    EXPECT_EQ(headers.back()["alg"], "ES256");
    EXPECT_EQ(headers.back()["url"], request.url);
    EXPECT_NE(headers.back().contains("jwk"), headers.back().contains("kid"));
  }
};

}  // namespace ringpost::acme
