// Reading a request of the control socket: what one costs, and what a hostile one of full size
// costs.
#include <benchmark/benchmark.h>

#include <string>

#include "gateway/app/control_request.h"

namespace ringpost::app {
namespace {

void Parse(benchmark::State& state, const std::string& line) {
  for (auto _ : state) {
    auto parsed = ParseControlRequest(line);
    benchmark::DoNotOptimize(parsed);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * line.size()));
}

void BM_ControlRequest(benchmark::State& state) {
  Parse(state, R"({"command":"queue list","region":"eu","domain":"example.com","limit":500,)"
               R"("after":"01K80000010000200000000001"})");
}
BENCHMARK(BM_ControlRequest);

void BM_ControlRequestNested(benchmark::State& state) {
  size_t half = limits::kControlRequestBytesMax / 2;
  Parse(state, std::string(half, '[') + std::string(half, ']'));
}
BENCHMARK(BM_ControlRequestNested);

}  // namespace
}  // namespace ringpost::app
