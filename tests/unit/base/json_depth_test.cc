#include "gateway/base/json_depth.h"

#include <gtest/gtest.h>

#include <string>

namespace ringpost {
namespace {

TEST(JsonDepthTest, CountsWhatIsOpenAtOnce) {
  EXPECT_FALSE(NestsDeeper("", 0));
  EXPECT_FALSE(NestsDeeper("12", 0));
  EXPECT_TRUE(NestsDeeper("[]", 0));
  EXPECT_FALSE(NestsDeeper("[]", 1));
  EXPECT_FALSE(NestsDeeper(R"([{"a":1},{"b":[]}])", 3));
  EXPECT_TRUE(NestsDeeper(R"([{"a":1},{"b":[]}])", 2));
  std::string side_by_side = "[";
  for (int i = 0; i < 1000; ++i) side_by_side += "[{}],";
  EXPECT_FALSE(NestsDeeper(side_by_side + "1]", 3));
  EXPECT_TRUE(NestsDeeper(std::string(1'000'000, '['), 999'999));
}

TEST(JsonDepthTest, BracketsInTextsAreNone) {
  EXPECT_FALSE(NestsDeeper(R"({"[[[":"{{{"})", 1));
  EXPECT_FALSE(NestsDeeper(R"({"a\"[[":"\\","b":"]\\\"[["})", 1));
  EXPECT_TRUE(NestsDeeper(R"({"a\\":[[]]})", 2)) << "the backslash is itself behind one";
}

// What is not JSON is refused by the parser; here nothing is read behind its end.
TEST(JsonDepthTest, TextsThatAreCutOff) {
  EXPECT_FALSE(NestsDeeper("\"\\", 0));
  EXPECT_FALSE(NestsDeeper("\"[[", 0));
  EXPECT_FALSE(NestsDeeper("]]]]", 0));
  EXPECT_TRUE(NestsDeeper("]]]][", 0));
}

}  // namespace
}  // namespace ringpost
