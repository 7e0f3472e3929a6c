#include "gateway/reactor/buffer_pool.h"

#include <gtest/gtest.h>
#include <string.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "gateway/base/memory_check.h"

namespace ringpost::reactor {
namespace {

// What the kernel does: fills an offered buffer.
Slice Fill(BufferPool& pool, std::string_view bytes) {
  uint32_t id = pool.Offer();
  EXPECT_NE(id, BufferPool::kNone);
  UnpoisonMemory(pool.memory(id), bytes.size());
  memcpy(pool.memory(id), bytes.data(), bytes.size());
  return pool.Take(id, bytes.size());
}

TEST(BufferPoolTest, SlicesHoldBuffersUntilTheLastDrops) {
  BufferPool pool(8, 4096);
  EXPECT_EQ(pool.bytes(), 8u * 4096);
  Slice slice = Fill(pool, "hello world");
  EXPECT_EQ(slice.view(), "hello world");
  EXPECT_EQ(pool.bytes_held(), 4096u);
  Slice part = slice.Sub(6, 5);
  slice = Slice();
  EXPECT_EQ(part.view(), "world");
  EXPECT_EQ(pool.held(), 1u);
  part = Slice();
  EXPECT_EQ(pool.held(), 0u);
  EXPECT_EQ(pool.free(), 8u);
}

TEST(BufferPoolTest, LastFreedIsUsedFirst) {
  BufferPool pool(8, 4096);
  Slice first = Fill(pool, "a");
  Slice second = Fill(pool, "b");
  const char* warm = first.data();
  first = Slice();
  EXPECT_EQ(Fill(pool, "c").data(), warm);
}

TEST(BufferPoolTest, OfferedBuffersRunOut) {
  BufferPool pool(4, 64);
  std::vector<uint32_t> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(pool.Offer());
  EXPECT_EQ(pool.Offer(), BufferPool::kNone);
  for (uint32_t id : ids) pool.Return(id);
  EXPECT_EQ(pool.free(), 4u);
  EXPECT_EQ(pool.held(), 0u);
}

TEST(BufferPoolTest, WipesWhatItTakesBack) {
  BufferPool pool(2, 4096);
  Slice slice = Fill(pool, "a message that must not stay");
  const char* at = slice.data();
  slice = Slice();
  UnpoisonMemory(at, 28);
  EXPECT_TRUE(std::all_of(at, at + 28, [](char c) { return c == 0; }));
  PoisonMemory(at, 28);
}

// However much is pinned, a quarter of the pool goes round.
TEST(BufferPoolTest, CopiesOutUnderPressure) {
  BufferPool pool(16, 256);
  std::vector<Slice> kept;
  for (int i = 0; i < 100; ++i) kept.push_back(Fill(pool, "message " + std::to_string(i)));
  EXPECT_EQ(pool.held(), 12u);
  EXPECT_EQ(pool.free(), 4u);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(kept[static_cast<size_t>(i)].view(), "message " + std::to_string(i));
  }
  kept.clear();
  EXPECT_EQ(pool.free(), 16u);
}

// The mapping's VmFlags have "dd": do not dump.
TEST(BufferPoolTest, IsKeptOutOfCoreDumps) {
  BufferPool pool(64, 4096);
  auto wanted = reinterpret_cast<uintptr_t>(pool.memory(0));
  std::ifstream maps("/proc/self/smaps");
  if (!maps) GTEST_FAIL() << "no /proc/self/smaps";
  std::string line;
  bool inside = false;
  while (std::getline(maps, line)) {
    uintptr_t from = 0, to = 0;
    if (sscanf(line.c_str(), "%lx-%lx ", &from, &to) == 2) inside = from <= wanted && wanted < to;
    if (inside && line.starts_with("VmFlags:")) {
      EXPECT_NE(line.find(" dd"), std::string::npos) << line;
      return;
    }
  }
  FAIL() << "mapping not found";
}

#ifdef RINGPOST_ASAN
TEST(BufferPoolDeathTest, BuffersOfTheKernelArePoisoned) {
  BufferPool pool(2, 4096);
  Slice slice = Fill(pool, "12345678");
  volatile const char* at = slice.data();
  EXPECT_DEATH(static_cast<void>(at[8]), "use-after-poison") << "beyond what was received";
  slice = Slice();
  EXPECT_DEATH(static_cast<void>(at[0]), "use-after-poison");
}
#endif

TEST(BufferPoolDeathTest, SliceMustNotOutliveThePool) {
  EXPECT_DEATH(
      {
        Slice slice;
        BufferPool pool(2, 64);
        slice = Fill(pool, "x");
      },
      "held_ == 0");
}

}  // namespace
}  // namespace ringpost::reactor
