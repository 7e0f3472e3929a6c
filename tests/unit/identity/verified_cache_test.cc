// Passwords that were right lately.
#include "gateway/identity/verified_cache.h"

#include <gtest/gtest.h>

#include <string>

namespace ringpost::identity {
namespace {

constexpr MonoTime kNow{Millis(1'000'000)};
constexpr Millis kLife = Seconds(limits::kVerifiedLoginSeconds);

PasswordRecord Record(uint8_t salt) {
  PasswordRecord record;
  record.salt.fill(salt);
  record.stored_key.fill(7);
  return record;
}

TEST(VerifiedCache, KnowsWhatWasRightForAWhile) {
  VerifiedCache cache;
  EXPECT_FALSE(cache.Knows("a", Record(1), "right", kNow));
  cache.Remember("a", Record(1), "right", kNow);
  EXPECT_TRUE(cache.Knows("a", Record(1), "right", kNow));
  EXPECT_TRUE(cache.Knows("a", Record(1), "right", kNow + kLife - Millis(1)));
  EXPECT_FALSE(cache.Knows("a", Record(1), "right", kNow + kLife));
}

TEST(VerifiedCache, NothingElseIsRight) {
  VerifiedCache cache;
  cache.Remember("a", Record(1), "right", kNow);
  for (std::string_view wrong : {"", "righ", "right ", "Right"}) {
    EXPECT_FALSE(cache.Knows("a", Record(1), wrong, kNow)) << wrong;
  }
  EXPECT_FALSE(cache.Knows("b", Record(1), "right", kNow));
  EXPECT_FALSE(cache.Knows("ar", Record(1), "ight", kNow));
  EXPECT_FALSE(VerifiedCache().Knows("a", Record(1), "right", kNow));
}

TEST(VerifiedCache, ForgetsWithTheRecord) {
  VerifiedCache cache;
  cache.Remember("a", Record(1), "right", kNow);
  EXPECT_FALSE(cache.Knows("a", Record(2), "right", kNow));
  PasswordRecord other_key = Record(1);
  other_key.stored_key[31] ^= 1;
  EXPECT_FALSE(cache.Knows("a", other_key, "right", kNow));
  cache.Remember("a", Record(2), "new", kNow);
  EXPECT_TRUE(cache.Knows("a", Record(2), "new", kNow));
}

TEST(VerifiedCache, IsBoundedAndForgetsTheOldest) {
  VerifiedCache cache;
  constexpr size_t kMany = 4 * limits::kVerifiedLoginsMax;
  for (size_t i = 0; i < kMany; ++i) {
    cache.Remember(std::to_string(i), Record(1), "right", kNow + Millis(static_cast<int>(i)));
  }
  size_t known = 0, newest_known = 0;
  for (size_t i = 0; i < kMany; ++i) {
    const bool knows = cache.Knows(std::to_string(i), Record(1), "right", kNow + Millis(kMany));
    known += knows;
    if (i >= kMany - 256) newest_known += knows;
  }
  EXPECT_LE(known, limits::kVerifiedLoginsMax);
  EXPECT_GE(known, limits::kVerifiedLoginsMax / 2);
  EXPECT_GE(newest_known, 250u);
}

TEST(VerifiedCache, AgainIsNoSecondEntry) {
  VerifiedCache cache;
  for (int i = 0; i < 10; ++i) cache.Remember("a", Record(1), "right", kNow + Millis(i));
  EXPECT_TRUE(cache.Knows("a", Record(1), "right", kNow + kLife));
  EXPECT_FALSE(cache.Knows("a", Record(1), "right", kNow + kLife + Millis(9)));
}

}  // namespace
}  // namespace ringpost::identity
