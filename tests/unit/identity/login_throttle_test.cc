// How soon the next password may be tried, and who is not delayed by whose guesses.
#include "gateway/identity/login_throttle.h"

#include <gtest/gtest.h>

#include <string>

#include "gateway/base/limits.h"

namespace ringpost::identity {
namespace {

IpAddress At(std::string_view text) { return *IpAddress::Parse(text); }
const IpAddress kOffice = At("192.0.2.1");
const IpAddress kStranger = At("198.51.100.7");

class Throttle : public testing::Test {
 protected:
  Millis Try(std::string_view name, const IpAddress& address) {
    return throttle_.Try(name, address, now_);
  }
  // Tries until it is let through, failing then; how long that took.
  Millis Guess(std::string_view name, const IpAddress& address) {
    const Millis wait = Try(name, address);
    now_ += wait;
    EXPECT_EQ(wait > Millis(0) ? Try(name, address) : wait, Millis(0));
    throttle_.Failed(name, address, now_);
    return wait;
  }
  void LogIn(std::string_view name, const IpAddress& address) {
    EXPECT_EQ(Try(name, address), Millis(0));
    throttle_.Succeeded(name, address, now_);
  }
  IpAddress Bot(uint32_t i) { return IpAddress::V4(0x0A000000 + i); }

