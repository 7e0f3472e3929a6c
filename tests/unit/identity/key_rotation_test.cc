#include "gateway/identity/key_rotation.h"

#include <gtest/gtest.h>

#include "gateway/base/random.h"
#include "gateway/identity/sender_domain_limits.h"

namespace ringpost::identity {
namespace {

const WallTime kStart = WallFromMillis(1'764'000'000'000);
const RotationPolicy kPolicy = DefaultRotation(Seconds(5 * 86'400), Seconds(3600));
constexpr KeySight kSeen = KeySight::kSeen;
constexpr KeySight kNotSeen = KeySight::kNotSeen;
constexpr KeySight kUnknown = KeySight::kUnknown;

class KeyRotationTest : public testing::Test {
 protected:
  Rotation Turn(std::vector<KeySight> sights) {
    sights.resize(domain_.slots.size(), kUnknown);
    Rotation rotation = Rotate(domain_, sights, kPolicy, now_);
    EXPECT_EQ(rotation.changed, rotation.domain != domain_);
    domain_ = rotation.domain;
    for (size_t slot : rotation.wanted) KeyGenerated(&domain_, slot, now_);
    EXPECT_TRUE(CheckSenderDomain(domain_).ok()) << CheckSenderDomain(domain_);
    return rotation;
  }
  std::vector<KeyState> States() const {
    std::vector<KeyState> states;
    for (const DkimSlot& slot : domain_.slots) states.push_back(slot.state);
    return states;
  }
  using S = std::vector<KeyState>;
  static constexpr KeyState kW = KeyState::kWaiting, kY = KeyState::kStandby,
                            kA = KeyState::kActive, kR = KeyState::kRetired;

  SenderDomain domain_ = *NewSenderDomain("customer.example", 1, false, kStart);
  WallTime now_ = kStart;
};

TEST_F(KeyRotationTest, SignsOnlyWithWhatWasSeen) {
  EXPECT_EQ(Turn({}).wanted, (std::vector<size_t>{0, 1}));
  EXPECT_EQ(States(), (S{kW, kW}));
  Turn({kUnknown, kNotSeen});
  EXPECT_EQ(States(), (S{kW, kW}));
  Turn({kUnknown, kSeen});
  EXPECT_EQ(States(), (S{kW, kA}));
  Turn({kSeen, kSeen});
  EXPECT_EQ(States(), (S{kY, kA}));
  EXPECT_FALSE(Turn({kSeen, kSeen}).changed);
}

TEST_F(KeyRotationTest, TakesTurns) {
  Turn({});
  Turn({kSeen, kSeen});
  EXPECT_EQ(States(), (S{kA, kY}));
  now_ += kPolicy.turn - Seconds(1);
  EXPECT_FALSE(Turn({kSeen, kSeen}).changed);
  now_ += Seconds(1);
  EXPECT_FALSE(Turn({kSeen, kUnknown}).changed);  // nobody can say that it would verify
  Turn({kSeen, kSeen});
  EXPECT_EQ(States(), (S{kR, kA}));
  // The longest queue life, the records' TTL, and seven days.
  Seconds afterlife(5 * 86'400 + 3600 + 7 * 86'400);
  EXPECT_EQ(domain_.slots[0].until, now_ + afterlife);
  now_ += afterlife - Seconds(1);
  EXPECT_FALSE(Turn({kSeen, kSeen}).changed);
  now_ += Seconds(1);
  EXPECT_EQ(Turn({kSeen, kSeen}).wanted, (std::vector<size_t>{0}));
  EXPECT_EQ(States(), (S{kW, kA}));
  EXPECT_EQ(domain_.slots[0].generation, 2u);
  Turn({kNotSeen, kSeen});  // caches have the old one
  EXPECT_EQ(States(), (S{kW, kA}));
  Turn({kSeen, kSeen});
  EXPECT_EQ(States(), (S{kY, kA}));
}

TEST_F(KeyRotationTest, TheOtherTakesOverWhereTheRecordIsGone) {
  Turn({});
  Turn({kSeen, kSeen});
  Turn({kNotSeen, kUnknown});
  EXPECT_EQ(States(), (S{kA, kY}));
  Turn({kNotSeen, kSeen});
  EXPECT_EQ(States(), (S{kW, kA}));
  Turn({kSeen, kSeen});
  EXPECT_EQ(States(), (S{kY, kA}));
}

TEST_F(KeyRotationTest, Ed25519ComesAndGoes) {
  Turn({});
  Turn({kSeen, kSeen});
  WantEd25519(&domain_, true, now_);
  EXPECT_EQ(Turn({kSeen, kSeen}).wanted, (std::vector<size_t>{2, 3}));
  Turn({kSeen, kSeen, kSeen, kSeen});
  EXPECT_EQ(States(), (S{kA, kY, kA, kY}));
  WantEd25519(&domain_, false, now_);
  EXPECT_TRUE(Turn({kSeen, kSeen, kSeen, kSeen}).wanted.empty());
  EXPECT_EQ(States(), (S{kA, kY, kR, KeyState::kNone}));
  EXPECT_FALSE(Turn({kSeen, kSeen, kSeen, kSeen}).changed) << "nor is a key made for nobody";
  now_ = domain_.slots[2].until;
  Rotation rotation = Rotate(domain_, std::vector<KeySight>(4, kSeen), kPolicy, now_);
  EXPECT_EQ(rotation.domain.slots.size(), 2u);
  EXPECT_TRUE(rotation.wanted.empty());
}

// Whatever is seen: one active of a kind at most, none that was never seen, and none without a key
// once there was one.
TEST_F(KeyRotationTest, AnyOrderOfSights) {
  Random random(7);
  for (int round = 0; round < 200; ++round) {
    domain_ = *NewSenderDomain("customer.example", 1, random.OneIn(2), kStart);
    now_ = kStart;
    bool signed_once = false;
    for (int step = 0; step < 60; ++step) {
      std::vector<KeySight> sights;
      SenderDomain before = domain_;
      for (size_t i = 0; i < domain_.slots.size(); ++i) {
        sights.push_back(static_cast<KeySight>(random.Below(3)));
      }
      Turn(sights);
      int active = 0;
      for (size_t i = 0; i < domain_.slots.size() && i < before.slots.size(); ++i) {
        bool now_active = domain_.slots[i].state == KeyState::kActive;
        if (domain_.slots[i].kind == tls::DkimKey::Kind::kRsa) active += now_active;
        if (now_active && before.slots[i].state != KeyState::kActive) {
          EXPECT_EQ(sights[i], kSeen);
        }
      }
      signed_once |= active == 1;
      EXPECT_EQ(active, signed_once ? 1 : 0);
      now_ += Seconds(random.Below(100 * 86'400));
    }
    EXPECT_TRUE(signed_once);
  }
}

}  // namespace
}  // namespace ringpost::identity
