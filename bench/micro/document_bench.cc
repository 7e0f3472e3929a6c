// Reading the export document of accounts and credentials: what a usual record costs, and a hostile
// one of full size.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>

#include "tools/ringpost/document_reader.h"

namespace ringpost::cli {
namespace {

void Read(benchmark::State& state, const std::string& text) {
  uint64_t records = 0;
  for (auto _ : state) {
    size_t at = 0;
    auto source = [&](char* buffer, size_t size) -> StatusOr<size_t> {
      const size_t n = text.copy(buffer, size, std::min(at, text.size()));
      at += n;
      return n;
    };
    auto status = ReadDocument(source, [&](DocumentSection, uint64_t, const Json&) {
      ++records;
      return true;
    });
    benchmark::DoNotOptimize(status);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
  state.SetItemsProcessed(static_cast<int64_t>(records));
}

void BM_Document(benchmark::State& state) {
  std::string text = R"({"ringpost":1,"credentials":[)";
  for (int i = 0; i < 1000; ++i) {
    text += std::string(i ? "," : "") + R"({"kind":"user","name":"user-)" + std::to_string(i) +
            R"(","account":"acme","rate":{"count":100,"seconds":60},"networks":["192.0.2.0/24"]})";
  }
  Read(state, text + "]}");
}
BENCHMARK(BM_Document);

void BM_DocumentOfOneLongList(benchmark::State& state) {
  std::string text = R"({"ringpost":1,"accounts":[{"x":[0)";
  while (text.size() < kDocumentRecordBytesMax - 100'000) text += ",0";
  Read(state, text + "]}]}");
}
BENCHMARK(BM_DocumentOfOneLongList);

}  // namespace
}  // namespace ringpost::cli
