// The suggestion for a misspelt word.
#include "gateway/app/config_text.h"

#include <gtest/gtest.h>

namespace ringpost::app {
namespace {

TEST(ConfigText, EditDistance) {
  EXPECT_EQ(EditDistance("relay", "relay", 2), 0u);
  EXPECT_EQ(EditDistance("realy", "relay", 2), 1u);  // a swap
  EXPECT_EQ(EditDistance("rely", "relay", 2), 1u);
  EXPECT_EQ(EditDistance("rellay", "relay", 2), 1u);
  EXPECT_EQ(EditDistance("kitten", "sitting", 3), 3u);
  EXPECT_EQ(EditDistance("kitten", "sitting", 2), 3u);  // more than asked for
  EXPECT_EQ(EditDistance("", "ab", 2), 2u);
}

TEST(ConfigText, NearestKnownWord) {
  constexpr std::string_view known[] = {"address", "region", "strict", "to"};
  EXPECT_EQ(Nearest("adress", known), "address");
  EXPECT_EQ(Nearest("reigon", known), "region");
  EXPECT_EQ(Nearest("colour", known), "");
  EXPECT_EQ(Nearest("xy", known), "");  // two edits would make it "to", and anything else
}

}  // namespace
}  // namespace ringpost::app
