#include "gateway/reactor/slot_table.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <vector>

namespace ringpost::reactor {
namespace {

void Ignore(Completion*, Result&&) {}

TEST(SlotTableTest, FindsWhatIsInFlight) {
  SlotTable table;
  Completion completion(Ignore);
  EXPECT_FALSE(completion.in_flight());
  uint64_t key = table.Acquire(&completion, OpKind::kSend, 7);
  EXPECT_TRUE(completion.in_flight());
  EXPECT_EQ(table.KeyOf(completion), key);
  SlotTable::Slot* slot = table.Find(key);
  ASSERT_NE(slot, nullptr);
  EXPECT_EQ(slot->completion, &completion);
  EXPECT_EQ(slot->fd, 7);
  EXPECT_EQ(slot->kind, OpKind::kSend);
  table.Release(key);
  EXPECT_FALSE(completion.in_flight());
  EXPECT_EQ(table.in_flight(), 0u);
}

// A completion that comes after its slot went to another operation must not reach that one.
TEST(SlotTableTest, LateKeyDoesNotFindTheSlotsNextUser) {
  SlotTable table;
  Completion first(Ignore), second(Ignore);
  uint64_t old_key = table.Acquire(&first, OpKind::kReceive, 3);
  table.Release(old_key);
  EXPECT_EQ(table.Find(old_key), nullptr);
  uint64_t new_key = table.Acquire(&second, OpKind::kReceive, 3);
  EXPECT_EQ(static_cast<uint32_t>(new_key), static_cast<uint32_t>(old_key)) << "the same slot";
  EXPECT_EQ(table.Find(old_key), nullptr);
  EXPECT_NE(table.Find(new_key), nullptr);
  table.Release(new_key);
}

TEST(SlotTableTest, KeysOutOfRangeFindNothing) {
  SlotTable table;
  EXPECT_EQ(table.Find(0), nullptr);
  EXPECT_EQ(table.Find(SlotTable::kKeyMask), nullptr);
}

TEST(SlotTableTest, GenerationsWrapWithinTheKey) {
  SlotTable table;
  Completion completion(Ignore);
  uint64_t key = table.Acquire(&completion, OpKind::kSend, 1);
  table.Find(key)->generation = (uint32_t{1} << 30) - 1;
  key = table.KeyOf(completion);
  EXPECT_EQ(key & ~SlotTable::kKeyMask, 0u) << "the two top bits are the ring's";
  table.Release(key);
  key = table.Acquire(&completion, OpKind::kSend, 1);
  EXPECT_EQ(key >> 32, 0u);
  table.Release(key);
}

TEST(SlotTableTest, GrowsWithoutMovingSlots) {
  SlotTable table;
  std::vector<std::unique_ptr<Completion>> completions;
  std::vector<uint64_t> keys;
  std::set<uint64_t> distinct;
  SlotTable::Slot* first = nullptr;
  for (int i = 0; i < 5000; ++i) {
    completions.push_back(std::make_unique<Completion>(Ignore));
    keys.push_back(table.Acquire(completions.back().get(), OpKind::kReceive, i));
    distinct.insert(keys.back());
    if (i == 0) first = table.Find(keys[0]);
  }
  EXPECT_EQ(distinct.size(), 5000u);
  EXPECT_EQ(table.Find(keys[0]), first);
  for (int i = 0; i < 5000; ++i) EXPECT_EQ(table.Find(keys[static_cast<size_t>(i)])->fd, i);
  for (uint64_t key : keys) table.Release(key);
}

TEST(SlotTableTest, LetsGoOfWhatIsInFlightWhenItDies) {
  Completion completion(Ignore);
  {
    SlotTable table;
    table.Acquire(&completion, OpKind::kReceive, 1);
  }
  EXPECT_FALSE(completion.in_flight());
}

TEST(SlotTableDeathTest, CompletionInFlightMustNotDieOrBeUsedTwice) {
  EXPECT_DEATH(
      {
        SlotTable table;
        Completion completion(Ignore);
        table.Acquire(&completion, OpKind::kSend, 1);
        table.Acquire(&completion, OpKind::kSend, 1);
      },
      "in_flight");
  EXPECT_DEATH(
      {
        SlotTable table;
        {
          Completion completion(Ignore);
          table.Acquire(&completion, OpKind::kSend, 1);
        }
      },
      "in_flight");
}

}  // namespace
}  // namespace ringpost::reactor
