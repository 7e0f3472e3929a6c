// TLS connections under attack: a client and a server of ours talk through somebody who changes,
// drops, adds and repeats bytes of what they send; or one of them is fed bytes that are no TLS at
// all. Whatever happens, each hears a beginning of what the other said and nothing else, and who
// has failed or ended hears no more.
//
// Input: one byte of modes, one that seeds the cuts; then changes of 5 bytes each: direction and
// kind, the offset in that direction's bytes (2), a length, a value. In raw mode: the bytes
// themselves.
#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/tls/connection.h"
#include "gateway/tls/self_signed.h"

namespace ringpost::tls {
namespace {

// Outputs of one side for one input of a few kilobytes: alerts, answers to KeyUpdate.
constexpr size_t kOutputBytesMax = 1 << 20;

std::shared_ptr<const ServerContext> Server(bool old_versions) {
  static const auto certificate = [] {
    WallTime now = ReadWallClock();
    PemPair pem = MakeSelfSigned({"mx.example"}, Certificate::KeyKind::kEcdsa, now, 30);
    return *Certificate::Parse(pem.chain, pem.key, {}, now);
  }();
  static const auto tickets = std::make_shared<TicketKeys>();
  static const auto modern = ServerContext::Make({{certificate}, tickets, false});
  static const auto old = ServerContext::Make({{certificate}, tickets, true});
  return old_versions ? old : modern;
}

std::shared_ptr<const ClientContext> Client() {
  static const auto client = *ClientContext::Make({"", false});
  return client;
}

struct Side {
  std::unique_ptr<Connection> connection;
  std::string heard;
  bool over = false;

  void Feed(std::string_view bytes) {
    std::string copy(bytes);  // of its own, so that a view that is kept too long is seen
    std::string_view input = copy;
    for (size_t steps = 16 + 2 * bytes.size();; --steps) {
      RP_CHECK(steps > 0);
      Connection::Event event = connection->Step(&input);
      using Kind = Connection::EventKind;
      RP_CHECK(!over || event.kind == Kind::kEnd || event.kind == Kind::kFailed);
      if (event.kind == Kind::kData) {
        RP_CHECK(connection->established() && !event.data.empty());
        heard.append(event.data.view());
        continue;
      }
      if (event.kind == Kind::kHandshakeDone) {
        RP_CHECK(connection->established() && !connection->facts().version.empty());
        continue;
      }
      RP_CHECK(input.empty());
      over = event.kind != Kind::kNeedInput;
      RP_CHECK((event.kind == Kind::kFailed) == !connection->failure().empty());
      return;
    }
  }
  std::string Take() {
    std::string bytes;
    for (const Slice& slice : connection->output().slices()) bytes.append(slice.view());
    connection->output().Clear();
    RP_CHECK(bytes.size() <= kOutputBytesMax);
    return bytes;
  }
  void Say(std::string_view words) {
    if (!connection->established()) return;
    Slice slice = Slice::Copy(words);
    connection->Write({&slice, 1});
  }
};

struct Change {
  enum Kind : uint8_t { kFlip, kDrop, kInsert, kRepeat };
  bool to_client;
  Kind kind;
  size_t offset;
  size_t count;
  char value;
};

// What is between the two, in one direction.
class Wire {
 public:
  explicit Wire(std::vector<Change> changes) : changes_(std::move(changes)) {}
  std::string Carry(const std::string& bytes) {
    std::string out;
    for (char c : bytes) {
      bool dropped = false;
      for (const Change& change : changes_) {
        if (change.offset == at_ && change.kind == Change::kInsert) {
          out.append(change.count, change.value);
        }
        if (change.offset == at_ && change.kind == Change::kRepeat) {
          out.append(out.substr(out.size() - std::min(out.size(), change.count)));
        }
        bool inside = at_ >= change.offset && at_ < change.offset + change.count;
        if (inside && change.kind == Change::kFlip) c = static_cast<char>(c ^ change.value);
        dropped |= inside && change.kind == Change::kDrop;
      }
      ++at_;
      if (!dropped) out.push_back(c);
    }
    return out;
  }

 private:
  std::vector<Change> changes_;
  size_t at_ = 0;
};

std::vector<Change> ReadChanges(std::string_view data, bool to_client) {
  std::vector<Change> changes;
  for (; data.size() >= 5 && changes.size() < 8; data.remove_prefix(5)) {
    auto byte = [&](size_t i) { return static_cast<unsigned char>(data[i]); };
    Change change{(byte(0) & 1) != 0, static_cast<Change::Kind>(byte(0) >> 1 & 3),
                  static_cast<size_t>(byte(1) << 8 | byte(2)), 1u + byte(3), data[4]};
    if (change.to_client == to_client) changes.push_back(change);
  }
  return changes;
}

void Talk(unsigned char modes, unsigned char seed, std::string_view data) {
  Side client, server;
  client.connection = Connection::Connect(Client(), "mx.example", "peer");
  server.connection = Connection::Accept(Server(modes & 2));
  Wire there(ReadChanges(data, false)), back(ReadChanges(data, true));
  std::minstd_rand random(seed + 1u);
  const size_t most = modes & 4 ? 1 + random() % 200 : 1 << 20;
  std::string client_says, server_says;
  client.Feed({});
  for (int round = 0; round < 6; ++round) {
    if (round > 1 && client.connection->established() && server.connection->established()) {
      std::string words(round == 3 ? 20'000 : 40, static_cast<char>('a' + round));
      client.Say(words);
      client_says += words;
      server.Say(words);
      server_says += words;
      if (round == 4 && modes & 8) client.connection->WriteEnd();
    }
    while (true) {
      std::string up = there.Carry(client.Take());
      for (size_t at = 0; at < up.size(); at += most) server.Feed(up.substr(at, most));
      std::string down = back.Carry(server.Take());
      for (size_t at = 0; at < down.size(); at += most) client.Feed(down.substr(at, most));
      if (up.empty() && down.empty()) break;
    }
  }
  RP_CHECK(client_says.starts_with(server.heard));
  RP_CHECK(server_says.starts_with(client.heard));
  if (data.size() >= 5) return;
  // Nobody was between them.
  RP_CHECK(server.heard.size() > 20'000 && server_says == client.heard);
}

void Raw(unsigned char modes, unsigned char seed, std::string_view data) {
  Side side;
  side.connection = modes & 2 ? Connection::Connect(Client(), "mx.example", "peer")
                              : Connection::Accept(Server(modes & 4));
  side.Feed({});
  std::minstd_rand random(seed + 1u);
  while (!data.empty()) {
    size_t count = std::min<size_t>(data.size(), 1 + random() % 500);
    side.Feed(data.substr(0, count));
    data.remove_prefix(count);
  }
  RP_CHECK(side.heard.empty());
  side.connection->WriteEnd();
  side.Take();
}

void Check(std::string_view data) {
  if (data.size() < 2 || data.size() > 8192) return;
  auto modes = static_cast<unsigned char>(data[0]);
  auto seed = static_cast<unsigned char>(data[1]);
  if (modes & 1) {
    Raw(modes, seed, data.substr(2));
  } else {
    Talk(modes, seed, data.substr(2));
  }
}

}  // namespace
}  // namespace ringpost::tls

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ringpost::tls::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
