#include "gateway/smtp/command.h"

#include <gtest/gtest.h>

#include <string>

namespace ringpost::smtp {
namespace {

using Fault = PathArgument::Fault;

TEST(Command, FindsVerbsInAnyCase) {
  EXPECT_EQ(ParseCommand("mail FROM:<>").verb, Verb::kMail);
  EXPECT_EQ(ParseCommand("mail FROM:<>").argument, "FROM:<>");
  EXPECT_EQ(ParseCommand("QuIt").verb, Verb::kQuit);
  EXPECT_EQ(ParseCommand("NOOP \t x \t ").argument, "x");
  EXPECT_EQ(ParseCommand("XCLIENT").verb, Verb::kXclient);
  EXPECT_EQ(ParseCommand("starttls").verb, Verb::kStartTls);
  EXPECT_EQ(ParseCommand("etrn").verb, Verb::kUnsupported);
  EXPECT_EQ(ParseCommand("get / HTTP/1.1").verb, Verb::kForeign);
}

TEST(Command, TakesNothingElseForAVerb) {
  for (std::string_view line : {"", " ", "QUITX", "QUI", "QUIT:", "-QUIT", "MAILFROM:<>",
                                "STARTTLSX", "M\xc1IL", "\x00QUIT", "DAT\x01", "NOOPNOOPNOOP"}) {
    EXPECT_EQ(ParseCommand(line).verb, Verb::kUnknown) << line;
  }
}

TEST(Command, SeesFaultsInALine) {
  bool high = true;
  EXPECT_EQ(CheckLine("MAIL FROM:<a@b>\t~", false, &high), LineFault::kNone);
  EXPECT_FALSE(high);
  EXPECT_EQ(CheckLine("\xc3\xbc", false, &high), LineFault::kNone);
  EXPECT_TRUE(high);
  for (int c = 0; c < 0x20; ++c) {
    const std::string line = std::string("NOOP ") + static_cast<char>(c) + "x";
    const LineFault fault = CheckLine(line, false, &high);
    EXPECT_EQ(fault, c == '\t'   ? LineFault::kNone
                     : c == '\r' ? LineFault::kBareCr
                                 : LineFault::kControl)
        << c;
    EXPECT_NE(CheckLine(line, true, &high), LineFault::kNone) << c;
  }
  EXPECT_EQ(CheckLine("\x7f", false, &high), LineFault::kControl);
}

TEST(Command, FindsThePath) {
  PathArgument path = ParsePathArgument("FROM:<a@b> SIZE=1  BODY=7BIT ", "FROM:", true);
  EXPECT_EQ(path.fault, Fault::kNone);
  EXPECT_EQ(path.mailbox, "a@b");
  EXPECT_EQ(path.parameters, "SIZE=1  BODY=7BIT");
  path = ParsePathArgument("to:<\"a> \\\" >\"@b>", "TO:", true);
  EXPECT_EQ(path.fault, Fault::kNone);
  EXPECT_EQ(path.mailbox, "\"a> \\\" >\"@b");
  EXPECT_EQ(ParsePathArgument("FROM:<>", "FROM:", true).mailbox, "");
  EXPECT_EQ(ParsePathArgument("FROM:<@x,@y.z:a@b>", "FROM:", true).mailbox, "a@b");
}

TEST(Command, IsLenientWithPathsOnlyWhenAsked) {
  for (std::string_view argument :
       {"FROM: <a@b>", "FROM:\t<a@b>", "FROM:a@b", "FROM:< a@b >", "FROM:  a@b"}) {
    PathArgument path = ParsePathArgument(argument, "FROM:", false);
    EXPECT_EQ(path.fault, Fault::kNone) << argument;
    EXPECT_EQ(path.mailbox, "a@b") << argument;
    path = ParsePathArgument(argument, "FROM:", true);
    EXPECT_TRUE(path.fault != Fault::kNone || path.mailbox == " a@b ") << argument;
  }
}

TEST(Command, RefusesPathsThatAreNone) {
  for (std::string_view argument :
       {"FROM:", "FROM:<", "FROM:<a@b", "FROM:<a@b>x", "FROM:<\"a@b>", "FROM:<@x>", "FROM:<@x:>",
        "FROM:<@x,:a@b>", "FROM:<@x,y:a@b>", "FROM:<@:a@b>", "FROM:<@x y:a@b>"}) {
    EXPECT_EQ(ParsePathArgument(argument, "FROM:", false).fault, Fault::kPath) << argument;
  }
  for (std::string_view argument : {"", "<a@b>", "FROM", "FROM <a@b>", "TO:<a@b>"}) {
    EXPECT_EQ(ParsePathArgument(argument, "FROM:", false).fault, Fault::kKeyword) << argument;
  }
  const std::string route = "FROM:<@" + std::string(250, 'x') + ":a@b>";
  EXPECT_EQ(ParsePathArgument(route, "FROM:", false).fault, Fault::kPath);
}

TEST(Command, ReadsHelo) {
  EXPECT_EQ(ParseHelo("a.example", true), "a.example");
  EXPECT_EQ(ParseHelo("[192.0.2.1]", true), "[192.0.2.1]");
  EXPECT_EQ(ParseHelo("a_b", true), "");
  EXPECT_EQ(ParseHelo("a b", true), "");
  EXPECT_EQ(ParseHelo("a_b c", false), "a_b");
  EXPECT_EQ(ParseHelo("", false), "");
  EXPECT_EQ(ParseHelo(std::string(300, 'x'), false).size(), 255u);
}

TEST(Command, ReadsBdat) {
  auto bdat = ParseBdat("86 LAST");
  ASSERT_TRUE(bdat);
  EXPECT_EQ(bdat->bytes, 86u);
  EXPECT_TRUE(bdat->last);
  bdat = ParseBdat("0");
  ASSERT_TRUE(bdat);
  EXPECT_FALSE(bdat->last);
  EXPECT_TRUE(ParseBdat("18446744073709551615"));
  for (std::string_view argument : {"", "LAST", "x", "-1", "+1", "1x", "0x10", "1 LAST x",
                                    "1 LASTX", "1,LAST", "18446744073709551616", "1.0", "LAST 1"}) {
    EXPECT_FALSE(ParseBdat(argument)) << argument;
  }
}

}  // namespace
}  // namespace ringpost::smtp
