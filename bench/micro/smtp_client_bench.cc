// What the client's half of SMTP costs: replies, dot-stuffing, whole transactions of 4 KiB.
#include <benchmark/benchmark.h>

#include <string>

#include "gateway/base/check.h"
#include "gateway/base/slice.h"
#include "gateway/smtp/client_session.h"
#include "gateway/smtp/dot_stuffer.h"
#include "gateway/smtp/reply_parser.h"

namespace ringpost::smtp {
namespace {

using EventKind = ClientSession::EventKind;

// Lines of 76, as mail has them; every `dot_every`th begins with a dot, 0: none.
std::string Body(size_t bytes, size_t dot_every) {
  std::string body = "Subject: benchmark\r\n\r\n";
  for (size_t line = 1; body.size() + 78 < bytes; ++line) {
    bool dot = dot_every != 0 && line % dot_every == 0;
    body += (dot ? "." : "x") + std::string(75, 'y') + "\r\n";
  }
  return body + std::string(bytes - body.size() - 2, 'z') + "\r\n";
}

void BM_ReplyParser(benchmark::State& state) {
  std::string_view input = "250 2.1.5 Ok\r\n";
  ReplyParser parser;
  for (auto _ : state) {
    std::string_view rest = input;
    RP_CHECK(parser.Next(&rest) == ReplyParser::Result::kReply);
    benchmark::DoNotOptimize(parser.reply());
  }
}
BENCHMARK(BM_ReplyParser);

void BM_DotStuffer(benchmark::State& state) {
  Slice body =
      Slice::Copy(Body(static_cast<size_t>(state.range(0)), static_cast<size_t>(state.range(1))));
  DotStuffer stuffer;
  for (auto _ : state) {
    SliceChain wire;
    stuffer.Reset(DotStuffer::Mode::kDots);
    RP_CHECK(stuffer.Append(body, &wire));
    benchmark::DoNotOptimize(wire);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_DotStuffer)
    ->ArgNames({"bytes", "dot_every"})
    ->Args({4096, 0})
    ->Args({4096, 10})
    ->Args({1 << 20, 0});

void Expect(ClientSession* session, std::string_view input, EventKind event) {
  RP_CHECK(session->Step(&input) == event);
  RP_CHECK(input.empty());
}

// One transaction with `recipients`, from Begin to kReady. Without PIPELINING each reply is its own
// arrival.
void BM_Transaction(benchmark::State& state) {
  bool pipelining = state.range(1) != 0;
  auto count = static_cast<size_t>(state.range(0));
  ClientSession session("gw.example.org");
  Expect(&session, "220 mx.example.net ESMTP\r\n", EventKind::kNeedInput);
  Expect(&session,
         pipelining ? "250-mx\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 52428800\r\n"
                    : "250-mx\r\n250-8BITMIME\r\n250 SIZE 52428800\r\n",
         EventKind::kReady);
  Slice trace = Slice::Copy("Received: from client.example.org ([192.0.2.1])\r\n");
  Slice body = Slice::Copy(Body(4096, 0));
  std::vector<Recipient> recipients(count, Recipient{"recipient.name@example.net", "", 0});
  OutgoingMail mail;
  mail.reverse_path = "sender.name@example.org";
  for (const Recipient& recipient : recipients) mail.recipients.push_back(&recipient);
  mail.size = trace.size() + body.size();
  std::string group = "250 2.1.0 Ok\r\n";
  for (size_t i = 0; i < count; ++i) group += "250 2.1.5 Ok\r\n";
  for (auto _ : state) {
    session.output().clear();
    session.Begin(mail);
    if (pipelining) {
      Expect(&session, group + "354 go\r\n", EventKind::kSendBody);
    } else {
      for (size_t i = 0; i <= count; ++i)
        Expect(&session, "250 2.1.5 Ok\r\n", EventKind::kNeedInput);
      Expect(&session, "354 go\r\n", EventKind::kSendBody);
    }
    SliceChain wire;
    session.BodyPiece(trace, &wire);
    session.BodyPiece(body, &wire);
    session.BodyEnd(&wire);
    benchmark::DoNotOptimize(wire);
    Expect(&session, "250 2.0.0 Ok: queued as 4DF1C22A\r\n", EventKind::kDone);
    Expect(&session, "", EventKind::kReady);
  }
}
BENCHMARK(BM_Transaction)
    ->ArgNames({"recipients", "pipelining"})
    ->Args({1, 1})
    ->Args({1, 0})
    ->Args({50, 1});

}  // namespace
}  // namespace ringpost::smtp
