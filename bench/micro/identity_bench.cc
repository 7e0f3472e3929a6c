// Who may send, decided as at MAIL (Identify, then MaySendAs the reverse-path), in a directory of
// a million credentials and 100,000 domains: random ones each time, so that the directory is met as
// mail from everywhere meets it, out of the caches.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <optional>
#include <string>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/base/random.h"
#include "gateway/identity/decision.h"
#include "gateway/identity/directory.h"

namespace ringpost::identity {
namespace {

constexpr uint32_t kCredentials = 1'000'000;
constexpr uint32_t kDomains = 100'000;  // one account each
constexpr uint32_t kQueries = 1 << 18;
// What credentials are, in turns. Networks are hosts and blocks of some lengths: each length that
// there is costs a look.
constexpr CredentialKind kKinds[] = {CredentialKind::kUser, CredentialKind::kNetwork,
                                     CredentialKind::kAddress};
constexpr uint32_t kPrefixes[] = {32, 32, 32, 29, 28, 27, 24};

std::string DomainOf(uint32_t account) {
  return "customer-" + std::to_string(account) + ".example.com";
}

uint32_t AccountOf(uint32_t number) { return number % kDomains; }
CredentialKind KindOf(uint32_t number) { return kKinds[number % std::size(kKinds)]; }
// 2 to the 8 addresses each, from 16.0.0.0 on.
uint32_t NetworkOf(uint32_t number) { return 0x10000000 + (number << 8); }

std::string NameOf(uint32_t number) {
  switch (KindOf(number)) {
    case CredentialKind::kNetwork:
      return IpAddress::V4(NetworkOf(number)).ToString() + "/" +
             std::to_string(kPrefixes[number % std::size(kPrefixes)]);
    case CredentialKind::kAddress:
      return "device-" + std::to_string(number) + "@" + DomainOf(AccountOf(number));
    default:
      return "user-" + std::to_string(number);
  }
}

size_t HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

struct Filled {
  std::shared_ptr<const Directory> directory;
  double heap_bytes_each = 0;  // all that it is made of, accounts and domains too
};

Filled Fill() {
  const size_t before = HeapBytes();
  Directory::Builder builder;
  for (uint32_t account = 0; account < kDomains; ++account) {
    builder.PutAccount({.id = account + 1, .name = "account-" + std::to_string(account)});
    RP_CHECK(builder.AddVerified(account + 1, DomainOf(account)).ok());
  }
  for (uint32_t number = 0; number < kCredentials; ++number) {
    Directory::NewCredential one;
    one.id = number + 1;
    one.account = AccountOf(number) + 1;
    one.kind = KindOf(number);
    one.name = NameOf(number);
    RP_CHECK(builder.Add(one).ok());
  }
  Filled filled{std::move(builder).Build()};
  filled.heap_bytes_each = static_cast<double>(HeapBytes() - before) / kCredentials;
  return filled;
}

const Filled& Whole() {
  static const Filled filled = Fill();
  return filled;
}

// What a client shows at MAIL.
struct Query {
  std::string user;  // empty: no login
  IpAddress client;
  std::string reverse_path;
};

std::vector<Query> Queries(CredentialKind kind) {
  Random random(1);
  std::vector<Query> queries;
  while (queries.size() < kQueries) {
    const uint32_t number = random.Below(kCredentials);
    if (KindOf(number) != kind) continue;
    Query query;
    query.client = IpAddress::V4(0x0A000000 + random.Below(1 << 20));
    query.reverse_path = "someone@" + DomainOf(AccountOf(number));
    if (kind == CredentialKind::kUser) query.user = NameOf(number);
    if (kind == CredentialKind::kNetwork) query.client = IpAddress::V4(NetworkOf(number));
    if (kind == CredentialKind::kAddress) query.reverse_path = NameOf(number);
    queries.push_back(query);
  }
  return queries;
}

void Decide(benchmark::State& state, CredentialKind kind) {
  const Directory& directory = *Whole().directory;
  const ListenerIdentity listener{.by_password = true, .by_network = true, .by_address = true};
  const std::vector<Query> queries = Queries(kind);
  size_t at = 0;
  for (auto _ : state) {
    const Query& query = queries[at++ % kQueries];
    std::optional<Credential> login;
    if (!query.user.empty()) login = directory.FindUser(query.user);
    const Identity found = Identify(directory, listener, login, query.client, query.reverse_path);
    RP_CHECK(found.refusal == Refusal::kNone && found.credential->kind == kind);
    const Refusal refusal =
        MaySendAs(directory, *found.credential, ListedAddress::From(query.reverse_path));
    RP_CHECK(refusal == Refusal::kNone);
  }
  state.counters["bytes_each"] =
      static_cast<double>(directory.bytes()) / static_cast<double>(directory.credentials());
  state.counters["heap_bytes_each"] = Whole().heap_bytes_each;
}

void BM_DecideByUser(benchmark::State& state) { Decide(state, CredentialKind::kUser); }
BENCHMARK(BM_DecideByUser);
void BM_DecideByNetwork(benchmark::State& state) { Decide(state, CredentialKind::kNetwork); }
BENCHMARK(BM_DecideByNetwork);
void BM_DecideByAddress(benchmark::State& state) { Decide(state, CredentialKind::kAddress); }
BENCHMARK(BM_DecideByAddress);

}  // namespace
}  // namespace ringpost::identity
