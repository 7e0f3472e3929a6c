// Opening TLS records where they lie.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/tls/connection.h"
#include "gateway/tls/record_opener.h"
#include "gateway/tls/self_signed.h"

namespace ringpost::tls {
namespace {

// Two ends that have shaken hands.
struct Ends {
  std::unique_ptr<Connection> client, server;

  Ends() {
    WallTime now = ReadWallClock();
    PemPair pem = MakeSelfSigned({"mx.example"}, Certificate::KeyKind::kEcdsa, now, 30);
    auto certificate = *Certificate::Parse(pem.chain, pem.key, {}, now);
    server = Connection::Accept(ServerContext::Make({{certificate}, nullptr, false}));
    client = Connection::Connect(*ClientContext::Make({"", false}), "mx.example", "peer");
    Feed(client.get(), "");
    for (int round = 0; round < 3; ++round) {
      Feed(server.get(), Take(client.get()));
      Feed(client.get(), Take(server.get()));
    }
    RP_CHECK(client->established() && server->established());
  }

  static std::string Take(Connection* connection) {
    std::string bytes;
    for (const Slice& slice : connection->output().slices()) bytes.append(slice.view());
    connection->output().Clear();
    return bytes;
  }
  static void Feed(Connection* connection, std::string_view input) {
    while (connection->Step(&input).kind != Connection::EventKind::kNeedInput) {
    }
  }
};

// A body of so many bytes, in receive buffers. 1: opened in place; 0: by the library.
void BM_TlsOpen(benchmark::State& state) {
  Ends ends;
  const size_t size = static_cast<size_t>(state.range(0));
  const bool in_place = state.range(1) == 1;
  if (in_place) RP_CHECK(ends.server->OpenInPlace());
  const std::string body(size, 'x');
  std::vector<Slice> buffers, opened;
  for (auto _ : state) {
    state.PauseTiming();
    const Slice part = Slice::Static(body);
    ends.client->Write({&part, 1});
    const std::string sealed = Ends::Take(ends.client.get());
    buffers.clear();
    opened.clear();
    for (size_t at = 0; at < sealed.size(); at += limits::kReceiveBufferBytes) {
      buffers.push_back(Slice::Copy(sealed.substr(at, limits::kReceiveBufferBytes)));
    }
    state.ResumeTiming();
    size_t got = 0;
    for (Slice& buffer : buffers) {
      while (true) {
        Connection::Event event = ends.server->Step(&buffer);
        if (event.kind != Connection::EventKind::kData) break;
        got += event.data.size();
        opened.push_back(std::move(event.data));
      }
    }
    RP_CHECK(got == size);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_TlsOpen)->ArgNames({"bytes", "in_place"})->ArgsProduct({{100, 4096, 102'400}, {0, 1}});

}  // namespace
}  // namespace ringpost::tls
