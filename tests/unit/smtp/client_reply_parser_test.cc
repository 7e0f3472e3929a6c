#include <gtest/gtest.h>

#include "gateway/base/limits.h"
#include "gateway/smtp/reply_parser.h"

namespace ringpost::smtp {
namespace {

using namespace std::string_literals;

using Result = ReplyParser::Result;

Result Last(ReplyParser* parser, std::string_view input) {
  Result result = Result::kNeedInput;
  do {
    result = parser->Next(&input);
  } while (result == Result::kLine);
  return result;
}

Reply Parse(std::string_view text) {
  ReplyParser parser;
  EXPECT_EQ(Last(&parser, text), Result::kReply) << text;
  return parser.reply();
}

std::string_view Error(std::string_view text) {
  static ReplyParser parser;
  parser = ReplyParser();
  EXPECT_EQ(Last(&parser, text), Result::kBroken) << text;
  return parser.error();
}

TEST(ReplyParser, TakesCodeEnhancedCodeAndText) {
  EXPECT_EQ(Parse("250 2.1.5 Ok\r\n"), (Reply{250, {2, 1, 5}, "Ok"}));
  EXPECT_EQ(Parse("250 Ok\r\n"), (Reply{250, {}, "Ok"}));
  EXPECT_EQ(Parse("354\r\n"), (Reply{354, {}, ""}));
  EXPECT_EQ(Parse("250 \r\n"), (Reply{250, {}, ""}));
  EXPECT_EQ(Parse("250 2.0.0\r\n"), (Reply{250, {2, 0, 0}, ""}));
  EXPECT_EQ(Parse("250\tOk\r\n"), (Reply{250, {}, "Ok"}));
  EXPECT_EQ(Parse("599 5.123.999 x\n"), (Reply{599, {5, 123, 999}, "x"}));
}

TEST(ReplyParser, JoinsLines) {
  EXPECT_EQ(Parse("550-5.7.1 Our system has detected\r\n550-5.7.1 something\r\n550 5.7.1 bad\r\n"),
            (Reply{550, {5, 7, 1}, "Our system has detected\nsomething\nbad"}));
  EXPECT_EQ(Parse("250-a\r\n250-\r\n250 b\r\n"), (Reply{250, {}, "a\n\nb"}));
  ReplyParser parser;
  std::string_view input = "250-one\r\n250 two\r\n";
  EXPECT_EQ(parser.Next(&input), Result::kLine);
  EXPECT_EQ(parser.line(), "250-one");
  EXPECT_EQ(parser.Next(&input), Result::kReply);
  EXPECT_EQ(parser.line(), "250 two");
  EXPECT_EQ(parser.lines(), 2u);
}

TEST(ReplyParser, EnhancedCodeMustMatchTheClassAndItsGrammar) {
  for (const char* text : {"5.1.1 x", "2.1 x", "2.1.x y", "2..1 x", "2.1234.1 x", "2.1.1234 x",
                           "2.1.1x", "2.1.", "2", "x.1.1", "22.1.1 x"}) {
    EXPECT_EQ(Parse("250 " + std::string(text) + "\r\n"), (Reply{250, {}, text}));
  }
}

TEST(ReplyParser, BreaksOnBadGrammar) {
  EXPECT_NE(Error("hello\r\n"), "");
  EXPECT_NE(Error("25\r\n"), "");
  EXPECT_NE(Error("\r\n"), "");
  EXPECT_NE(Error("250+x\r\n"), "");
  EXPECT_NE(Error("2500 x\r\n"), "");
  EXPECT_NE(Error("150 x\r\n"), "");
  EXPECT_NE(Error("600 x\r\n"), "");
  EXPECT_NE(Error("000 x\r\n"), "");
  EXPECT_EQ(Error("250-a\r\n251 b\r\n"), "the lines of one reply have different codes");
}

TEST(ReplyParser, BoundsLines) {
  std::string fits = "250 " + std::string(limits::kReplyLineBytesMax - 6, 'x') + "\r\n";
  EXPECT_EQ(fits.size(), limits::kReplyLineBytesMax);
  EXPECT_EQ(Parse(fits).text, std::string(limits::kReplyTextKeptBytesMax, 'x'));
  fits.insert(4, "x");
  EXPECT_EQ(Error(fits), "a reply line is too long");
  EXPECT_EQ(Error(std::string(limits::kReplyLineBytesMax, 'x')), "a reply line is too long");
  // The same in single bytes.
  ReplyParser parser;
  Result result = Result::kNeedInput;
  size_t fed = 0;
  while (result == Result::kNeedInput && fed < 10'000) {
    std::string_view byte = "2";
    result = parser.Next(&byte);
    ++fed;
  }
  EXPECT_EQ(result, Result::kBroken);
  EXPECT_EQ(fed, limits::kReplyLineBytesMax);
}

TEST(ReplyParser, BoundsReplies) {
  std::string lines;
  for (size_t i = 1; i < limits::kReplyLinesMax; ++i) lines += "250-0123456789\r\n";
  Reply reply = Parse(lines + "250 end\r\n");
  EXPECT_LE(reply.text.size(), limits::kReplyTextKeptBytesMax);
  EXPECT_GE(reply.text.size(), limits::kReplyTextKeptBytesMax - 16);
  EXPECT_EQ(Error(lines + "250-one more\r\n250 end\r\n"), "a reply has too many lines");
}

TEST(ReplyParser, KeepsTextPrintable) {
  EXPECT_EQ(Parse("550 a\x1b[31mb\rc\x7f\r\n").text, "a?[31mb?c?");
  EXPECT_EQ(Parse("550 a\0b\r\n"s).text, "a?b");
  EXPECT_EQ(Parse("550 gr\xc3\xbc\xc3\x9f\xff\r\n").text, "gr\xc3\xbc\xc3\x9f?");
}

TEST(ReplyParser, TakesSplitsAnywhere) {
  std::string bytes = "250-2.1.0 one\r\n250 2.1.0 two\r\n";
  for (size_t at = 0; at <= bytes.size(); ++at) {
    ReplyParser parser;
    std::string first = bytes.substr(0, at), second = bytes.substr(at);
    Result result = Last(&parser, first);
    if (result == Result::kNeedInput) result = Last(&parser, second);
    EXPECT_EQ(result, Result::kReply) << at;
    EXPECT_EQ(parser.reply(), (Reply{250, {2, 1, 0}, "one\ntwo"})) << at;
  }
}

}  // namespace
}  // namespace ringpost::smtp
