// A region's suppression list with ten million entries: what an entry takes of memory, what a
// recipient's lookups cost, and how fast the table fills.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include "gateway/base/random.h"
#include "gateway/identity/suppression_table.h"

namespace ringpost::identity {
namespace {

constexpr size_t kEntries = 10'000'000;

std::string AddressOf(size_t number) {
  return "recipient" + std::to_string(number) + "@mail" + std::to_string(number % 5000) +
         ".example.com";
}

uint64_t ResidentBytes() {
  unsigned long all = 0, resident = 0;
  FILE* file = std::fopen("/proc/self/statm", "r");
  if (!file || std::fscanf(file, "%lu %lu", &all, &resident) != 2) resident = 0;
  if (file) std::fclose(file);
  return uint64_t{resident} * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

struct Filled {
  Filled() {
    uint64_t before = ResidentBytes();
    for (size_t i = 0; i < kEntries; ++i) {
      table.Add(static_cast<uint32_t>(i % 100 + 1), *ListKey(AddressOf(i)),
                SuppressionReason::kHardBounce, WallTime(std::chrono::days(20'000)));
    }
    resident_bytes = ResidentBytes() - before;
  }
  static const Filled& Get() {
    static const auto* filled = new Filled;
    return *filled;
  }
  SuppressionTable table;
  uint64_t resident_bytes = 0;
};

// With its canonical form, which RCPT pays besides: four lookups for a name of four labels.
void LookUp(benchmark::State& state, uint32_t accounts) {
  const Filled& filled = Filled::Get();
  Random random(1);
  size_t suppressed = 0;
  for (auto _ : state) {
    size_t number = random.Next() % kEntries;
    auto account = static_cast<uint32_t>(number % 100 + accounts);
    suppressed += filled.table.Find(account, ListedAddress::From(AddressOf(number))).has_value();
  }
  state.counters["suppressed"] = static_cast<double>(suppressed) / state.iterations();
  state.counters["table_bytes_per_entry"] = static_cast<double>(filled.table.bytes()) / kEntries;
  state.counters["rss_bytes_per_entry"] = static_cast<double>(filled.resident_bytes) / kEntries;
}
void BM_SuppressionHit(benchmark::State& state) { LookUp(state, 1); }
BENCHMARK(BM_SuppressionHit);
void BM_SuppressionMiss(benchmark::State& state) { LookUp(state, 101); }
BENCHMARK(BM_SuppressionMiss);

void BM_SuppressionCanonicalForm(benchmark::State& state) {
  Random random(1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(ListedAddress::From(AddressOf(random.Next() % kEntries)));
  }
}
BENCHMARK(BM_SuppressionCanonicalForm);

void BM_SuppressionAdd(benchmark::State& state) {
  auto table = std::make_unique<SuppressionTable>();
  size_t number = 0;
  for (auto _ : state) {
    table->Add(1, "example.com@" + std::to_string(number++), SuppressionReason::kManual, {});
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_SuppressionAdd)->Iterations(1'000'000);

}  // namespace
}  // namespace ringpost::identity
