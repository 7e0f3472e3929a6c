// Reading ringpost.toml: what a reload costs, and what a hostile file costs.
#include <benchmark/benchmark.h>

#include <string>

#include "gateway/app/config.h"

namespace ringpost::app {
namespace {

void Parse(benchmark::State& state, const std::string& text) {
  for (auto _ : state) {
    ConfigResult result = ParseConfig(text, "bench.toml", "gw.example.net");
    benchmark::DoNotOptimize(result);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}

std::string Base() {
  return "hostname = \"gw.example.com\"\n[store]\npath = \"/var/lib/ringpost\"\n"
         "[[region]]\nname = \"local\"\n"
         "[[listener]]\naddress = \"127.0.0.1:2525\"\nregion = \"local\"\n"
         "[[trust]]\nnetwork = \"127.0.0.0/8\"\n";
}

void BM_ConfigSmall(benchmark::State& state) {
  Parse(state, Base() + "[[route]]\ndomain = \"*\"\nrelay = \"127.0.0.1:2626\"\n");
}
BENCHMARK(BM_ConfigSmall);

void BM_ConfigRoutes(benchmark::State& state) {
  std::string text = Base();
  for (int64_t i = 0; i < state.range(0); ++i) {
    text += "[[route]]\ndomain = \"d" + std::to_string(i) +
            ".example.net\"\nrelay = \"127.0.0.1:2626\"\n";
  }
  Parse(state, text);
}
BENCHMARK(BM_ConfigRoutes)->Arg(100)->Arg(1000);

// Every line is an error of its own: what is said of it is bounded.
void BM_ConfigErrors(benchmark::State& state) {
  std::string text = Base();
  for (int i = 0; i < 1000; ++i) text += "[[rout]]\ndomian = \"x\"\n";
  Parse(state, text);
}
BENCHMARK(BM_ConfigErrors);

// The deepest nesting the library takes, unclosed.
void BM_ConfigNested(benchmark::State& state) { Parse(state, "x = " + std::string(100'000, '[')); }
BENCHMARK(BM_ConfigNested);

}  // namespace
}  // namespace ringpost::app
