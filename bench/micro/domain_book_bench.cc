// What 100,000 domains cost a gateway: the time in which it has read them when it starts, the
// memory of each, and a change of one as shards get it.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <filesystem>
#include <string>

#include "gateway/app/domain_book.h"
#include "gateway/base/check.h"
#include "gateway/identity/sender_domain_json.h"

namespace ringpost::app {
namespace {

constexpr int kDomains = 100'000;
constexpr size_t kRecordsAtOnce = 1000;

std::string NameOf(int number) { return "customer-" + std::to_string(number) + ".example.com"; }

std::string RecordOf(const std::string& name) {
  const WallTime then = WallFromMillis(1'764'000'000'000);
  auto domain = identity::NewSenderDomain(name, 1, false, then);
  RP_CHECK(domain.ok());
  domain->dns = identity::DnsState::kVerified;
  domain->dns_since = domain->last_check = then;
  domain->next_check = then + Seconds(3600);
  for (identity::DkimSlot& slot : domain->slots) {
    slot.state = identity::KeyState::kStandby;
    slot.since = then;
    slot.generation = 1;
  }
  domain->slots[0].state = identity::KeyState::kActive;
  return identity::SenderDomainToJson(*domain);
}

size_t HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// A control store with domains that DNS has shown right, whose first keys sign.
class Stored {
 public:
  Stored() {
    char path[] = "/tmp/ringpost-bench-XXXXXX";
    RP_CHECK(mkdtemp(path) != nullptr);
    path_ = path;
    auto store = storage::ControlStore::Open(path_ + "/control", nullptr);
    RP_CHECK(store.ok());
    store_ = std::move(*store);
    std::vector<storage::ControlStore::Change> changes;
    for (int i = 0; i < kDomains; ++i) {
      changes.push_back({"domain/" + NameOf(i), RecordOf(NameOf(i))});
      if (changes.size() < kRecordsAtOnce) continue;
      RP_CHECK(store_->Write(changes).ok());
      changes.clear();
    }
    auto identity = IdentityBook::Open(store_.get());
    RP_CHECK(identity.ok());
    identity_ = std::move(*identity);
  }
  ~Stored() {
    identity_.reset();
    store_.reset();
    std::filesystem::remove_all(path_);
  }

  std::unique_ptr<DomainBook> Read() {
    DomainOptions options;
    options.zone = "gw.example";
    options.name_servers = {"ns.gw.example"};
    options.mailbox = "hostmaster.gw.example";
    options.regions = {{"local", {{{10, "mx.gw.example"}}, "v=spf1 -all"}}};
    auto book = DomainBook::Open(store_.get(), identity_.get(), std::move(options));
    RP_CHECK(book.ok());
    return std::move(*book);
  }

 private:
  std::string path_;
  std::unique_ptr<storage::ControlStore> store_;
  std::unique_ptr<IdentityBook> identity_;
};

Stored& Store() {
  static Stored stored;
  return stored;
}

void BM_DomainsAreRead(benchmark::State& state) {
  Store();
  for (auto _ : state) {
    const size_t before = HeapBytes();
    auto book = Store().Read();
    state.counters["heap_bytes_each"] =
        static_cast<double>(HeapBytes() - before) / static_cast<double>(kDomains);
    RP_CHECK(book->domains()->size() == kDomains);
  }
}
BENCHMARK(BM_DomainsAreRead)->Unit(benchmark::kMillisecond);

void BM_ADomainChanges(benchmark::State& state) {
  const auto domains = Store().Read()->domains();
  for (auto _ : state) {
    mail::SenderDomains::Builder builder(*domains);
    builder.Put(NameOf(7), {.label = "r", .account = 1, .keys = 1});
    benchmark::DoNotOptimize(std::move(builder).Build());
  }
}
BENCHMARK(BM_ADomainChanges)->Unit(benchmark::kMillisecond);

void BM_DomainIsFound(benchmark::State& state) {
  const auto domains = Store().Read()->domains();
  std::vector<std::string> names;
  for (int i = 0; i < kDomains; ++i)
    names.push_back(NameOf(static_cast<int>(i * 7919L % kDomains)));
  size_t at = 0;
  for (auto _ : state) {
    auto found = domains->Find(names[at++ % names.size()]);
    RP_CHECK(found && found->keys != 0);
  }
}
BENCHMARK(BM_DomainIsFound);

}  // namespace
}  // namespace ringpost::app
