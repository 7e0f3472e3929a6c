#include "gateway/base/counters.h"

namespace ringpost {
namespace {

constexpr std::string_view kNames[] = {
#define X(id, name) name,
    RINGPOST_COUNTERS(X)
#undef X
};

thread_local Counters* current = nullptr;
std::array<std::atomic<uint64_t>, kCounterCount> spilled{};

}  // namespace

std::string_view CounterName(Counter counter) { return kNames[static_cast<size_t>(counter)]; }

CountersScope::CountersScope(Counters* counters) : previous_(current) { current = counters; }
CountersScope::~CountersScope() { current = previous_; }

void Count(Counter counter, uint64_t amount) {
  if (current) return current->Add(counter, amount);
  spilled[static_cast<size_t>(counter)].fetch_add(amount, std::memory_order_relaxed);
}

uint64_t SpilledCount(Counter counter) {
  return spilled[static_cast<size_t>(counter)].load(std::memory_order_relaxed);
}

}  // namespace ringpost
