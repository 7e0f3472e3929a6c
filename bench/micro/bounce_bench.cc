// What a bounce costs on the shard that takes it: reading it, hostile ones too, and its class.
#include <benchmark/benchmark.h>

#include <string>

#include "gateway/app/config_bounces.h"
#include "gateway/mail/bounce_limits.h"

namespace ringpost::mail {
namespace {

const char kDsn[] =
    "From: MAILER-DAEMON@mx.example.net\r\nSubject: Undelivered Mail Returned to Sender\r\n"
    "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n"
    "\tboundary=\"b1\"\r\n\r\n--b1\r\n\r\nIt could not be delivered.\r\n\r\n<bob@example.net>: "
    "550 5.1.1 no such user\r\n\r\n--b1\r\nContent-Type: message/delivery-status\r\n\r\n"
    "Reporting-MTA: dns; mx.example.net\r\n\r\nFinal-Recipient: rfc822; bob@example.net\r\n"
    "Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n"
    "--b1\r\nContent-Type: message/rfc822\r\n\r\nReturn-Path: <t@em1.example.com>\r\n"
    "Message-ID: <m@example.com>\r\n\r\nhello\r\n--b1--\r\n";

void Read(benchmark::State& state, const std::string& message) {
  for (auto _ : state) benchmark::DoNotOptimize(ReadBounce(message));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * message.size()));
}

void BM_BounceDsn(benchmark::State& state) { Read(state, kDsn); }
BENCHMARK(BM_BounceDsn);

std::string Filled(std::string message, std::string_view line) {
  while (message.size() < limits::kBounceBytesMax) message.append(line);
  return message;
}

// Text that is looked at as far as it may be, of a mailer.
void BM_BounceLongText(benchmark::State& state) {
  Read(state, Filled("From: <>\r\nSubject: undelivered\r\n\r\n",
                     "delivery d-d 5.5 4.4 (undelive) <user@example> : permanen\r\n"));
}
BENCHMARK(BM_BounceLongText);

// Fences without end, within one another.
void BM_BounceManyParts(benchmark::State& state) {
  Read(state, Filled("Content-Type: multipart/mixed; boundary=b\r\n\r\n",
                     "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"));
}
BENCHMARK(BM_BounceManyParts);

void BM_BounceManyFields(benchmark::State& state) {
  Read(state, Filled("", "Final-Recipient: rfc822; bob@example.net\r\n x\r\n"));
}
BENCHMARK(BM_BounceManyFields);

void Classify(benchmark::State& state, const std::string& text) {
  auto classes = app::DefaultBounceClasses();
  smtp::Reply reply = ReadBounceReply(text);
  for (auto _ : state) {
    benchmark::DoNotOptimize(classes->Classify(reply.code, reply.enhanced, reply.text));
  }
}

void BM_BounceClass(benchmark::State& state) {
  Classify(state, "550 5.7.1 <bob@example.net>: Relay access denied");
}
BENCHMARK(BM_BounceClass);

// As much text as is kept, of words that many patterns begin with.
void BM_BounceClassLongest(benchmark::State& state) {
  std::string text = "550 ";
  while (text.size() < limits::kBounceDiagnosisBytesMax) text += "message not mail from user host ";
  Classify(state, text);
}
BENCHMARK(BM_BounceClassLongest);

// At start, and at each reload.
void BM_BounceClassesLoad(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(app::ParseBounceClasses(app::DefaultBounceClassesText()));
  }
}
BENCHMARK(BM_BounceClassesLoad);

}  // namespace
}  // namespace ringpost::mail
