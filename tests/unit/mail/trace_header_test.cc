#include "gateway/mail/trace_header.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace ringpost::mail {
namespace {

using namespace std::string_literals;

TraceInput Input() {
  TraceInput input;
  input.helo = "client.example.com";
  input.client = *IpAddress::Parse("192.0.2.1");
  input.hostname = "gw.example.org";
  input.protocol = "ESMTP";
  input.id = *MessageId::Parse("01HXF3J8ZP0000K7M2Q9RSTVWX");
  input.single_recipient = "bob@example.net";
  input.now = WallFromMillis(1764000000000);
  return input;
}

// Each line at most `most` bytes, all ending in CRLF, continuations beginning with a tab.
void ExpectWellFolded(const std::string& field, size_t most) {
  ASSERT_TRUE(field.ends_with("\r\n"));
  size_t at = 0;
  for (size_t n = 0; at < field.size(); ++n) {
    size_t end = field.find("\r\n", at);
    std::string line = field.substr(at, end - at);
    EXPECT_LE(line.size(), most) << line;
    EXPECT_EQ(line.find_first_of("\r\n"), std::string::npos);
    EXPECT_EQ(line[0] == '\t', n > 0) << line;
    EXPECT_NE(line.find_first_not_of(" \t"), std::string::npos) << "an empty continuation";
    at = end + 2;
  }
}

TEST(ReceivedField, Plain) {
  EXPECT_EQ(ReceivedField(Input()),
            "Received: from client.example.com ([192.0.2.1])\r\n"
            "\tby gw.example.org with ESMTP id 01HXF3J8ZP0000K7M2Q9RSTVWX\r\n"
            "\tfor <bob@example.net>; Mon, 24 Nov 2025 16:00:00 +0000\r\n");
}

TEST(ReceivedField, WithoutRecipient) {
  TraceInput input = Input();
  input.single_recipient.reset();
  input.client = *IpAddress::Parse("2001:db8::1");
  input.helo = "[IPv6:2001:db8::1]";
  EXPECT_EQ(ReceivedField(input),
            "Received: from [IPv6:2001:db8::1] ([IPv6:2001:db8::1])\r\n"
            "\tby gw.example.org with ESMTP id 01HXF3J8ZP0000K7M2Q9RSTVWX;\r\n"
            "\tMon, 24 Nov 2025 16:00:00 +0000\r\n");
}

// RFC 8314 section 4.3.
TEST(ReceivedField, NamesTheVersionAndTheCipher) {
  TraceInput input = Input();
  input.protocol = "ESMTPS";
  input.tls_version = "TLSv1.3";
  input.tls_cipher = "TLS_AES_128_GCM_SHA256";
  EXPECT_EQ(ReceivedField(input),
            "Received: from client.example.com ([192.0.2.1])\r\n"
            "\tby gw.example.org with ESMTPS (TLSv1.3) id 01HXF3J8ZP0000K7M2Q9RSTVWX\r\n"
            "\tfor <bob@example.net> tls TLS_AES_128_GCM_SHA256;\r\n"
            "\tMon, 24 Nov 2025 16:00:00 +0000\r\n");
  input.single_recipient.reset();
  input.tls_cipher = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256";
  EXPECT_NE(ReceivedField(input).find("STVWX\r\n\ttls TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305"),
            std::string::npos);
  ExpectWellFolded(ReceivedField(input), 78);
}

TEST(ReceivedField, HostileHeloBecomesAComment) {
  TraceInput input = Input();
  for (std::string helo :
       {std::string("a b"), std::string("x)(y\\"), std::string("x\r\nBcc: eve"), "\0"s,
        std::string("a;b"), std::string("[not an address]"), std::string("\xc3\xbc.example"),
        std::string("from by with id <x@y>; Thu"), std::string(400, 'x')}) {
    input.helo = helo;
    std::string field = ReceivedField(input);
    EXPECT_TRUE(field.starts_with("Received: from [192.0.2.1]")) << field;
    // Its text stands between one pair of parentheses.
    EXPECT_EQ(std::count(field.begin(), field.end(), '('), 1) << field;
    EXPECT_EQ(std::count(field.begin(), field.end(), ')'), 1) << field;
    EXPECT_EQ(field.find('\\'), std::string::npos);
    EXPECT_EQ(std::count(field.begin(), field.end(), ';'),
              1 + std::count(helo.begin(), helo.end(), ';'));
    ExpectWellFolded(field, 400);
    for (char c : field)
      EXPECT_TRUE(c == '\r' || c == '\n' || c == '\t' || (c >= 0x20 && c < 0x7f));
  }
}

TEST(ReceivedField, OldDevicesKeepTheirName) {
  TraceInput input = Input();
  input.helo = "PRINTER_3";
  EXPECT_TRUE(ReceivedField(input).starts_with("Received: from PRINTER_3 ([192.0.2.1])\r\n"));
  input.helo = "";
  EXPECT_TRUE(ReceivedField(input).starts_with("Received: from [192.0.2.1] (no helo)\r\n"));
}

TEST(ReceivedField, Utf8OnlyUnderItsProtocol) {
  TraceInput input = Input();
  input.helo =
      "b\xc3\xbc"
      "cher.example";
  input.single_recipient = "j\xc3\xb6rg@example.net";
  input.protocol = "UTF8SMTP";
  std::string field = ReceivedField(input);
  EXPECT_NE(field.find("from b\xc3\xbc"), std::string::npos);
  EXPECT_NE(field.find("for <j\xc3\xb6rg@example.net>;"), std::string::npos);
  input.protocol = "ESMTP";
  field = ReceivedField(input);
  EXPECT_EQ(field.find("\xc3"), std::string::npos);
  EXPECT_EQ(field.find("for <"), std::string::npos);
}

TEST(ReceivedField, HostileRecipientsAreLeftOut) {
  TraceInput input = Input();
  for (std::string path : {std::string("a>b@x"), std::string("a\r\nBcc: x@y"), std::string("a b@x"),
                           std::string("\"a@x"), "a\0b@x"s, std::string("(x)@y"), std::string()}) {
    input.single_recipient = path;
    EXPECT_EQ(ReceivedField(input).find("for <"), std::string::npos) << path;
  }
  input.single_recipient = "\"a> b\"@example.net";
  EXPECT_NE(ReceivedField(input).find("for <\"a> b\"@example.net>;"), std::string::npos);
}

TEST(ReceivedField, FoldsLongNames) {
  TraceInput input = Input();
  std::string helo = std::string(60, 'h') + "." + std::string(60, 'h') + ".example";
  std::string recipient = std::string(64, 'r') + "@" + std::string(60, 'r') + ".example";
  std::string hostname = std::string(60, 'g') + "." + std::string(60, 'g') + ".example";
  input.helo = helo;
  input.single_recipient = recipient;
  input.hostname = hostname;
  ExpectWellFolded(ReceivedField(input), 150);
  ExpectWellFolded(ReceivedField(Input()), 78);
}

TEST(MissingFields, AddsWhatIsNotThere) {
  HeaderSummary headers;
  headers.header_bytes = 10;
  headers.has_separator = true;
  EXPECT_EQ(MissingFields(Input(), headers),
            "Date: Mon, 24 Nov 2025 16:00:00 +0000\r\n"
            "Message-ID: <01HXF3J8ZP0000K7M2Q9RSTVWX@gw.example.org>\r\n");
  headers.has_date = true;
  EXPECT_EQ(MissingFields(Input(), headers),
            "Message-ID: <01HXF3J8ZP0000K7M2Q9RSTVWX@gw.example.org>\r\n");
  headers.has_message_id = true;
  EXPECT_EQ(MissingFields(Input(), headers), "");
}

TEST(MissingFields, ABodyWithoutHeaderGetsItsEmptyLine) {
  EXPECT_TRUE(MissingFields(Input(), HeaderSummary{}).ends_with(">\r\n\r\n"));
  HeaderSummary empty_line_first;
  empty_line_first.header_bytes = 2;
  empty_line_first.has_separator = true;
  EXPECT_FALSE(MissingFields(Input(), empty_line_first).ends_with("\r\n\r\n"));
}

}  // namespace
}  // namespace ringpost::mail
