// The server's half of SMTP: commands, whole transactions, the data stream.
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>

#include "gateway/smtp/address.h"
#include "gateway/smtp/data_stream.h"
#include "gateway/smtp/proxy_protocol.h"
#include "gateway/smtp/server_session.h"
#include "storage/durable_mint.h"

namespace ringpost::smtp {
namespace {

constexpr std::string_view kLine =
    "A line of text as mail has it, of some seventy characters, and a dot...\r\n";

std::string Body(size_t bytes) {
  std::string body;
  while (body.size() < bytes) body += kLine;
  return body;
}

ServerOptions Options() {
  ServerOptions options;
  options.hostname = "gateway.example.com";
  return options;
}

// Feeds `wire`, answers what is asked, and throws away what is said. Returns the body bytes that
// came out.
size_t Drive(ServerSession* session, std::string_view wire) {
  size_t body_bytes = 0;
  while (true) {
    const ServerSession::Event event = session->Step(&wire);
    switch (event.kind) {
      case ServerSession::EventKind::kMail:
      case ServerSession::EventKind::kRecipient:
      case ServerSession::EventKind::kData:
        session->Accept();
        break;
      case ServerSession::EventKind::kBody:
        body_bytes += event.body.size();
        break;
      case ServerSession::EventKind::kEndOfData:
        session->Queued(storage::DurableMint::Make(MessageId{}),
                        "queued as 01J9ZQ4G6H8K2M3N4P5Q6R7S8T");
        break;
      case ServerSession::EventKind::kAuthSalt:
      case ServerSession::EventKind::kAuthPassword:
      case ServerSession::EventKind::kAuthProof:
      case ServerSession::EventKind::kReset:
      case ServerSession::EventKind::kXclient:
        break;
      case ServerSession::EventKind::kStartTls:
      case ServerSession::EventKind::kClose:
      case ServerSession::EventKind::kNeedInput:
        session->output().clear();
        return body_bytes;
    }
  }
}

void BM_ServerMessage(benchmark::State& state) {
  const ServerOptions options = Options();
  ServerSession session(&options);
  session.Greet();
  Drive(&session, "EHLO client.example.com\r\n");
  const std::string body = Body(static_cast<size_t>(state.range(0))) + ".\r\n";
  size_t bytes = 0;
  for (auto _ : state) {
    Drive(&session, "MAIL FROM:<sender@example.com> SIZE=4096 BODY=8BITMIME\r\n");
    Drive(&session, "RCPT TO:<recipient.name@example.net>\r\n");
    Drive(&session, "DATA\r\n");
    bytes += Drive(&session, body);
  }
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}
BENCHMARK(BM_ServerMessage)->Arg(4 << 10)->Arg(1 << 20);

void BM_ServerMessagePipelined(benchmark::State& state) {
  const ServerOptions options = Options();
  ServerSession session(&options);
  session.Greet();
  Drive(&session, "EHLO client.example.com\r\n");
  const std::string body = Body(4096);
  const std::string wire =
      "MAIL FROM:<sender@example.com>\r\nRCPT TO:<recipient.name@example.net>\r\nBDAT " +
      std::to_string(body.size()) + " LAST\r\n" + body;
  for (auto _ : state) benchmark::DoNotOptimize(Drive(&session, wire));
}
BENCHMARK(BM_ServerMessagePipelined);

void BM_ServerRecipient(benchmark::State& state) {
  ServerOptions options = Options();
  options.recipients_max = 50'000;
  ServerSession session(&options);
  session.Greet();
  size_t recipients = 0;
  for (auto _ : state) {
    if (recipients++ % 1000 == 0) {
      // A message now and then, so that RSET is no junk.
      Drive(&session,
            "MAIL FROM:<sender@example.com>\r\nRCPT TO:<a@example.net>\r\nBDAT 0 LAST\r\n");
      Drive(&session, "MAIL FROM:<sender@example.com>\r\n");
    }
    Drive(&session, "RCPT TO:<recipient.name@example.net> NOTIFY=SUCCESS,FAILURE\r\n");
    if (recipients % 1000 == 0) Drive(&session, "RSET\r\n");
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(BM_ServerRecipient);

void BM_ServerEhlo(benchmark::State& state) {
  const ServerOptions options = Options();
  for (auto _ : state) {
    ServerSession session(&options);
    session.Greet();
    benchmark::DoNotOptimize(Drive(&session, "EHLO client.example.com\r\n"));
  }
}
BENCHMARK(BM_ServerEhlo);

// `arg`: bytes. Dots and line ends as mail has them.
void BM_DataStream(benchmark::State& state, bool dotted, std::string_view line) {
  std::string body;
  while (body.size() < static_cast<size_t>(state.range(0))) body += line;
  body += "\r\n.\r\n";
  for (auto _ : state) {
    DataStream stream(dotted, false);
    std::string_view input = body;
    std::string_view piece;
    while (stream.Next(&input, &piece) == DataStream::Result::kPiece) {
      benchmark::DoNotOptimize(piece);
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(body.size()));
}
BENCHMARK_CAPTURE(BM_DataStream, data, true, kLine)->Arg(4 << 10)->Arg(1 << 20);
BENCHMARK_CAPTURE(BM_DataStream, bdat, false, kLine)->Arg(4 << 10)->Arg(1 << 20);
BENCHMARK_CAPTURE(BM_DataStream, data_8bit, true,
                  "\xd0\xa1\xd1\x82\xd1\x80\xd0\xbe\xd0\xba\xd0\xb0 \xd1\x82\xd0\xb5\xd0\xba\r\n")
    ->Arg(1 << 20);
BENCHMARK_CAPTURE(BM_DataStream, data_all_stuffed, true, "..\r\n")->Arg(1 << 20);

void BM_ParseMailbox(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(ParseMailbox("recipient.name@mail.example.net", {}));
  }
}
BENCHMARK(BM_ParseMailbox);

void BM_ProxyHeader(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(ParseProxyHeader("PROXY TCP4 192.0.2.1 192.0.2.2 4660 25\r\n"));
  }
}
BENCHMARK(BM_ProxyHeader);

}  // namespace
}  // namespace ringpost::smtp
