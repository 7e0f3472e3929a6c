// Logins: what a shard does for one (the messages, SCRAM's proof, the cache, the throttle), and
// what a worker does (the iterations).
#include <benchmark/benchmark.h>

#include <string>

#include "gateway/identity/login_throttle.h"
#include "gateway/identity/password_record.h"
#include "gateway/identity/verified_cache.h"
#include "gateway/smtp/base64.h"
#include "gateway/smtp/sasl_server.h"

namespace ringpost {
namespace {

using identity::PasswordRecord;
using smtp::SaslMechanism;
using smtp::SaslServer;

constexpr MonoTime kNow{Millis(1'000'000)};
constexpr std::string_view kPassword = "correct horse battery";

std::string Base64(std::string_view bytes) {
  std::string out;
  smtp::AppendBase64(bytes, &out);
  return out;
}

PasswordRecord Record() {
  return PasswordRecord::Make(kPassword, identity::PasswordSalt{}, limits::kPasswordIterationsMin);
}

void BM_SaslPlain(benchmark::State& state) {
  using std::string_literals::operator""s;
  const std::string response = Base64("\0printer@example.com\0"s + std::string(kPassword));
  for (auto _ : state) {
    SaslServer sasl(SaslMechanism::kPlain);
    benchmark::DoNotOptimize(sasl.Begin(response));
    benchmark::DoNotOptimize(sasl.Accept());
  }
}
BENCHMARK(BM_SaslPlain);

// All of an exchange that the server computes, a right proof included.
void BM_SaslScram(benchmark::State& state) {
  const PasswordRecord record = Record();
  const std::string first = Base64("n,,n=printer@example.com,r=rOprNGfwEbeRWgbNEkqO");
  const std::string last = Base64("c=biws,r=rOprNGfwEbeRWgbNEkqOserver-nonce-of-24-chars,p=" +
                                  Base64(std::string(32, 'p')));
  tls::Digest signature{};
  for (auto _ : state) {
    SaslServer sasl(SaslMechanism::kScramSha256);
    sasl.Begin(first);
    sasl.Challenge("0123456789abcdef", record.iterations, "server-nonce-of-24-chars");
    sasl.Respond(last);
    benchmark::DoNotOptimize(record.CheckProof(sasl.auth_message(), sasl.proof(), &signature));
    sasl.AcceptProof(tls::View(signature));
    benchmark::DoNotOptimize(sasl.Respond(""));
  }
}
BENCHMARK(BM_SaslScram);

// `arg`: iterations.
void BM_PasswordVerify(benchmark::State& state) {
  PasswordRecord record = Record();
  record.iterations = static_cast<uint32_t>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(record.Verify(kPassword));
}
BENCHMARK(BM_PasswordVerify)
    ->Arg(limits::kPasswordIterationsMin)
    ->Arg(limits::kPasswordIterationsDefault)
    ->Arg(600'000)
    ->Unit(benchmark::kMillisecond);

void BM_VerifiedCacheHit(benchmark::State& state) {
  const PasswordRecord record = Record();
  identity::VerifiedCache cache;
  cache.Remember("printer@example.com", record, kPassword, kNow);
  for (auto _ : state) {
    benchmark::DoNotOptimize(cache.Knows("printer@example.com", record, kPassword, kNow));
  }
}
BENCHMARK(BM_VerifiedCacheHit);

void BM_LoginThrottle(benchmark::State& state) {
  identity::LoginThrottle throttle;
  const IpAddress address = IpAddress::V4(0xC0000201);
  throttle.Failed("printer@example.com", address, kNow);
  for (auto _ : state) {
    benchmark::DoNotOptimize(throttle.Try("printer@example.com", address, kNow));
  }
}
BENCHMARK(BM_LoginThrottle);

void BM_UnknownName(benchmark::State& state) {
  const identity::UnknownNames names(tls::Key::Random());
  for (auto _ : state) benchmark::DoNotOptimize(names.RecordOf("nobody@example.com"));
}
BENCHMARK(BM_UnknownName);

}  // namespace
}  // namespace ringpost
