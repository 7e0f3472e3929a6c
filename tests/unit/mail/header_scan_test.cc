#include <algorithm>

#include "gateway/mail/header_scan.h"

#include <gtest/gtest.h>

#include "gateway/base/limits.h"

namespace ringpost::mail {
namespace {

HeaderSummary Scan(std::string_view message, size_t piece = std::string_view::npos) {
  SliceChain chain;
  for (size_t at = 0; at < message.size(); at += std::min(piece, message.size())) {
    chain.Append(Slice::Copy(message.substr(at, piece)));
  }
  return ScanHeaders(chain);
}

TEST(HeaderScan, FindsWhatARelayNeeds) {
  std::string header =
      "Received: from a\r\n\tby b\r\nRECEIVED: from c\r\nreceived : from d\r\nDelivered-To: x@y\r\n"
      "From: a@b\r\nDATE: now\r\nMessage-ID:\r\n <one@\r\n\texample>\r\nSubject: x\r\n\r\n";
  std::string message = header + "Received: in the body\r\n\xff";
  for (size_t piece = 1; piece < message.size() + 2; ++piece) {
    HeaderSummary found = Scan(message, piece);
    EXPECT_EQ(found.received_count, 3u);
    EXPECT_EQ(found.delivered_to_count, 1u);
    EXPECT_TRUE(found.from_count == 1 && found.has_date && found.has_message_id &&
                found.has_separator);
    EXPECT_EQ(found.message_id, "<one@example>");
    EXPECT_EQ(found.header_bytes, header.size());
    EXPECT_FALSE(found.eight_bit_header);
    EXPECT_FALSE(found.truncated);
  }
}

TEST(HeaderScan, NamesMatchWholeAndOnlyAtLineStart) {
  HeaderSummary found = Scan(
      "X-Received: a\r\nReceived-SPF: pass\r\nSubject: Received: b\r\n Received: c\r\n"
      "Resent-Date: x\r\nDate-X: y\r\nFro: z\r\nFrom\r\n\r\n");
  EXPECT_EQ(found.received_count, 0u);
  EXPECT_FALSE(found.has_date || found.from_count > 0 || found.has_message_id);
}

TEST(HeaderScan, EndsAtTheFirstEmptyLine) {
  EXPECT_EQ(Scan("\r\nFrom: x\r\n").header_bytes, 2u);
  EXPECT_TRUE(Scan("\r\nFrom: x\r\n").has_separator);
  EXPECT_EQ(Scan("A: b\n\nFrom: x\r\n").header_bytes, 6u);
  EXPECT_EQ(Scan("").header_bytes, 0u);
}

// BDAT may end a message in the middle of a line.
TEST(HeaderScan, CountsAnEmptyLineThatDoesNotEnd) {
  for (size_t piece : {1u, 100u}) {
    for (std::string message : {"\r", "\r\r\r", "A: b\r\n\r"}) {
      HeaderSummary found = Scan(message, piece);
      EXPECT_TRUE(found.has_separator);
      EXPECT_EQ(found.header_bytes, message.size());
    }
  }
}

TEST(HeaderScan, ALineThatIsNoFieldEndsItWithoutSeparator) {
  for (size_t piece : {1u, 3u, 100u}) {
    HeaderSummary found = Scan("A: b\r\nno field here\r\nFrom: x\r\n\r\n", piece);
    EXPECT_EQ(found.header_bytes, 6u);
    EXPECT_FALSE(found.has_separator || found.from_count > 0);
    EXPECT_EQ(Scan(" folded: first line\r\nFrom: x\r\n\r\n", piece).header_bytes, 0u);
    EXPECT_EQ(Scan("just text", piece).header_bytes, 0u);
    EXPECT_EQ(Scan("A: b\r\nFrom: x", piece).header_bytes, 13u);
    EXPECT_EQ(Scan("A: b\r\nFrom: x", piece).from, " x");
  }
}

TEST(HeaderScan, SkipsTheLineOfAMailboxFile) {
  for (std::string line : {"From ann@example.org Thu Jan  1 00:00:00 1970\r\n", ">From x\r\n"}) {
    for (size_t piece : {1u, 100u}) {
      HeaderSummary found = Scan(line + "Date: x\r\n\r\nbody", piece);
      EXPECT_TRUE(found.has_date);
      EXPECT_EQ(found.from_count, 0u);
      EXPECT_EQ(found.mailbox_line_bytes, line.size());
      EXPECT_EQ(found.header_bytes, line.size() + 11);
    }
  }
  EXPECT_EQ(Scan("A: b\r\nFrom x\r\nDate: x\r\n\r\n").header_bytes, 6u);
}

TEST(HeaderScan, FirstMessageIdCountsAndIsCut) {
  EXPECT_EQ(Scan("Message-ID: <1>\r\nMessage-ID: <2>\r\n <3>\r\n\r\n").message_id, "<1>");
  std::string folded = "Message-ID: <";
  for (int i = 0; i < 100; ++i) folded += "\r\n " + std::string(60, 'x');
  EXPECT_EQ(Scan(folded + "\r\n\r\n").message_id.size(), 998u);
  // Of a line longer than lines may be the rest is not looked at, however it came.
  std::string long_line = "Message-ID: <" + std::string(5000, 'x') + "\r\n\r\n";
  for (size_t piece : {1u, 600u, 10'000u}) {
    EXPECT_EQ(Scan(long_line, piece).message_id.size(), 998 - std::string("Message-ID: ").size());
    EXPECT_EQ(Scan(long_line, piece).header_bytes, long_line.size());
  }
}

TEST(HeaderScan, SeesTheEighthBitInTheHeaderAlone) {
  EXPECT_TRUE(Scan("Subject: \xc3\xbc\r\n\r\n").eight_bit_header);
  EXPECT_TRUE(Scan("Subject: a\r\n \xc3\xbc\r\n\r\n").eight_bit_header);
  EXPECT_FALSE(Scan("Subject: a\r\n\r\n\xc3\xbc\r\n").eight_bit_header);
}

TEST(HeaderScan, IsBounded) {
  std::string fields;
  while (fields.size() < 2 * limits::kHeaderSectionBytesMax) fields += "Received: from here\r\n";
  HeaderSummary found = Scan(fields + "\r\n");
  EXPECT_TRUE(found.truncated);
  EXPECT_LE(found.header_bytes, limits::kHeaderSectionBytesMax);
  EXPECT_GT(found.header_bytes, limits::kHeaderSectionBytesMax - 100);
  EXPECT_EQ(found.received_count, found.header_bytes / 21);

  found = Scan("A: b\r\nX: " + std::string(2 * limits::kHeaderSectionBytesMax, 'x'), 8192);
  EXPECT_TRUE(found.truncated);
  EXPECT_EQ(found.header_bytes, 6u);
}

}  // namespace
}  // namespace ringpost::mail
