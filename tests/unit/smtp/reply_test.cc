#include "gateway/smtp/reply.h"

#include <gtest/gtest.h>

namespace ringpost::smtp {
namespace {

std::string Wire(const Reply& reply) {
  std::string out;
  AppendReply(&out, reply);
  return out;
}

TEST(Reply, GoesOnTheWire) {
  EXPECT_EQ(Wire({250, {2, 1, 0}, "fine"}), "250 2.1.0 fine\r\n");
  EXPECT_EQ(Wire({354, {}, "go on"}), "354 go on\r\n");
  EXPECT_EQ(Wire({550, {5, 7, 1}, "one\ntwo\nthree"}),
            "550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 three\r\n");
  EXPECT_EQ(Wire({250, {}, ""}), "250 \r\n");
  EXPECT_EQ(Wire({250, {2, 0, 0}, "\n"}), "250-2.0.0 \r\n250 2.0.0 \r\n");
}

TEST(Reply, IsWellFormedWhateverTheWords) {
  EXPECT_EQ(Wire({550,
                  {5, 7, 1},
                  "a\r\t\x80\x7f"
                  "b"}),
            "550 5.7.1 a????b\r\n");
  const std::string wire = Wire({550, {5, 7, 1}, std::string(9000, 'x')});
  EXPECT_EQ(wire.size(), 512u);
  EXPECT_TRUE(wire.ends_with("x\r\n"));
}

TEST(Reply, TakesEnhancedCodesOff) {
  auto take = [](uint16_t code, std::string_view text) {
    EnhancedCode enhanced = TakeEnhancedCode(code, &text);
    return enhanced.ToString() + "|" + std::string(text);
  };
  EXPECT_EQ(take(550, "5.7.1 no"), "5.7.1|no");
  EXPECT_EQ(take(250, "2.0.0"), "2.0.0|");
  EXPECT_EQ(take(450, "4.7.650 later"), "4.7.650|later");
  EXPECT_EQ(take(550, "4.7.1 no"), "|4.7.1 no");  // another class
  EXPECT_EQ(take(550, "5.7 no"), "|5.7 no");
  EXPECT_EQ(take(550, "5.7.1no"), "|5.7.1no");
  EXPECT_EQ(take(550, "5.7.1234 no"), "|5.7.1234 no");
  EXPECT_EQ(take(550, "5.07.1 no"), "|5.07.1 no");
  EXPECT_EQ(take(354, "3.0.0 go"), "|3.0.0 go");
  EXPECT_EQ(take(550, ""), "|");
}

TEST(Reply, KnowsItsClass) {
  EXPECT_TRUE((Reply{250, {}, ""}).positive());
  EXPECT_TRUE((Reply{421, {}, ""}).temporary());
  EXPECT_TRUE((Reply{554, {}, ""}).permanent());
  EXPECT_FALSE((Reply{554, {}, ""}).temporary());
}

}  // namespace
}  // namespace ringpost::smtp