  LoginThrottle throttle_;
  MonoTime now_{Millis(5'000'000)};
};

TEST_F(Throttle, AFewFailuresAreFreeThenTheDelayGrows) {
  for (uint32_t i = 0; i < limits::kLoginFailuresFreePerPair; ++i) {
    EXPECT_EQ(Guess("a", kOffice), Millis(0));
  }
  EXPECT_EQ(Guess("a", kOffice), Seconds(2));
  EXPECT_EQ(Guess("a", kOffice), Seconds(4));
  EXPECT_EQ(Guess("a", kOffice), Seconds(8));
  for (int i = 0; i < 10; ++i) Guess("a", kOffice);
  EXPECT_EQ(Guess("a", kOffice), Seconds(limits::kLoginDelaySecondsMax));
}

TEST_F(Throttle, WhileOneWaitsOneIsLetThrough) {
  for (int i = 0; i < 8; ++i) Guess("a", kOffice);
  now_ += Seconds(limits::kLoginDelaySecondsMax);
  EXPECT_EQ(Try("a", kOffice), Millis(0));
  for (int i = 0; i < 50; ++i) EXPECT_GT(Try("a", kOffice), Millis(0));
}

TEST_F(Throttle, ASuccessForgetsTheFailuresOfItsPair) {
  for (int i = 0; i < 7; ++i) Guess("a", kOffice);
  now_ += Seconds(limits::kLoginDelaySecondsMax);
  LogIn("a", kOffice);
  for (uint32_t i = 0; i < limits::kLoginFailuresFreePerPair; ++i) {
    EXPECT_EQ(Guess("a", kOffice), Millis(0));
  }
}

// A guesser who has an account of his own logs in between his guesses at others.
TEST_F(Throttle, ASuccessForgetsNothingElse) {
  for (uint32_t i = 0; i < limits::kLoginFailuresFreePerAddress; ++i) {
    LogIn("mallory", kStranger);
    EXPECT_EQ(Guess("victim" + std::to_string(i), kStranger), Millis(0));
  }
  EXPECT_EQ(Guess("another", kStranger), Seconds(2));
  LogIn("mallory", kStranger);
  EXPECT_GT(Guess("yet another", kStranger), Millis(0));
}

TEST_F(Throttle, StrangersCannotLockOutWhoSendsFromHisPlace) {
  LogIn("a", kOffice);
  for (uint32_t i = 0; i < 5'000; ++i) throttle_.Failed("a", Bot(i), now_);
  for (uint32_t i = 0; i < 100; ++i) throttle_.Failed("a", kStranger, now_);
  EXPECT_EQ(Try("a", kOffice), Millis(0));
  // From a new place he waits, but not for long.
  const Millis elsewhere = Try("a", At("203.0.113.9"));
  EXPECT_GT(elsewhere, Millis(0));
  EXPECT_LE(elsewhere, Seconds(limits::kLoginNameDelaySecondsMax));
  EXPECT_EQ(Try("b", At("203.0.113.9")), Millis(0));
}

TEST_F(Throttle, ABrokenDeviceDoesNotDelayItsNeighbours) {
  LogIn("good", kOffice);
  for (int i = 0; i < 200; ++i) throttle_.Failed("broken", kOffice, now_);
  EXPECT_EQ(Try("good", kOffice), Millis(0));
  EXPECT_GT(Try("broken", kOffice), Millis(0));
  EXPECT_GT(Try("new", kOffice), Millis(0));
}

TEST_F(Throttle, ManyNamesFromOneAddressAndManyAddressesForOneName) {
  for (uint32_t i = 0; i < limits::kLoginFailuresFreePerAddress; ++i) {
    EXPECT_EQ(Guess("name" + std::to_string(i), kStranger), Millis(0));
  }
  EXPECT_GT(Try("fresh", kStranger), Millis(0));
  for (uint32_t i = 0; i < limits::kLoginFailuresFreePerName; ++i) {
    EXPECT_EQ(Guess("a", Bot(i)), Millis(0));
  }
  EXPECT_GT(Try("a", Bot(4000)), Millis(0));
}

TEST_F(Throttle, OfIpv6ANetworkIsOneAddress) {
  for (uint32_t i = 0; i < limits::kLoginFailuresFreePerPair; ++i) {
    EXPECT_EQ(Guess("a", At("2001:db8:0:1::" + std::to_string(i))), Millis(0));
  }
  EXPECT_GT(Try("a", At("2001:db8:0:1:ffff::9")), Millis(0));
  EXPECT_EQ(Try("a", At("2001:db8:0:2::1")), Millis(0));
}

TEST_F(Throttle, ANameIsOneInAnyCase) {
  for (const char* name : {"bob", "Bob", "bOb", "boB", "BOB"}) Guess(name, kOffice);
  EXPECT_GT(Try("bOB", kOffice), Millis(0));
}

TEST_F(Throttle, FailuresDecay) {
  for (int i = 0; i < 12; ++i) Guess("a", kOffice);
  now_ += 2 * Seconds(limits::kLoginFailuresHalveSeconds);
  EXPECT_EQ(Guess("a", kOffice), Millis(0));  // 3 are left of 12
  EXPECT_EQ(Guess("a", kOffice), Millis(0));
  EXPECT_EQ(Guess("a", kOffice), Seconds(2));
  now_ += 100 * Seconds(limits::kLoginFailuresHalveSeconds);
  EXPECT_EQ(Guess("a", kOffice), Millis(0));
}

TEST_F(Throttle, AGoodAddressIsForgottenInTime) {
  LogIn("a", kOffice);
  now_ += Seconds(limits::kLoginGoodSeconds);
  for (uint32_t i = 0; i < 500; ++i) throttle_.Failed("a", Bot(i), now_);
  EXPECT_GT(Try("a", kOffice), Millis(0));
}

// However many come, the tables are of one size, and who failed last is still known.
TEST_F(Throttle, IsBounded) {
  LogIn("a", kOffice);
  for (uint32_t i = 0; i < 50'000; ++i) {
    throttle_.Failed("name" + std::to_string(i), Bot(i), now_ + Millis(i));
  }
  now_ += Millis(50'000);
  for (int i = 0; i < 20; ++i) throttle_.Failed("last", kStranger, now_);
  EXPECT_GT(Try("last", kStranger), Millis(0));
  EXPECT_EQ(Try("a", kOffice), Millis(0));
}

}  // namespace
}  // namespace ringpost::identity
