#include "gateway/session/signing_keys.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "gateway/base/time.h"

namespace ringpost::session {
namespace {

class SigningKeysTest : public testing::Test {
 protected:
  StatusOr<SigningKeys::Selectors> Load(const std::string& domain) {
    ++loads_[domain];
    if (fails_) return MakeStatus(StatusCode::kUnavailable, "no disk");
    return std::make_shared<const std::vector<SigningKeys::Selector>>(1, SigningKeys::Selector());
  }

  bool fails_ = false;
  std::map<std::string, int> loads_;
  SigningKeys keys_{[this](const std::string& domain) { return Load(domain); }, 2};
};

TEST_F(SigningKeysTest, AreReadOnce) {
  auto first = keys_.Get("a", 1), second = keys_.Get("a", 1);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(loads_["a"], 1);
}

TEST_F(SigningKeysTest, AreReadAnewWhereTheyAreOthers) {
  auto first = keys_.Get("a", 1), second = keys_.Get("a", 2);
  EXPECT_NE(*first, *second);
  EXPECT_EQ(*keys_.Get("a", 2), *second);
  EXPECT_EQ(loads_["a"], 2);
}

// Numbers tell keys apart, and no order: one that comes round again is lower.
TEST_F(SigningKeysTest, AreReadAnewForALowerNumber) {
  auto first = keys_.Get("a", 2), second = keys_.Get("a", 1);
  EXPECT_NE(*first, *second);
  EXPECT_EQ(*keys_.Get("a", 1), *second);
  EXPECT_EQ(loads_["a"], 2);
}

TEST_F(SigningKeysTest, ThoseThatWereReadAnewWereWantedLast) {
  EXPECT_TRUE(keys_.Get("a", 1).ok());
  EXPECT_TRUE(keys_.Get("b", 1).ok());
  EXPECT_TRUE(keys_.Get("a", 2).ok());
  EXPECT_TRUE(keys_.Get("c", 1).ok());
  EXPECT_TRUE(keys_.Get("a", 2).ok());
  EXPECT_EQ(loads_["a"], 2);
}

TEST_F(SigningKeysTest, AFailureIsNotKept) {
  fails_ = true;
  EXPECT_EQ(keys_.Get("a", 1).status().code(), StatusCode::kUnavailable);
  fails_ = false;
  EXPECT_TRUE(keys_.Get("a", 1).ok());
  fails_ = true;
  EXPECT_TRUE(keys_.Get("a", 1).ok());
  EXPECT_FALSE(keys_.Get("a", 2).ok()) << "the old ones are not the ones";
}

TEST_F(SigningKeysTest, TheOneThatWasWantedLongestAgoGoes) {
  for (const char* domain : {"a", "b", "a", "c", "a", "b"}) EXPECT_TRUE(keys_.Get(domain, 1).ok());
  EXPECT_EQ(loads_["a"], 1);
  EXPECT_EQ(loads_["b"], 2);
  EXPECT_EQ(loads_["c"], 1);
}

// Each waits for the other's reading to begin.
TEST(SigningKeys, AreReadOfSeveralAtOnce) {
  std::mutex mutex;
  std::condition_variable news;
  int reading = 0;
  SigningKeys keys(
      [&](const std::string&) -> StatusOr<SigningKeys::Selectors> {
        std::unique_lock lock(mutex);
        ++reading;
        news.notify_all();
        bool both = news.wait_for(lock, Seconds(20), [&] { return reading == 2; });
        return both ? SigningKeys::Selectors()
                    : StatusOr<SigningKeys::Selectors>(
                          MakeStatus(StatusCode::kUnavailable, "the other one waits"));
      },
      2);
  bool ok = false;
  std::thread other([&] { ok = keys.Get("b", 1).ok(); });
  EXPECT_TRUE(keys.Get("a", 1).ok());
  other.join();
  EXPECT_TRUE(ok);
}

}  // namespace
}  // namespace ringpost::session
