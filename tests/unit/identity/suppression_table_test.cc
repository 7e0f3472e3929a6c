// The table of suppressions: what is found by which entry, what stays after growing and removing,
// how much memory an entry takes, and that readers always see what is there.
#include "gateway/identity/suppression_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>

#include "gateway/identity/suppression_limits.h"

namespace ringpost::identity {
namespace {

using Added = SuppressionTable::Added;
using Reason = SuppressionReason;

WallTime Day(int days_since_2020) { return WallTime(std::chrono::days(18262 + days_since_2020)); }

std::string Key(std::string_view entry) {
  auto key = ListKey(entry);
  EXPECT_TRUE(key) << entry;
  return key.value_or("");
}

std::optional<SuppressionTable::Found> Find(const SuppressionTable& table, uint32_t account,
                                            std::string_view address) {
  return table.Find(account, ListedAddress::From(address));
}

TEST(SuppressionTable, AnEntryCoversWhatItSays) {
  struct Case {
    const char *entry, *address;
    bool covered;
  };
  const Case cases[] = {
      {"bob@example.com", "bob@example.com", true},
      {"bob@example.com", "BOB@Example.COM.", true},
      {"Bob@example.com", "\"bob\"@example.com", true},
      {"bob@example.com", "bob@sub.example.com", false},
      {"bob@example.com", "rob@example.com", false},
      {"example.com", "anybody@example.com", true},
      {"example.com", "bob@sub.example.com", false},
      {"*.example.com", "bob@sub.example.com", true},
      {"*.example.com", "bob@very.sub.example.com", true},
      {"*.example.com", "bob@example.com", false},
      {"*.example.com", "bob@notexample.com", false},
      {"b\u00fccher.example", "bob@xn--bcher-kva.example", true},
      {"bob@xn--bcher-kva.example", "bob@B\u00dcCHER.example", true},
  };
  for (const Case& one : cases) {
    SuppressionTable table;
    ASSERT_EQ(table.Add(7, Key(one.entry), Reason::kManual, Day(1)), Added::kNew);
    EXPECT_EQ(Find(table, 7, one.address).has_value(), one.covered)
        << one.entry << " " << one.address;
    EXPECT_FALSE(Find(table, 8, one.address)) << "of another account";
  }
}

TEST(SuppressionTable, TellsReasonAndDay) {
  SuppressionTable table;
  table.Add(1, Key("a@example.com"), Reason::kComplaint, Day(2500) + Millis(86'399'999));
  EXPECT_EQ(Find(table, 1, "a@example.com"),
            (SuppressionTable::Found{Reason::kComplaint, Day(2500)}));
  table.Add(1, Key("b@example.com"), Reason::kHardBounce, Day(-400));
  EXPECT_EQ(Find(table, 1, "b@example.com")->day, Day(0));
  table.Add(1, Key("c@example.com"), Reason::kManual, Day(100'000));
  EXPECT_EQ(Find(table, 1, "c@example.com"), (SuppressionTable::Found{Reason::kManual, Day(8191)}));
}

TEST(SuppressionTable, TheStrongerReasonStays) {
  SuppressionTable table;
  std::string key = Key("a@example.com");
  EXPECT_EQ(table.Add(1, key, Reason::kUnsubscribe, Day(5)), Added::kNew);
  EXPECT_EQ(table.Add(1, key, Reason::kHardBounce, Day(6)), Added::kThere);
  EXPECT_EQ(table.Add(1, key, Reason::kUnsubscribe, Day(7)), Added::kThere);
  EXPECT_EQ(table.FindKey(1, key), (SuppressionTable::Found{Reason::kUnsubscribe, Day(5)}));
  EXPECT_EQ(table.Add(1, key, Reason::kComplaint, Day(8)), Added::kStronger);
  EXPECT_EQ(table.FindKey(1, key), (SuppressionTable::Found{Reason::kComplaint, Day(8)}));
  EXPECT_EQ(table.size(), 1u);
}

TEST(SuppressionTable, TheAddressSpeaksBeforeItsDomain) {
  SuppressionTable table;
  table.Add(1, Key("example.com"), Reason::kManual, Day(1));
  table.Add(1, Key("a@example.com"), Reason::kHardBounce, Day(2));
  EXPECT_EQ(Find(table, 1, "a@example.com")->reason, Reason::kHardBounce);
  EXPECT_FALSE(Find(table, 1, "a@example.com")->whole_domain);
  EXPECT_TRUE(table.Remove(1, Key("a@example.com")));
  EXPECT_FALSE(table.Remove(1, Key("a@example.com")));
  EXPECT_EQ(Find(table, 1, "a@example.com")->reason, Reason::kManual);
  EXPECT_TRUE(Find(table, 1, "a@example.com")->whole_domain);
}

TEST(SuppressionTable, WhatIsNoEntryIsNotTaken) {
  SuppressionTable table;
  EXPECT_EQ(table.Add(1, "", Reason::kManual, Day(1)), Added::kNoEntry);
  std::string longest(limits::kSuppressionKeyBytesMax, 'a');
  EXPECT_EQ(table.Add(1, longest + "a", Reason::kManual, Day(1)), Added::kNoEntry);
  EXPECT_FALSE(table.FindKey(1, longest + "a"));
  EXPECT_EQ(table.Add(1, longest, Reason::kManual, Day(1)), Added::kNew);
  EXPECT_TRUE(table.FindKey(1, longest));
  EXPECT_FALSE(table.Find(1, ListedAddress::From("no address")));
}

TEST(SuppressionTable, AgreesWithAPlainMap) {
  SuppressionTable table;
  std::unordered_map<std::string, int> model;
  std::mt19937 random(4);
  for (int i = 0; i < 600'000; ++i) {
    std::string key = "example.com@" + std::to_string(random() % 120'000);
    int reason = static_cast<int>(random() % 4) + 1;
    if (random() % 5 < 3) {
      int& kept = model[key];
      Added expected = kept == 0 ? Added::kNew : kept < reason ? Added::kStronger : Added::kThere;
      ASSERT_EQ(table.Add(3, key, static_cast<Reason>(reason), Day(i % 8000)), expected);
      kept = std::max(kept, reason);
    } else {
      ASSERT_EQ(table.Remove(3, key), model.erase(key) == 1);
    }
  }
  ASSERT_GT(model.size(), 50'000u);
  EXPECT_EQ(table.size(), model.size());
  for (int i = 0; i < 120'000; ++i) {
    std::string key = "example.com@" + std::to_string(i);
    auto found = table.FindKey(3, key);
    auto expected = model.find(key);
    ASSERT_EQ(found.has_value(), expected != model.end()) << key;
    if (found) {
      ASSERT_EQ(static_cast<int>(found->reason), expected->second);
    }
  }
}

// What comes and goes for ever must not fill it.
TEST(SuppressionTable, RemovedEntriesTakeNoRoom) {
  SuppressionTable table;
  for (int i = 0; i < 3000; ++i) table.Add(1, "k" + std::to_string(i), Reason::kManual, Day(1));
  size_t bytes = table.bytes();
  for (int i = 3000; i < 300'000; ++i) {
    table.Add(1, "k" + std::to_string(i), Reason::kManual, Day(1));
    table.Remove(1, "k" + std::to_string(i - 3000));
  }
  EXPECT_EQ(table.size(), 3000u);
  EXPECT_LE(table.bytes(), bytes * 4);  // 4096 segments of 256 bytes at least
}

TEST(SuppressionTable, AnEntryTakesLessThanTwelveBytes) {
  SuppressionTable table;
  size_t added = 0;
  for (size_t wanted = 500'000; wanted <= 3'000'000; wanted += 50'000) {
    for (; added < wanted; ++added) {
      table.Add(1, "example.com@" + std::to_string(added), Reason::kHardBounce, Day(1));
    }
    ASSERT_LE(table.bytes(), added * 12) << added;
  }
}

// Readers ask for what is always there while segments grow, entries come and go beside it: none is
// ever missed, and no array is freed under them (asan and tsan say so).
TEST(SuppressionTable, ReadersSeeWhatIsThereWhileItGrows) {
  SuppressionTable table;
  constexpr int kLasting = 5000;
  for (int i = 0; i < kLasting; ++i) {
    table.Add(1, "lasting" + std::to_string(i), Reason::kManual, Day(1));
  }
  std::atomic<bool> stop{false};
  std::atomic<int> missed{0};
  std::atomic<uint64_t> reads{0};
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&, reader] {
      for (int i = reader; !stop.load(); i = (i + 7) % kLasting) {
        if (!table.FindKey(1, "lasting" + std::to_string(i))) ++missed;
        ++reads;
      }
    });
  }
  for (int i = 0; i < 200'000 || reads < 100'000; ++i) {
    table.Add(1, "passing" + std::to_string(i), Reason::kManual, Day(1));
    if (i % 2 == 0) table.Remove(1, "passing" + std::to_string(i / 2));
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(missed, 0);
}

TEST(SuppressionReason, NamesAndNumbers) {
  for (uint64_t number = 1; number <= 4; ++number) {
    auto reason = SuppressionReasonOf(number);
    ASSERT_TRUE(reason);
    EXPECT_EQ(SuppressionReasonOf(SuppressionReasonName(*reason)), reason);
  }
  EXPECT_FALSE(SuppressionReasonOf(uint64_t{0}));
  EXPECT_FALSE(SuppressionReasonOf(uint64_t{5}));
  EXPECT_FALSE(SuppressionReasonOf("Bounce"));
}

TEST(ListEntry, IsWhatListKeyReads) {
  for (const char* entry : {"a@example.com", "\"a b\"@example.com", "\"a\\\"\\\\b@c\"@example.com",
                            "example.com", "*.example.com", "a@[192.0.2.1]", "\"\"@example.com"}) {
    auto key = ListKey(entry);
    ASSERT_TRUE(key) << entry;
    EXPECT_EQ(ListEntry(*key), entry);
  }
  EXPECT_EQ(ListEntry(*ListKey("\"Bob\"@EXAMPLE.com.")), "bob@example.com");
}

}  // namespace
}  // namespace ringpost::identity
