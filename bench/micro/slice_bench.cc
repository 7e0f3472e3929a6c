// Slices: what it costs to pass message bytes on without copying them, and to gather them once.
#include <benchmark/benchmark.h>

#include <string>

#include "gateway/base/slice.h"
#include "gateway/reactor/buffer_pool.h"

namespace ringpost {
namespace {

// A receive buffer becomes a slice, is split into a line and the rest, and goes back to the pool.
void SliceFromBuffer(benchmark::State& state) {
  auto filled = static_cast<size_t>(state.range(0));
  reactor::BufferPool pool(1024, 8 * 1024);
  for (auto _ : state) {
    Slice slice = pool.Take(pool.Offer(), filled);
    Slice line = slice.Sub(0, 30);
    Slice rest = slice.Sub(30, filled - 30);
    benchmark::DoNotOptimize(line.data());
    benchmark::DoNotOptimize(rest.data());
  }
}
BENCHMARK(SliceFromBuffer)->Arg(64)->Arg(4096)->Arg(8192);

// A body of `size` bytes as a chain of slices of receive buffers.
SliceChain MakeChain(reactor::BufferPool& pool, size_t size) {
  SliceChain chain;
  while (size > 0) {
    size_t part = std::min<size_t>(size, 8 * 1024);
    chain.Append(pool.Take(pool.Offer(), part));
    size -= part;
  }
  return chain;
}

void ChainAppendAndDrop(benchmark::State& state) {
  reactor::BufferPool pool(1024, 8 * 1024);
  auto size = static_cast<size_t>(state.range(0));
  for (auto _ : state) {
    SliceChain chain = MakeChain(pool, size);
    benchmark::DoNotOptimize(chain.size());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(ChainAppendAndDrop)->Arg(4 * 1024)->Arg(64 * 1024)->Arg(1024 * 1024);

// The copy at end of data.
void ChainGather(benchmark::State& state) {
  reactor::BufferPool pool(1024, 8 * 1024);
  SliceChain chain = MakeChain(pool, static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    Slice body = chain.Gather();
    benchmark::DoNotOptimize(body.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(ChainGather)->Arg(1024)->Arg(4 * 1024)->Arg(16 * 1024);

void SlabCopy(benchmark::State& state) {
  std::string bytes(static_cast<size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    Slice slice = Slice::Copy(bytes);
    benchmark::DoNotOptimize(slice.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(SlabCopy)->Arg(60)->Arg(4 * 1024);

}  // namespace
}  // namespace ringpost
