#include "gateway/session/password_turns.h"

#include <gtest/gtest.h>

#include <array>

#include "gateway/base/limits.h"

namespace ringpost::session {
namespace {

constexpr size_t kAtOnce = limits::kPasswordJobsPerAddressMax;

class PasswordTurnsTest : public testing::Test {
 protected:
  // Logins are told apart, and nothing else is done with them.
  InboundLogin* Login(size_t number) { return reinterpret_cast<InboundLogin*>(&places_[number]); }
  // All turns of an address.
  void TakeAll(const IpAddress& client) {
    for (size_t i = 0; i < kAtOnce; ++i) EXPECT_TRUE(turns_.Take(client, Login(i)));
  }

  const IpAddress client_ = *IpAddress::Parse("192.0.2.7");
  std::array<char, 64> places_{};
  PasswordTurns turns_;
};

TEST_F(PasswordTurnsTest, ComeInTheOrderInWhichTheyWereWantedOneForEachThatIsFree) {
  TakeAll(client_);
  for (size_t i = 10; i < 14; ++i) EXPECT_FALSE(turns_.Take(client_, Login(i)));
  EXPECT_EQ(turns_.Next(client_), nullptr);
  for (size_t i = 10; i < 14; ++i) {
    turns_.Return(client_);
    EXPECT_EQ(turns_.Next(client_), Login(i));
    EXPECT_TRUE(turns_.Take(client_, Login(i)));
    EXPECT_EQ(turns_.Next(client_), nullptr);
  }
}

// They are for him who comes next, where whom it was given to does not take it.
TEST_F(PasswordTurnsTest, AreGivenOnUntilOneIsTaken) {
  TakeAll(client_);
  for (size_t i = 10; i < 14; ++i) EXPECT_FALSE(turns_.Take(client_, Login(i)));
  turns_.Return(client_);
  for (size_t i = 10; i < 14; ++i) EXPECT_EQ(turns_.Next(client_), Login(i));
  EXPECT_EQ(turns_.Next(client_), nullptr);
}

TEST_F(PasswordTurnsTest, WhoHasLeftIsNotGivenOneAndTheOthersKeepTheirOrder) {
  TakeAll(client_);
  for (size_t i = 10; i < 13; ++i) EXPECT_FALSE(turns_.Take(client_, Login(i)));
  turns_.Forget(client_, Login(11));
  turns_.Forget(client_, Login(20));  // nor is he who never waited
  turns_.Forget(*IpAddress::Parse("192.0.2.8"), Login(10));
  turns_.Return(client_);
  EXPECT_EQ(turns_.Next(client_), Login(10));
  EXPECT_EQ(turns_.Next(client_), Login(12));
  EXPECT_EQ(turns_.Next(client_), nullptr);
}

TEST_F(PasswordTurnsTest, OfIpv6A64IsOneAddress) {
  TakeAll(client_);
  for (const char* another : {"192.0.2.6", "192.0.3.7", "2001:db8:0:1::1", "2001:db8:0:2::1"}) {
    TakeAll(*IpAddress::Parse(another));
  }
  const IpAddress neighbour = *IpAddress::Parse("2001:db8:0:1:8000::2");
  EXPECT_FALSE(turns_.Take(neighbour, Login(10)));
  turns_.Return(*IpAddress::Parse("2001:db8:0:2::1"));
  EXPECT_EQ(turns_.Next(neighbour), nullptr);
  turns_.Return(*IpAddress::Parse("2001:db8:0:1::1"));
  EXPECT_EQ(turns_.Next(neighbour), Login(10));
}

// Who has many addresses leaves nothing behind of each.
TEST_F(PasswordTurnsTest, NothingIsKeptOfAnAddressThatIsThrough) {
  TakeAll(client_);
  EXPECT_FALSE(turns_.Take(client_, Login(10)));
  EXPECT_EQ(turns_.addresses(), 1u);
  for (size_t i = 0; i < kAtOnce; ++i) turns_.Return(client_);
  EXPECT_EQ(turns_.Next(client_), Login(10));
  EXPECT_EQ(turns_.addresses(), 0u);

  EXPECT_TRUE(turns_.Take(client_, Login(1)));
  turns_.Return(client_);
  EXPECT_EQ(turns_.addresses(), 0u);

  TakeAll(client_);
  EXPECT_FALSE(turns_.Take(client_, Login(10)));
  for (size_t i = 0; i < kAtOnce; ++i) turns_.Return(client_);
  turns_.Forget(client_, Login(10));
  EXPECT_EQ(turns_.addresses(), 0u);
}

}  // namespace
}  // namespace ringpost::session
