// A server verified: handshakes of a client that takes anybody, one that holds the server to an
// authority, and one that holds it to a TLSA record.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "gateway/base/check.h"
#include "gateway/base/dane_policy.h"
#include "gateway/tls/connection.h"
#include "gateway/tls/password_hash.h"
#include "gateway/tls/self_signed.h"

namespace ringpost::tls {
namespace {

std::string Der(const std::string& pem) {
  size_t begin = pem.find('\n') + 1, end = pem.find("-----END");
  std::string der;
  RP_CHECK(absl::Base64Unescape(pem.substr(begin, end - begin), &der));
  return der;
}

std::string Take(Connection* connection) {
  std::string bytes;
  for (const Slice& slice : connection->output().slices()) bytes.append(slice.view());
  connection->output().Clear();
  return bytes;
}

void Feed(Connection* connection, std::string_view input) {
  while (connection->Step(&input).kind != Connection::EventKind::kNeedInput) {
  }
}

enum By : int64_t { kNobody, kPkix, kDane };

struct Setup {
  std::shared_ptr<const ServerContext> server;
  std::shared_ptr<const ClientContext> client;
  std::shared_ptr<const DanePolicy> dane;

  explicit Setup(By by) {
    WallTime now = ReadWallClock();
    PemPair pem = MakeSelfSigned({"mx.a.example"}, Certificate::KeyKind::kEcdsa, now, 30);
    server =
        ServerContext::Make({{*Certificate::Parse(pem.chain, pem.key, {}, now)}, nullptr, false});
    std::string path = "/tmp/ringpost-bench-XXXXXX";
    int fd = mkstemp(path.data());
    RP_CHECK(write(fd, pem.chain.data(), pem.chain.size()) ==
             static_cast<ssize_t>(pem.chain.size()));
    close(fd);
    client = *ClientContext::Make(
        {.authorities = by == kPkix ? path : "", .verify = by == kPkix, .resume = false});
    unlink(path.c_str());
    if (by != kDane) return;
    Digest digest = Sha256Of(Der(pem.chain));
    TlsaRecord record{TlsaRecord::kDaneEe, TlsaRecord::kCert, TlsaRecord::kSha256, ""};
    record.data.assign(reinterpret_cast<const char*>(digest.data()), digest.size());
    dane = std::make_shared<DanePolicy>(DanePolicy{"mx.a.example", {record}, {"mx.a.example"}});
  }
};

// Both sides of it.
void BM_TlsHandshakeVerified(benchmark::State& state) {
  Setup setup(static_cast<By>(state.range(0)));
  for (auto _ : state) {
    auto server = Connection::Accept(setup.server);
    auto client = setup.dane ? Connection::ConnectDane(setup.client, setup.dane, "peer")
                             : Connection::Connect(setup.client, "mx.a.example", "peer");
    Feed(client.get(), "");
    for (int round = 0; round < 2; ++round) {
      Feed(server.get(), Take(client.get()));
      Feed(client.get(), Take(server.get()));
    }
    RP_CHECK(server->established() && client->established());
    RP_CHECK(client->facts().verified == (state.range(0) != kNobody));
  }
}
BENCHMARK(BM_TlsHandshakeVerified)->ArgName("by")->Arg(kNobody)->Arg(kPkix)->Arg(kDane);

}  // namespace
}  // namespace ringpost::tls
