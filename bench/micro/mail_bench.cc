// What the mail room costs per message: the header scan, the trace fields; and per report and
// downgrade.
#include <benchmark/benchmark.h>

#include <string>

#include "gateway/base/check.h"
#include "gateway/mail/downgrade.h"
#include "gateway/mail/dsn.h"
#include "gateway/mail/header_scan.h"
#include "gateway/mail/trace_header.h"

namespace ringpost::mail {
namespace {

std::string Message(std::string_view line, size_t bytes) {
  std::string message =
      "Received: from a.example.org ([192.0.2.7])\r\n\tby b.example.org with ESMTP id 4DF1C22A\r\n"
      "\tfor <bob@example.net>; Mon, 24 Nov 2025 16:00:00 +0000\r\n"
      "From: Ann <ann@example.org>\r\nTo: Bob <bob@example.net>\r\nSubject: a subject of usual "
      "length\r\n"
      "Date: Mon, 24 Nov 2025 16:00:00 +0000\r\nMessage-ID: "
      "<20251124160000.4DF1C22A@example.org>\r\n"
      "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
      "8bit\r\n\r\n";
  while (message.size() < bytes) message.append(line).append("\r\n");
  return message;
}

void BM_ScanHeaders(benchmark::State& state) {
  SliceChain message;
  message.Append(Slice::Copy(Message("a line of plain text that is neither short nor long", 4096)));
  for (auto _ : state) benchmark::DoNotOptimize(ScanHeaders(message));
}
BENCHMARK(BM_ScanHeaders);

void BM_ReceivedField(benchmark::State& state) {
  TraceInput input;
  input.helo = "client.example.com";
  input.client = *IpAddress::Parse("192.0.2.1");
  input.hostname = "gw.example.org";
  input.protocol = "ESMTP";
  input.single_recipient = "bob@example.net";
  input.now = WallFromMillis(1764000000000);
  for (auto _ : state) benchmark::DoNotOptimize(ReceivedField(input));
}
BENCHMARK(BM_ReceivedField);

void BM_Reencode(benchmark::State& state) {
  std::string message = Message(
      "Gr\xc3\xbc\xc3\x9f"
      "e aus K\xc3\xb6ln, eine Zeile wie andere auch",
      100'000);
  for (auto _ : state) {
    auto encoded = Reencode(message);
    RP_CHECK(encoded.has_value());
    benchmark::DoNotOptimize(encoded);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(message.size()));
}
BENCHMARK(BM_Reencode);

void BM_BuildDsn(benchmark::State& state) {
  std::string header = Message("", 0);
  DsnInput input;
  input.hostname = "gw.example.org";
  input.reverse_path = "ann@example.org";
  input.arrival = input.now = WallFromMillis(1764000000000);
  input.original = header;
  DsnRecipient failed;
  failed.recipient.address = "bob@example.net";
  failed.reply = {550, {5, 1, 1}, "<bob@example.net>: no such user"};
  failed.remote_mta = "mx.example.net";
  failed.last_attempt = input.now;
  input.recipients.push_back(failed);
  for (auto _ : state) benchmark::DoNotOptimize(BuildDsn(input));
}
BENCHMARK(BM_BuildDsn);

}  // namespace
}  // namespace ringpost::mail
