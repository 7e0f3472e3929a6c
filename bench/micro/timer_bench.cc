// The timer wheel with as many timers as a busy shard has connections.
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "gateway/base/random.h"
#include "gateway/reactor/timer_wheel.h"

namespace ringpost::reactor {
namespace {

MonoTime At(int64_t ms) { return MonoTime(Millis(ms)); }

// A command came: its connection's time-out moves to five minutes from now.
void TimerReschedule(benchmark::State& state) {
  auto count = static_cast<size_t>(state.range(0));
  TimerWheel wheel(At(0));
  std::vector<std::unique_ptr<Timer>> timers;
  for (size_t i = 0; i < count; ++i) timers.push_back(std::make_unique<Timer>([](Timer*) {}));
  Random random(1);
  int64_t now = 0;
  size_t step = 0;
  for (auto _ : state) {
    wheel.Schedule(timers[random.Below(count)].get(), At(now + 300'000));
    if (++step % 64 == 0) wheel.Advance(At(++now));
  }
  timers.clear();
}
BENCHMARK(TimerReschedule)->Arg(100)->Arg(20'000);

// A turn in which nothing is due.
void TimerIdleTurn(benchmark::State& state) {
  TimerWheel wheel(At(0));
  std::vector<std::unique_ptr<Timer>> timers;
  Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    timers.push_back(std::make_unique<Timer>([](Timer*) {}));
    wheel.Schedule(timers.back().get(),
                   At(1'000'000'000 + static_cast<int64_t>(random.Below(300'000))));
  }
  int64_t now = 0;
  for (auto _ : state) {
    wheel.Advance(At(++now / 16));
    benchmark::DoNotOptimize(wheel.NextDue());
  }
  timers.clear();
}
BENCHMARK(TimerIdleTurn);

// Scheduled, moved down the levels, fired.
void TimerFire(benchmark::State& state) {
  TimerWheel wheel(At(0));
  Timer timer([](Timer*) {});
  int64_t now = 0;
  for (auto _ : state) {
    wheel.Schedule(&timer, At(now + state.range(0)));
    now += state.range(0);
    wheel.Advance(At(now));
  }
}
BENCHMARK(TimerFire)->Arg(1)->Arg(1000)->Arg(300'000);

}  // namespace
}  // namespace ringpost::reactor
