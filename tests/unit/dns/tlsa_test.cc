// Which TLSA records are used, and why others are not.
#include "gateway/dns/tlsa.h"

#include <gtest/gtest.h>

#include "gateway/dns/answer.h"
#include "gateway/dns/dns_limits.h"
#include "tests/unit/dns/wire_builder.h"

namespace ringpost::dns {
namespace {

std::string Rdata(int usage, int selector, int matching_type, const std::string& data) {
  std::string rdata;
  for (int field : {usage, selector, matching_type}) rdata.push_back(static_cast<char>(field));
  return rdata + data;
}
std::string Digest(char fill, size_t bytes = 32) { return std::string(bytes, fill); }
// A SEQUENCE with so much in it.
std::string Der(size_t bytes) {
  std::string der = "\x30";
  if (bytes < 0x80) {
    der.push_back(static_cast<char>(bytes));
  } else {
    der += "\x82";
    AppendU16(static_cast<uint16_t>(bytes), &der);
  }
  return der + std::string(bytes, 'x');
}

UsableTlsa Read(const std::vector<std::string>& rdatas) {
  std::vector<Record> records;
  for (const std::string& rdata : rdatas) {
    records.push_back({"_25._tcp.mx.example", RecordType::kTlsa, 300, 0, rdata});
  }
  return ReadUsableTlsa(records);
}
// "3 1 1 6161..., 2 0 1 6262..."
std::string Text(const UsableTlsa& found) {
  std::string text;
  for (const TlsaRecord& record : found.records) {
    text += (text.empty() ? "" : ", ") + TlsaText(record, 1);
  }
  return text;
}

TEST(TlsaTest, FieldsAndText) {
  TlsaRecord record;
  ASSERT_TRUE(ReadTlsa(Rdata(3, 1, 255, "\xAB\x01\xFF"), &record));
  EXPECT_EQ(record, (TlsaRecord{3, 1, 255, "\xAB\x01\xFF"}));
  EXPECT_EQ(TlsaText(record), "3 1 255 ab01ff");
  EXPECT_EQ(TlsaText(record, 3), "3 1 255 ab01ff");
  EXPECT_EQ(TlsaText(record, 2), "3 1 255 ab01...");
  ASSERT_TRUE(ReadTlsa(Rdata(0, 0, 0, ""), &record));
  EXPECT_EQ(TlsaText(record), "0 0 0");
  for (size_t bytes : {0, 1, 2}) EXPECT_FALSE(ReadTlsa(std::string(bytes, 'x'), &record));
}

TEST(TlsaTest, EachFieldHasItsValues) {
  for (int usage = 0; usage <= 255; ++usage) {
    bool usable = usage == 2 || usage == 3;
    EXPECT_EQ(Read({Rdata(usage, 1, 1, Digest('a'))}).records.size(), usable) << usage;
  }
  for (int selector = 0; selector <= 255; ++selector) {
    EXPECT_EQ(Read({Rdata(3, selector, 1, Digest('a'))}).records.size(), selector < 2) << selector;
  }
  for (int type = 0; type <= 255; ++type) {
    EXPECT_EQ(Read({Rdata(3, 1, type, Digest('a'))}).records.size(), type == 1) << type;
    EXPECT_EQ(Read({Rdata(3, 1, type, Digest('a', 64))}).records.size(), type == 2) << type;
    EXPECT_EQ(Read({Rdata(3, 1, type, Der(30))}).records.size(), type < 2) << type;
  }
}

TEST(TlsaTest, LengthsOfData) {
  for (size_t bytes : {0, 1, 20, 31, 33, 64}) {
    EXPECT_TRUE(Read({Rdata(3, 1, 1, Digest('a', bytes))}).records.empty()) << bytes;
  }
  for (size_t bytes : {0, 32, 63, 65}) {
    EXPECT_TRUE(Read({Rdata(3, 1, 2, Digest('a', bytes))}).records.empty()) << bytes;
  }
  for (size_t bytes : {size_t{0}, size_t{127}, size_t{300}, limits::kTlsaDataBytesMax - 4}) {
    EXPECT_EQ(Read({Rdata(2, 0, 0, Der(bytes))}).records.size(), 1u) << bytes;
    EXPECT_TRUE(Read({Rdata(2, 0, 0, Der(bytes) + "x")}).records.empty()) << bytes;
  }
  EXPECT_TRUE(Read({Rdata(2, 0, 0, Der(limits::kTlsaDataBytesMax - 3))}).records.empty());
  for (const char* data : {"", "\x30", "\x31\x01x", "\x30\x80xx", "\x30\x81\x01x", "\x30\x82\x01",
                           "\x30\x85\x01\x01\x01\x01\x01"}) {
    EXPECT_TRUE(Read({Rdata(2, 0, 0, data)}).records.empty());
  }
  EXPECT_EQ(
      Read({Rdata(3, 0, 0, std::string("\x30\x81\x80", 3) + Digest('x', 128))}).records.size(), 1u);
  // No longer a length than it needs (DER), nor more than there is.
  std::string padded("\x30\x82\x00\x80", 4);
  EXPECT_TRUE(Read({Rdata(3, 0, 0, padded + Digest('x', 128))}).records.empty());
}

TEST(TlsaTest, TheStrongestDigestOfEachUsageAndSelector) {
  std::string weak = Rdata(3, 1, 1, Digest('a')), strong = Rdata(3, 1, 2, Digest('b', 64));
  EXPECT_EQ(Text(Read({weak, strong})), "3 1 2 62...");
  EXPECT_EQ(Text(Read({strong, weak, weak})), "3 1 2 62...");
  EXPECT_EQ(Text(Read({weak, Rdata(3, 1, 1, Digest('c'))})), "3 1 1 61..., 3 1 1 63...");
  // Of another selector, another usage.
  EXPECT_EQ(Text(Read({weak, Rdata(3, 0, 2, Digest('b', 64))})), "3 1 1 61..., 3 0 2 62...");
  EXPECT_EQ(Text(Read({weak, Rdata(2, 1, 2, Digest('b', 64))})), "3 1 1 61..., 2 1 2 62...");
  // A whole key is no digest, and neither outdoes one nor is outdone.
  EXPECT_EQ(Text(Read({weak, Rdata(3, 1, 0, Der(1))})), "3 1 1 61..., 3 1 0 30...");
  EXPECT_EQ(Text(Read({strong, Rdata(3, 1, 0, Der(1))})), "3 1 2 62..., 3 1 0 30...");
  // One that cannot be used outdoes nothing.
  EXPECT_EQ(Text(Read({weak, Rdata(3, 1, 2, Digest('b', 63))})), "3 1 1 61...");
}

TEST(TlsaTest, EachOnceAndNotTooMany) {
  std::string one = Rdata(3, 1, 1, Digest('a'));
  EXPECT_EQ(Read({one, one, one}).records.size(), 1u);
  std::vector<std::string> rdatas;
  for (size_t i = 0; i < limits::kTlsaRecordsMax + 3; ++i) {
    rdatas.push_back(Rdata(3, 1, 1, Digest(static_cast<char>(i + 1))));
  }
  UsableTlsa found = Read(rdatas);
  ASSERT_EQ(found.records.size(), limits::kTlsaRecordsMax);
  EXPECT_EQ(found.records.front().data[0], 1);
  EXPECT_EQ(static_cast<size_t>(found.records.back().data[0]), limits::kTlsaRecordsMax);
}

TEST(TlsaTest, WhyTheyCannotBeUsed) {
  UsableTlsa found = Read({Rdata(1, 1, 1, Digest('a')), "x", Rdata(9, 1, 1, Digest('a'))});
  EXPECT_EQ(found.unusable, 3u);
  EXPECT_EQ(found.words, "1 1 1 6161616161616161...: its usage is not for SMTP");
  EXPECT_EQ(Read({"ab"}).words, "it is too short");
  EXPECT_EQ(Read({Rdata(4, 1, 1, "")}).words, "4 1 1: its usage is unknown");
  found = Read({"", Rdata(3, 1, 1, Digest('a'))});
  EXPECT_EQ(found.unusable, 1u);
  EXPECT_EQ(found.records.size(), 1u);
}

TEST(TlsaTest, OverTheWire) {
  const Question question{"_25._tcp.mx.example", RecordType::kTlsa};
  WireBuilder message;
  message.Question(question.name, question.type)
      .Raw(question.name, question.type, Rdata(3, 1, 1, Digest('a')))
      .Raw(question.name, question.type, "")  // does not make the answer malformed
      .Raw(question.name, question.type, std::string("\3\1\2\0x", 5));
  Answer answer = ReadAnswer(question, message.Done());
  ASSERT_EQ(answer.records.size(), 3u);
  UsableTlsa found = ReadUsableTlsa(answer.records);
  EXPECT_EQ(Text(found), "3 1 1 61...");
  EXPECT_EQ(found.unusable, 2u);
}

}  // namespace
}  // namespace ringpost::dns
