#include "gateway/mail/link_mail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/base/text.h"

namespace ringpost::mail {
namespace {

using testing::HasSubstr;
using testing::Not;

LinkMailInput Input() {
  LinkMailInput input;
  input.hostname = "gw.example.org";
  input.id = *MessageId::Parse("01HXF3J8ZP0000AAAAAAAAAAAA");
  input.address = "bob@example.net";
  input.account = "acme";
  input.url = "https://gw.example.org/confirm/abcdefghijklmnopqrstuvwxyz234567";
  input.now = WallFromMillis(1764000000000);
  input.expires = WallFromMillis(1764604800000);
  return input;
}

void AreCrlfLines(const std::string& text) {
  size_t begin = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\r') {
      ASSERT_EQ(text[at + 1], '\n');
    } else if (text[at] == '\n') {
      ASSERT_EQ(text[at - 1], '\r');
      EXPECT_LE(at - 1 - begin, 998u);
      begin = at + 1;
    }
  }
  EXPECT_EQ(begin, text.size());
}

TEST(LinkMailTest, IsWholeMail) {
  std::string mail = BuildLinkMail(Input());
  EXPECT_EQ(mail,
            "Date: Mon, 24 Nov 2025 16:00:00 +0000\r\n"
            "From: \"Mail gateway gw.example.org\" <postmaster@gw.example.org>\r\n"
            "To: <bob@example.net>\r\n"
            "Subject: Please confirm your address at the mail gateway gw.example.org\r\n"
            "Message-ID: <01HXF3J8ZP0000AAAAAAAAAAAA@gw.example.org>\r\n"
            "Auto-Submitted: auto-generated\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=us-ascii\r\n"
            "Content-Transfer-Encoding: 7bit\r\n"
            "\r\n"
            "At the mail gateway gw.example.org, the account acme is to send mail\r\n"
            "that comes from this address:\r\n"
            "\r\n"
            "    bob@example.net\r\n"
            "\r\n"
            "If you want that, open this page and press its button:\r\n"
            "\r\n"
            "    https://gw.example.org/confirm/abcdefghijklmnopqrstuvwxyz234567\r\n"
            "\r\n"
            "To open the page changes nothing by itself. The link is good once, until\r\n"
            "Mon, 1 Dec 2025 16:00:00 +0000.\r\n"
            "\r\n"
            "If you do not know what this is about, do nothing: without your\r\n"
            "confirmation the gateway takes no mail from the account under your\r\n"
            "address.\r\n");
  AreCrlfLines(mail);
}

TEST(LinkMailTest, AnAddressBeyondAsciiMakesItUtf8) {
  LinkMailInput input = Input();
  input.address = "m\xc3\xbcller@example.net";
  std::string mail = BuildLinkMail(input);
  EXPECT_THAT(mail, HasSubstr("\r\nTo: <m\xc3\xbcller@example.net>\r\n"));
  EXPECT_THAT(mail, HasSubstr("charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"));
  EXPECT_TRUE(IsUtf8(mail));
  AreCrlfLines(mail);
}

TEST(LinkMailTest, NothingOfWhatItIsToldBecomesAField) {
  LinkMailInput input = Input();
  input.address = "bob@example.net>\r\nBcc: all@example.net\r\n\r\n\x01";
  input.account = "acme\r\nX: y\r\n.\r\n";
  input.url = "https://a/\r\nQ: z";
  input.hostname = "gw\r\nH: h";
  std::string mail = BuildLinkMail(input);
  for (const char* injected : {"\nBcc:", "\nX:", "\nQ:", "\nH:", "\n.\r", "\x01"}) {
    EXPECT_THAT(mail, Not(HasSubstr(injected)));
  }
  AreCrlfLines(mail);
  input.address = "\"a  b\"@example.net";
  EXPECT_THAT(BuildLinkMail(input), HasSubstr("To: <\"a  b\"@example.net>\r\n"));
}

TEST(LinkMailTest, LongPartsAreCut) {
  LinkMailInput input = Input();
  std::string longest(100'000, 'x');
  input.address = input.account = input.url = input.hostname = longest;
  std::string mail = BuildLinkMail(input);
  EXPECT_LT(mail.size(), 10'000u);
  AreCrlfLines(mail);
}

}  // namespace
}  // namespace ringpost::mail
