// Counting connections per address without a lock.
#include "gateway/session/address_counts.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace ringpost::session {
namespace {

TEST(AddressCounts, CountsUpAndDown) {
  auto counts = std::make_unique<AddressCounts>();
  IpAddress a = IpAddress::V4(0x01020304), b = *IpAddress::Parse("2001:db8::1");
  EXPECT_EQ(counts->Add(a), 1u);
  EXPECT_EQ(counts->Add(a), 2u);
  EXPECT_EQ(counts->Add(b), 1u);
  counts->Remove(a);
  EXPECT_EQ(counts->Add(a), 2u);
}

TEST(AddressCounts, ManyAddressesSeldomMeet) {
  auto counts = std::make_unique<AddressCounts>();
  int wrong = 0;
  for (uint32_t i = 0; i < 4000; ++i) wrong += counts->Add(IpAddress::V4(0x0A000000 + i)) != 1;
  // Both of an address's slots taken already: about one in (4000 / 32768)^2 at the end.
  EXPECT_LE(wrong, 100);
}

TEST(AddressCounts, ThreadsTogether) {
  auto counts = std::make_unique<AddressCounts>();
  IpAddress address = IpAddress::V4(1);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) counts->Add(address);
      for (int i = 0; i < 1000; ++i) counts->Remove(address);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counts->Add(address), 1u);
}

}  // namespace
}  // namespace ringpost::session
