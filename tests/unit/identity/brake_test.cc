#include "gateway/identity/brake.h"

#include <gtest/gtest.h>

namespace ringpost::identity {
namespace {

using What = OutcomeCounts::What;

// 2026-11-29T00:00:00Z and so many hours.
WallTime At(int64_t hours) { return WallFromMillis(1'795'910'400'000 + hours * 3'600'000); }

TEST(OutcomeCounts, ADayThatSlides) {
  OutcomeCounts counts(64);
  counts.Add(1, What::kAccepted, At(12), 100);
  counts.Add(1, What::kHardBounce, At(13), 10);
  counts.Add(1, What::kComplaint, At(13), 1);
  counts.Add(2, What::kAccepted, At(13), 7);
  EXPECT_EQ(counts.Of(1, At(23)).accepted, 100u);
  EXPECT_EQ(counts.Of(1, At(23)).hard_bounces, 10u);
  EXPECT_EQ(counts.Of(1, At(23)).complaints, 1u);
  EXPECT_EQ(counts.Of(1, At(24)).accepted, 100u);
  EXPECT_EQ(counts.Of(1, At(36)).accepted, 50u);  // the half of yesterday
  EXPECT_EQ(counts.Of(1, At(36)).hard_bounces, 5u);
  counts.Add(1, What::kAccepted, At(36), 1);
  EXPECT_EQ(counts.Of(1, At(36)).accepted, 51u);
  EXPECT_EQ(counts.Of(1, At(48)).accepted, 1u);
  EXPECT_EQ(counts.Of(1, At(72)).accepted, 0u);
  EXPECT_EQ(counts.Of(3, At(12)).accepted, 0u);
}

TEST(OutcomeCounts, ForgetsAndTellsOfChanges) {
  OutcomeCounts counts(64);
  uint64_t before = counts.changes();
  counts.Add(1, What::kAccepted, At(0), 5);
  EXPECT_EQ(counts.changes(), before);
  counts.Add(1, What::kHardBounce, At(0));
  EXPECT_NE(counts.changes(), before);
  counts.Add(0, What::kHardBounce, At(0));  // the operator's own
  int seen = 0;
  counts.ForEach(At(0), [&](uint32_t credential, const OutcomeCounts::Sums& sums) {
    EXPECT_EQ(credential, 1u);
    EXPECT_EQ(sums.hard_bounces, 1u);
    ++seen;
  });
  EXPECT_EQ(seen, 1);
  counts.Forget(1);
  EXPECT_EQ(counts.Of(1, At(0)).accepted, 0u);
  EXPECT_EQ(counts.Of(1, At(0)).hard_bounces, 0u);
}

TEST(OutcomeCounts, PlacesOfThoseWhoSentNothingForTwoDaysAreAnybodys) {
  OutcomeCounts counts(64);
  for (uint32_t id = 1; id < 10'000; ++id) {
    WallTime now = At(int64_t{id} * 48);
    counts.Add(id, What::kAccepted, now, 3);
    EXPECT_EQ(counts.Of(id, now).accepted, 3u) << id;
  }
}

TEST(OutcomeCounts, IsKeptOverARestart) {
  OutcomeCounts before(64), after(64);
  before.Add(1, What::kAccepted, At(23), 300);
  before.Add(1, What::kHardBounce, At(25), 20);
  before.Add(2, What::kComplaint, At(25), 2);
  std::vector<uint64_t> words;
  before.Save(0, before.places(), At(25), &words);
  after.Load(words, At(25));
  after.Load(words, At(25));
  for (uint32_t id : {1u, 2u}) {
    EXPECT_EQ(after.Of(id, At(25)).accepted, before.Of(id, At(25)).accepted);
    EXPECT_EQ(after.Of(id, At(25)).hard_bounces, before.Of(id, At(25)).hard_bounces);
    EXPECT_EQ(after.Of(id, At(25)).complaints, before.Of(id, At(25)).complaints);
  }
  words.clear();
  before.Save(0, before.places(), At(100), &words);
  EXPECT_TRUE(words.empty());
}

TEST(Brake, TakesEnoughRecipientsAndMoreThanTheShare) {
  BrakeRule rule;
  EXPECT_EQ(WhyBraked(rule, {199, 199, 0}), "");
  EXPECT_EQ(WhyBraked(rule, {200, 20, 0}), "");
  EXPECT_EQ(WhyBraked(rule, {200, 21, 0}),
            "21 hard bounces of 200 recipients in 24 hours (10.5 %; at most 10 %)");
  EXPECT_EQ(WhyBraked(rule, {1000, 0, 3}), "");
  EXPECT_EQ(WhyBraked(rule, {1000, 0, 4}),
            "4 complaints of 1000 recipients in 24 hours (0.4 %; at most 0.3 %)");
  rule.recipients_min = 0;
  EXPECT_EQ(WhyBraked(rule, {0, 5, 5}), "");
  rule.enabled = false;
  EXPECT_EQ(WhyBraked(rule, {1000, 1000, 1000}), "");
}

}  // namespace
}  // namespace ringpost::identity
