#include "gateway/session/password_records.h"

#include <gtest/gtest.h>

namespace ringpost::session {
namespace {

identity::PasswordRecord RecordOf(uint32_t number) {
  identity::PasswordRecord record;
  record.iterations = number;
  return record;
}

uint32_t NumberOf(PasswordRecords* records, std::string_view name, uint64_t version) {
  const identity::PasswordRecord* found = records->Find(name, version);
  return found ? found->iterations : 0;
}

TEST(PasswordRecords, ByNameInAnyCase) {
  PasswordRecords records;
  EXPECT_EQ(records.Find("tim", 0), nullptr);
  records.Keep("Tim", 0, RecordOf(1));
  EXPECT_EQ(NumberOf(&records, "tIM", 0), 1u);
  records.Keep("tim", 0, RecordOf(2));
  EXPECT_EQ(NumberOf(&records, "tim", 0), 2u);
  EXPECT_EQ(records.size(), 1u);
}

TEST(PasswordRecords, OfOneVersion) {
  PasswordRecords records;
  records.Keep("tim", 0, RecordOf(1));
  EXPECT_EQ(records.Find("tim", 1), nullptr);
  EXPECT_EQ(records.Find("tim", 0), nullptr) << "forgotten for good";
  records.Keep("tim", 1, RecordOf(2));
  records.Keep("tom", 2, RecordOf(3));
  EXPECT_EQ(records.Find("tim", 2), nullptr);
  EXPECT_EQ(NumberOf(&records, "tom", 2), 3u);
}

TEST(PasswordRecords, TheFirstGoesFirst) {
  constexpr uint32_t kMost = limits::kPasswordRecordsKeptMax;
  PasswordRecords records;
  for (int round = 0; round < 2; ++round) {
    const uint64_t version = static_cast<uint64_t>(round);
    for (uint32_t i = 1; i <= 2 * kMost + 5; ++i) {
      records.Keep(std::to_string(i), version, RecordOf(i));
      records.Keep(std::to_string(i), version, RecordOf(i));
    }
    EXPECT_EQ(records.size(), kMost);
    EXPECT_EQ(NumberOf(&records, std::to_string(kMost + 5), version), 0u);
    for (uint32_t i = kMost + 6; i <= 2 * kMost + 5; ++i) {
      ASSERT_EQ(NumberOf(&records, std::to_string(i), version), i);
    }
  }
}

}  // namespace
}  // namespace ringpost::session
