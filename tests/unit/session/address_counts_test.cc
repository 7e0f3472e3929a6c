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

constexpr uint32_t kMany = 4000;

IpAddress V6(uint64_t network) {  // a /64
  IpAddress address;
  for (size_t i = 0; i < 8; ++i) address.bytes[i] = static_cast<uint8_t>(network >> (56 - 8 * i));
  return address;
}

int CountedTwice(IpAddress (*address)(uint32_t)) {
  auto counts = std::make_unique<AddressCounts>();
  int wrong = 0;
  for (uint32_t i = 0; i < kMany; ++i) wrong += counts->Add(address(i)) != 1;
  return wrong;
}

// Whatever the key, and however much the addresses are alike. Both slots of the i-th are taken with
// a chance of (i / 32768)^2: 20 of 4,000 are to be expected, and more than 70 in no run of 10^12.
TEST(AddressCounts, ManyAddressesSeldomMeet) {
  for (int key = 0; key < 200; ++key) {
    EXPECT_LE(CountedTwice([](uint32_t i) { return IpAddress::V4(0x0A000000 + i); }), 70);
    EXPECT_LE(CountedTwice([](uint32_t i) { return IpAddress::V4(i << 20 | i >> 12 | 1); }), 70);
    EXPECT_LE(CountedTwice([](uint32_t i) { return V6(0x20010DB800000000 + i); }), 70);
    EXPECT_LE(CountedTwice([](uint32_t i) { return V6(0x2001000000000000 + (uint64_t{i} << 32)); }),
              70);
  }
}

TEST(AddressCounts, OfIpv6ANetworkIsCounted) {
  auto counts = std::make_unique<AddressCounts>();
  EXPECT_EQ(counts->Add(*IpAddress::Parse("2001:db8::1")), 1u);
  EXPECT_EQ(counts->Add(*IpAddress::Parse("2001:db8::ffff:0:0:2")), 2u);
  EXPECT_EQ(counts->Add(*IpAddress::Parse("2001:db8:0:1::1")), 1u);
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
