// What comes behind the handshake and is no data, where the kernel reads the records: alerts,
// tickets, KeyUpdate, in records cut anywhere. Whatever comes, who has ended or failed says just
// that from then on; a failure has words; and what the library would answer under keys that are no
// longer its own never gets out.
//
// Input: one byte of modes (1: the client's side; 2: our sends are made elsewhere too), then
// records: a type, a length (2), so many bytes.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/tls/connection.h"
#include "gateway/tls/self_signed.h"

namespace ringpost::tls {
namespace {

std::shared_ptr<const ServerContext> Server() {
  static const auto server = [] {
    WallTime now = ReadWallClock();
    PemPair pem = MakeSelfSigned({"mx.example"}, Certificate::KeyKind::kEcdsa, now, 30);
    auto certificate = *Certificate::Parse(pem.chain, pem.key, {}, now);
    return ServerContext::Make({{certificate}, std::make_shared<TicketKeys>(), false});
  }();
  return server;
}

std::shared_ptr<const ClientContext> Client() {
  static const auto client = *ClientContext::Make({"", false});
  return client;
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

std::unique_ptr<Connection> Secured(bool client_side) {
  auto client = Connection::Connect(Client(), "mx.example", "peer");
  auto server = Connection::Accept(Server());
  Feed(client.get(), {});
  for (int round = 0; round < 3; ++round) {
    Feed(server.get(), Take(client.get()));
    Feed(client.get(), Take(server.get()));
  }
  RP_CHECK(client->established() && server->established());
  return client_side ? std::move(client) : std::move(server);
}

void Check(std::string_view data) {
  if (data.empty() || data.size() > 8192) return;
  auto modes = static_cast<unsigned char>(data[0]);
  data.remove_prefix(1);
  auto connection = Secured(modes & 1);
  connection->ReceiveElsewhere();
  if (modes & 2) connection->SendElsewhere();
  using Kind = Connection::EventKind;
  Kind last = Kind::kNeedInput;
  uint32_t taken = 0;
  while (data.size() >= 3) {
    auto byte = [&](size_t i) { return static_cast<unsigned char>(data[i]); };
    uint8_t type = byte(0);
    size_t count = std::min<size_t>(size_t{byte(1)} << 8 | byte(2), data.size() - 3);
    std::string bytes(data.substr(3, count));  // of its own, so that a view that is kept is seen
    data.remove_prefix(3 + count);
    Kind kind = connection->TakeControl(type, bytes).kind;
    bool was_over = last == Kind::kEnd || last == Kind::kFailed;
    RP_CHECK(!was_over || kind == last);
    RP_CHECK((kind == Kind::kFailed) == !connection->failure().empty());
    RP_CHECK(kind != Kind::kData && kind != Kind::kHandshakeDone);
    // Warnings and whole messages are counted, and bounded.
    if (kind == Kind::kNeedInput && type == Connection::kAlertRecord) {
      RP_CHECK(++taken <= limits::kTlsWarningAlertsMax);
    }
    last = kind;
  }
  if (modes & 2) RP_CHECK(connection->output().empty());
  if (!(modes & 2) && last == Kind::kFailed) RP_CHECK(!Take(connection.get()).empty());
}

}  // namespace
}  // namespace ringpost::tls

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ringpost::tls::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
