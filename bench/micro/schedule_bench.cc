// What a message costs the schedule, from its admission to its removal, with so many others queued;
// and what an entry costs in memory. The argument is the number of entries that wait, over 100,000
// domains.
//
// "New message" is the whole of it: added, popped, removed, as for mail that is delivered at once.
// The cost of a message in all is about 55 microseconds, so a growth of some hundred nanoseconds
// (cache misses in the index and the domain table) stays far below a fifth of it; the counter
// share_of_55us says how far.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "gateway/base/random.h"
#include "gateway/delivery/schedule.h"

namespace ringpost::delivery {
namespace {

const WallTime kNow = WallFromMillis(1'790'000'000'000);
constexpr int64_t kDomains = 100'000;
constexpr double kMessageNanos = 55'000;

std::string DomainNumber(int64_t number) {
  return "customer-" + std::to_string(number) + ".mail.example.com";
}

struct Queue {
  explicit Queue(int64_t entries) : schedule(kNow, [](std::string_view) { return SiteId{0}; }) {
    schedule.AddSite();
    for (int64_t i = 0; i < kDomains; ++i) domains.push_back(DomainNumber(i));
    for (int64_t i = 0; i < entries; ++i) Add(kNow + Seconds(60 + i % 14'400));
  }
  Slot Add(WallTime due) {
    NewEntry entry;
    entry.id = MessageId::Make(kNow, 0, random);
    entry.domain = domains[random.Below(domains.size())];
    entry.due = due;
    entry.deadline = kNow + Seconds(5 * 86'400);
    entry.recipients = 1;
    return schedule.Add(entry, kNow);
  }
  Random random{1};
  std::vector<std::string> domains;
  Schedule schedule;
};

void NewMessage(benchmark::State& state) {
  Queue queue(state.range(0));
  uint64_t bytes = queue.schedule.memory_bytes();
  for (auto _ : state) {
    queue.Add(kNow);
    Slot slot = queue.schedule.PopReady(0);
    benchmark::DoNotOptimize(slot);
    queue.schedule.Remove(slot);
    queue.schedule.TakeTouchedSites();
  }
  if (state.range(0) > 0) {
    state.counters["bytes_per_entry"] =
        static_cast<double>(bytes) / static_cast<double>(state.range(0));
  }
  state.counters["share_of_55us"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * kMessageNanos / 1e9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(NewMessage)->Arg(0)->Arg(10'000)->Arg(100'000)->Arg(1'000'000);

// A retry: due, taken, deferred again.
void Retry(benchmark::State& state) {
  Queue queue(state.range(0));
  WallTime now = kNow;
  for (auto _ : state) {
    Slot slot = queue.schedule.PopReady(0);
    while (slot == kNone) {
      now += Seconds(1);
      while (queue.schedule.Advance(now, 4096)) {
      }
      slot = queue.schedule.PopReady(0);
    }
    queue.schedule.Defer(slot, now + Seconds(14'400));
  }
}
BENCHMARK(Retry)->Arg(10'000)->Arg(1'000'000);

}  // namespace
}  // namespace ringpost::delivery
