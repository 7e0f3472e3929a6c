// TLSA records of a hostile domain, as tls is given them: whatever is in them, a server that none
// of them names is never taken for the one that it should be.
//
// Input: records, one after the other: usage, selector, matching type, what the data begin with (0
// nothing, 1 the server's certificate, 2 and 3 its SHA-256 with the last byte as it is or changed),
// the length of what follows (2 bytes), and that.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "gateway/base/check.h"
#include "gateway/base/dane_policy.h"
#include "gateway/tls/connection.h"
#include "gateway/tls/password_hash.h"
#include "gateway/tls/self_signed.h"

namespace ringpost::tls {
namespace {

constexpr size_t kRecordsMax = 16;

struct Server {
  std::string der, digest;
  std::shared_ptr<const ServerContext> context;

  static const Server& Get() {
    static const Server server = [] {
      WallTime now = ReadWallClock();
      PemPair pem = MakeSelfSigned({"mx.a.example"}, Certificate::KeyKind::kEcdsa, now, 30);
      Server made;
      size_t begin = pem.chain.find('\n') + 1;
      RP_CHECK(absl::Base64Unescape(pem.chain.substr(begin, pem.chain.find("-----END") - begin),
                                    &made.der));
      Digest digest = Sha256Of(made.der);
      made.digest.assign(reinterpret_cast<const char*>(digest.data()), digest.size());
      made.context =
          ServerContext::Make({{*Certificate::Parse(pem.chain, pem.key, {}, now)}, nullptr, false});
      return made;
    }();
    return server;
  }
};

std::vector<TlsaRecord> Records(std::string_view data) {
  const Server& server = Server::Get();
  std::vector<TlsaRecord> records;
  while (data.size() >= 6 && records.size() < kRecordsMax) {
    auto byte = [&](size_t at) { return static_cast<uint8_t>(data[at]); };
    TlsaRecord record{byte(0), byte(1), byte(2), ""};
    switch (byte(3) & 3) {
      case 1:
        record.data = server.der;
        break;
      case 3:
      case 2:
        record.data = server.digest;
        record.data.back() = static_cast<char>(record.data.back() ^ (byte(3) & 1));
        break;
    }
    size_t count = std::min<size_t>(byte(4) << 8 | byte(5), data.size() - 6);
    record.data += data.substr(6, count);
    records.push_back(std::move(record));
    data.remove_prefix(6 + count);
  }
  return records;
}

// Its key is not known before it runs, and nobody signed it: its certificate alone can prove it.
bool Names(const TlsaRecord& record) {
  const Server& server = Server::Get();
  if (record.usage != TlsaRecord::kDaneEe || record.selector != TlsaRecord::kCert) return false;
  return (record.matching_type == TlsaRecord::kFull && record.data == server.der) ||
         (record.matching_type == TlsaRecord::kSha256 && record.data == server.digest);
}

std::string Take(Connection* connection) {
  std::string bytes;
  for (const Slice& slice : connection->output().slices()) bytes.append(slice.view());
  connection->output().Clear();
  return bytes;
}

void Feed(Connection* connection, std::string_view input) {
  while (true) {
    Connection::EventKind kind = connection->Step(&input).kind;
    if (kind == Connection::EventKind::kNeedInput || kind == Connection::EventKind::kFailed) return;
  }
}

void Check(std::string_view data) {
  auto policy = std::make_shared<DanePolicy>();
  policy->base_domain = "mx.a.example";
  policy->names = {policy->base_domain};
  policy->records = Records(data);
  if (policy->records.empty()) return;
  static const auto context = *ClientContext::Make({"", false});
  auto server = Connection::Accept(Server::Get().context);
  auto client = Connection::ConnectDane(context, policy, "peer");
  Feed(client.get(), "");
  for (int round = 0; round < 2; ++round) {
    Feed(server.get(), Take(client.get()));
    Feed(client.get(), Take(server.get()));
  }
  bool named = std::any_of(policy->records.begin(), policy->records.end(), Names);
  const Connection::Facts& facts = client->facts();
  RP_CHECK(client->established() == named && facts.verified == named);
  RP_CHECK(facts.proof == (named ? PeerProof::kDaneEe : PeerProof::kNone));
  RP_CHECK((facts.fault == PeerFault::kNone) == named && client->failure().empty() == named);
  RP_CHECK(ReportResultType(facts.fault).empty() == named);
}

}  // namespace
}  // namespace ringpost::tls

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 65'535) return 0;
  ringpost::tls::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
