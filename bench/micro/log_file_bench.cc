// What a line of the log costs the thread that writes it.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

#include "gateway/app/log_file.h"

namespace ringpost::app {
namespace {

LogFile* SharedLog() {
  static LogFile* log = [] {
    auto opened = LogFile::Open("/dev/null", 8);
    if (!opened.ok()) std::abort();
    return opened->release();
  }();
  return log;
}

void BM_LogAppend(benchmark::State& state) {
  LogFile* log = SharedLog();
  const std::string line(static_cast<size_t>(state.range(0)), 'x');
  uint64_t dropped_before = log->stats().lines_dropped;
  for (auto _ : state) log->Append(line);
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) {
    state.counters["dropped"] = static_cast<double>(log->stats().lines_dropped - dropped_before);
  }
}
BENCHMARK(BM_LogAppend)->Arg(250)->Arg(1000);
BENCHMARK(BM_LogAppend)->Arg(250)->Threads(2)->UseRealTime();

void BM_LogLine(benchmark::State& state) {
  LogFile* log = SharedLog();
  MessageId id = MessageId::FromKey("0123456789abcdef");
  for (auto _ : state) {
    LogLine(WallFromMillis(1'795'504'584'123), "accepted")
        .Id(id)
        .Text("from", "newsletter@example.com")
        .Text("client", "192.0.2.17")
        .Number("size", 4096)
        .Number("recipients", 1)
        .To(*log);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_LogLine);

}  // namespace
}  // namespace ringpost::app
