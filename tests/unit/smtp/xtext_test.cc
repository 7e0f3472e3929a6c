#include "gateway/smtp/xtext.h"

#include <gtest/gtest.h>

namespace ringpost::smtp {
namespace {

TEST(Xtext, GoesThereAndBack) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  std::string xtext;
  AppendXtext(&xtext, all);
  for (char c : xtext) EXPECT_TRUE(c >= '!' && c <= '~' && c != '=');
  EXPECT_EQ(DecodeXtext(xtext, false), all);
}

TEST(Xtext, EncodesOnlyWhatMustBe) {
  std::string xtext;
  AppendXtext(&xtext, "a+b=c d\xc3\xbc~");
  EXPECT_EQ(xtext, "a+2Bb+3Dc+20d+C3+BC~");
}

TEST(Xtext, RefusesWhatIsNone) {
  for (std::string_view text :
       {"+", "+2", "+2b", "+G0", "a=b", "a b", "a\tb", "\x7f", "\xc3\xbc"}) {
    EXPECT_FALSE(DecodeXtext(text, false)) << text;
  }
  EXPECT_EQ(DecodeXtext("", false), "");
  EXPECT_EQ(DecodeXtext("\xc3\xbc+2B", true), "\xc3\xbc+");
  EXPECT_FALSE(DecodeXtext("\xc3", true));
}

}  // namespace
}  // namespace ringpost::smtp
