#include "gateway/base/message_id.h"

#include <gtest/gtest.h>

#include <set>

namespace ringpost {
namespace {

TEST(MessageIdTest, HoldsTimeAndPartition) {
  Random random(1);
  WallTime now = WallFromMillis(1'795'504'584'123);
  MessageId id = MessageId::Make(now, 513, random);
  EXPECT_EQ(id.time(), now);
  EXPECT_EQ(id.partition(), 513);
  EXPECT_EQ(id.key().size(), 16u);
  EXPECT_EQ(MessageId::FromKey(id.key()), id);
}

TEST(MessageIdTest, ByteOrderIsTimeOrder) {
  Random random(1);
  MessageId last = MessageId::Make(WallFromMillis(0), 65'535, random);
  for (int64_t ms : {1LL, 255LL, 256LL, 65'536LL, 1'795'504'584'123LL, (1LL << 48) - 1}) {
    MessageId next = MessageId::Make(WallFromMillis(ms), 0, random);
    EXPECT_LT(last, next);
    EXPECT_LT(last.key(), next.key());
    EXPECT_LT(last.ToString(), next.ToString()) << "as text too";
    last = next;
  }
}

TEST(MessageIdTest, TextGoesBothWays) {
  Random random(7);
  for (int i = 0; i < 1000; ++i) {
    MessageId id = MessageId::Make(WallFromMillis(static_cast<int64_t>(random.Below(1ull << 48))),
                                   static_cast<uint16_t>(random.Next()), random);
    std::string text = id.ToString();
    ASSERT_EQ(text.size(), MessageId::kTextSize);
    ASSERT_EQ(MessageId::Parse(text), id);
    for (char& c : text) c = c >= 'A' ? static_cast<char>(c + 32) : c;
    ASSERT_EQ(MessageId::Parse(text), id) << "in either case";
  }
}

TEST(MessageIdTest, RefusesWhatIsNone) {
  EXPECT_TRUE(MessageId::Parse("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"));
  for (std::string_view text :
       {"", "7ZZZZZZZZZZZZZZZZZZZZZZZZ", "7ZZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "0000000000000000000000000I", "0000000000000000000000000U",
        "00000000 00000000000000000", "0000000000000000000000000-"}) {
    EXPECT_FALSE(MessageId::Parse(text)) << text;
  }
  EXPECT_FALSE(MessageId::Parse(std::string_view("0000000000000000000000000\0", 26)));
}

TEST(MessageIdTest, HomesAreSharedOutEvenly) {
  Random random(3);
  int homes[4] = {};
  std::set<size_t> hashes;
  for (int i = 0; i < 4000; ++i) {
    MessageId id = MessageId::Make(WallFromMillis(5), 0, random);
    ++homes[id.HomeOf(4)];
    hashes.insert(MessageIdHash()(id));
  }
  for (int count : homes) EXPECT_NEAR(count, 1000, 150);
  EXPECT_EQ(hashes.size(), 4000u);
}

TEST(MessageIdDeathTest, KeyOfAnotherLength) {
  EXPECT_DEATH(MessageId::FromKey("short"), "broken invariant");
}

}  // namespace
}  // namespace ringpost
