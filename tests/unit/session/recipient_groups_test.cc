#include "gateway/session/recipient_groups.h"

#include <gtest/gtest.h>

namespace ringpost::session {
namespace {

using storage::RecipientStatus;

storage::StoredEnvelope To(const std::vector<std::string>& addresses) {
  storage::StoredEnvelope envelope;
  for (const std::string& address : addresses) envelope.recipients.push_back({.address = address});
  return envelope;
}

std::vector<storage::RecipientState> States(const std::vector<RecipientStatus>& statuses) {
  std::vector<storage::RecipientState> states(statuses.size());
  for (size_t i = 0; i < statuses.size(); ++i) states[i].status = statuses[i];
  return states;
}

TEST(RecipientGroupsTest, ADomainWithoutGapsIsToldByItsRange) {
  auto groups =
      GroupRecipients(To({"a@one.example", "b@ONE.example", "c@two.example"}), {}, nullptr);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].recipients, 2u);
  EXPECT_TRUE(groups[0].told_by_range() && groups[1].told_by_range());
}

TEST(RecipientGroupsTest, ADomainWithGapsIsNot) {
  auto groups =
      GroupRecipients(To({"a@one.example", "b@two.example", "c@one.example"}), {}, nullptr);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_FALSE(groups[0].told_by_range());
  EXPECT_TRUE(groups[1].told_by_range());
}

// Few groups and many are found in two ways.
TEST(RecipientGroupsTest, NorAreTheGroupsOfADomainThatHasTwo) {
  for (size_t others : {0, 40}) {
    std::vector<std::string> addresses = {"a@one.example", "b@one.example"};
    std::vector<RecipientStatus> statuses = {RecipientStatus::kDeferred, RecipientStatus::kHeld};
    for (size_t i = 0; i < others; ++i) {
      addresses.push_back("x@other" + std::to_string(i) + ".example");
      statuses.push_back(RecipientStatus::kQueued);
    }
    auto groups = GroupRecipients(To(addresses), States(statuses), nullptr);
    ASSERT_EQ(groups.size(), 2 + others);
    for (size_t i = 0; i < groups.size(); ++i) EXPECT_EQ(groups[i].told_by_range(), i >= 2) << i;
  }
}

}  // namespace
}  // namespace ringpost::session
