#include "gateway/mail/downgrade.h"

#include <gtest/gtest.h>

#include "gateway/base/limits.h"
#include "gateway/base/random.h"
#include "gateway/mail/content_encoding.h"
#include "tests/unit/mail/python.h"

namespace ringpost::mail {
namespace {

using namespace std::string_literals;

using Kind = DowngradeVerdict::Kind;
using smtp::BodyType;

TEST(DecideDowngrade, TheTable) {
  smtp::Capabilities none, eight, all;
  eight.eight_bit_mime = true;
  all = eight;
  all.smtputf8 = all.binarymime = all.chunking = true;
  struct Row {
    const char* what;
    MessageNeeds needs;
    const smtp::Capabilities& hop;
    Kind kind;
    uint16_t detail;  // of 5.6.x; 0: no refusal
  } rows[] = {
      {"plain", {}, none, Kind::kAsIs, 0},
      {"declared but plain", {false, false, BodyType::k8BitMime}, none, Kind::kAsIs, 0},
      {"declared smtputf8 but plain", {false, false, BodyType::k7Bit, true}, none, Kind::kAsIs, 0},
      {"8-bit, offered", {true, false, BodyType::k8BitMime}, eight, Kind::kAsIs, 0},
      {"8-bit, declared", {true, false, BodyType::k8BitMime}, none, Kind::kReencode, 3},
      {"8-bit, undeclared", {true, false, BodyType::k7Bit}, none, Kind::kReencode, 0},
      {"8-bit header, undeclared", {false, true, BodyType::k7Bit}, none, Kind::kAsIs, 0},
      {"binary, offered", {true, false, BodyType::kBinaryMime}, all, Kind::kAsIs, 0},
      {"binary, not offered", {true, false, BodyType::kBinaryMime}, eight, Kind::kReencode, 3},
      {"binary without 8-bit", {false, false, BodyType::kBinaryMime}, none, Kind::kReencode, 3},
      {"UTF-8 header", {false, true, BodyType::k8BitMime, true}, eight, Kind::kRefuse, 7},
      {"UTF-8 header, offered", {false, true, BodyType::k8BitMime, true}, all, Kind::kAsIs, 0},
      {"UTF-8 address", {false, false, BodyType::k7Bit, true, true}, eight, Kind::kRefuse, 7},
      {"UTF-8 address, offered", {true, true, BodyType::k7Bit, true, true}, all, Kind::kAsIs, 0},
  };
  for (const Row& row : rows) {
    DowngradeVerdict verdict = DecideDowngrade(row.needs, row.hop);
    EXPECT_EQ(verdict.kind, row.kind) << row.what;
    EXPECT_EQ(verdict.refusal.enhanced.detail, row.detail) << row.what;
    EXPECT_EQ(verdict.refusal.permanent(), row.detail != 0) << row.what;
    EXPECT_EQ(verdict.refusal.text.empty(), row.detail == 0) << row.what;
  }
  smtp::Capabilities no_chunking = all;
  no_chunking.chunking = false;
  EXPECT_EQ(DecideDowngrade({true, false, BodyType::kBinaryMime}, no_chunking).kind,
            Kind::kReencode);
}

constexpr std::string_view kMime = "MIME-Version: 1.0\r\n";

std::string Multipart(std::string_view type, std::string_view boundary,
                      std::vector<std::string> parts, std::string_view extra = "") {
  std::string out = "Content-Type: multipart/" + std::string(type) + "; boundary=\"" +
                    std::string(boundary) + "\"\r\n" + std::string(extra) + "\r\npreamble\r\n";
  for (const std::string& part : parts)
    out += "--" + std::string(boundary) + "\r\n" + part + "\r\n";
  return out + "--" + std::string(boundary) + "--\r\nepilogue\r\n";
}

std::string Text(std::string_view body, std::string_view encoding = "8bit",
                 std::string_view type = "text/plain; charset=utf-8") {
  return "Content-Type: " + std::string(type) +
         "\r\nContent-Transfer-Encoding: " + std::string(encoding) +
         "\r\nX-Kept:  as  it is \r\n\r\n" + std::string(body);
}

// Re-encodes every message and lets Python compare each with what came out.
void ExpectSame(const std::vector<std::string>& messages) {
  static PythonScript script("same_content.py");
  ScratchFolder folder;
  std::string expected;
  for (size_t i = 0; i < messages.size(); ++i) {
    char name[24];
    std::snprintf(name, sizeof name, "%05zu", i);
    std::optional<std::string> encoded = Reencode(messages[i]);
    ASSERT_TRUE(encoded) << i << "\n" << messages[i];
    folder.Write(std::string(name) + ".before", messages[i]);
    folder.Write(std::string(name) + ".after", *encoded);
    expected += "ok " + std::string(name) + "\n";
  }
  EXPECT_EQ(script.Ask(folder), expected);
}

TEST(Reencode, KeepsTheMeaningAsPythonSeesIt) {
  std::string mime(kMime);
  std::string german =
      "Gr\xc3\xbc\xc3\x9f"
      "e = \xe2\x82\xac 5 \r\n\ttab\t\r\n.\r\n--x\r\n" +
      std::string(500, 'y') + " \xc3\xa4\r\n";
  std::string binary = "\0\xff\r\n\n\r--b\r\n\x80"s;
  ExpectSame({
      mime + Text(german),
      mime + Text("\xc3\xa4"),
      mime + Text("ends in space \xc3\xa4 "),
      mime + Text("\xe7\x94\xa8\xe6\x88\xb7\xe7\x94\xa8\xe6\x88\xb7\r\n"),
      mime + Text(german, "7bit"),
      mime + "Content-Type: text/plain; charset=utf-8\r\n\r\n" + german,
      mime + "Subject: no type, \xc3\xbc\r\n\r\n" + german,
      mime + Text("plain only\r\n"),
      mime + Text("plain only\r\n", "BINARY"),
      mime + Text(binary, "binary", "application/octet-stream"),
      mime + Text(std::string(2000, 'z') + "\r\nshort\r\n", "binary"),
      mime + Text(german, "8bit", "image/png"),
      mime + Multipart("mixed", "b",
                       {Text(german), Text("plain", "7bit"), Text(german, "8bit", "application/x")},
                       "Content-Transfer-Encoding: 8bit\r\n"),
      mime + Multipart("mixed", "=_outer",
                       {Multipart("alternative", "=_outer_in",
                                  {Text(german), Text(german, "8bit", "text/html")}),
                        Text("Zm9v\r\n", "base64"), "\r\nno header\r\n", ""}),
      mime + Multipart("mixed", "b",
                       {Multipart("signed", "s", {Text("plain", "7bit"), Text("sig", "7bit")}),
                        Text(german)}),
      mime + Multipart("mixed", "b",
                       {"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nplain\r\n",
                        Text(german)}),
      mime + Multipart("related; type=\"text/html\"", "b:/?=,()'+_", {Text(german)}),
      "Content-type: TEXT/Plain (a comment); "
      "charset=\"utf-8\";\r\n\tformat=flowed\r\nMime-Version: 1.0\r\n"
      "CONTENT-TRANSFER-ENCODING: 8BIT\r\n\r\n" +
          german,
  });
}

TEST(Reencode, LongLinesNeverLookLikeABoundary) {
  // Without care quoted-printable would break this line just before what looks like a delimiter.
  std::vector<std::string> messages;
  for (size_t pad = 60; pad < 90; ++pad) {
    std::string line =
        "\xc3\xa4" + std::string(pad, 'x') + "--b" + std::string(80, ' ') + "\r\n--b y\r\n";
    messages.push_back(std::string(kMime) + Multipart("mixed", "b", {Text(line), Text("other")}));
    std::optional<std::string> encoded = Reencode(messages.back());
    ASSERT_TRUE(encoded);
    size_t lines = 0;
    for (size_t at = 0; (at = encoded->find("\r\n--", at)) != std::string::npos; ++at) ++lines;
    EXPECT_EQ(lines, 3u);
  }
  ExpectSame(messages);
}

TEST(Reencode, KeepsEveryOtherByte) {
  std::string before =
      std::string(kMime) +
      "Subject:  odd   spacing \r\nContent-Transfer-Encoding:8bit\r\nTo: x\r\n\r\n\xc3\xa4\r\n";
  EXPECT_EQ(Reencode(before), std::string(kMime) +
                                  "Subject:  odd   spacing \r\nContent-Transfer-Encoding: "
                                  "base64\r\nTo: x\r\n\r\nw6QNCg==\r\n");
  std::string plain = std::string(kMime) + Multipart("mixed", "b", {Text("x", "7bit")});
  EXPECT_EQ(Reencode(plain), plain);
}

TEST(Reencode, RefusesWhatIsNotSimple) {
  std::string mime(kMime);
  std::string text = Text("\xc3\xa4\r\n");
  std::string deep = text;
  for (uint32_t i = 0; i <= limits::kMimeDepthMax; ++i)
    deep = Multipart("mixed", "b" + std::to_string(i) + "x", {deep});
  const std::string messages[] = {
      text,                // no MIME-Version
      mime + mime + text,  // twice
      mime + "Content-Type: text\r\n\r\n\xc3\xa4",
      mime + "Content-Type: text/plain; charset\r\n\r\n\xc3\xa4",
      mime + "Content-Type: text/plain\r\nContent-Type: text/plain\r\n\r\n\xc3\xa4",
      mime +
          "Content-Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: "
          "8bit\r\n\r\n\xc3\xa4",
      mime + "Content-Transfer-Encoding: 8bit x\r\n\r\n\xc3\xa4",
      mime + "Content-Transfer-Encoding: base64\r\n\r\n\xc3\xa4",
      mime + "Content-Transfer-Encoding: x-uuencode\r\n\r\n\xc3\xa4",
      mime + "no field\r\n\r\n\xc3\xa4",
      mime + "Subject: bare\nlf\r\n\r\n\xc3\xa4",
      mime + Multipart("mixed", "b", {"X: \xc3\xa4\r\n\r\nx"}),  // in a part's header section
      mime + Multipart("mixed", "b", {"X: \0\r\n\r\nx"s, text}),
      " " + mime + "\r\n\xc3\xa4",
      mime + "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n\xc3\xa4",
      mime + "Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\n\xc3\xa4\r\n--b--\r\n",
      mime +
          "Content-Type: multipart/mixed; "
          "boundary*=us-ascii'en'b\r\n\r\n--b\r\n\r\n\xc3\xa4\r\n--b--\r\n",
      mime +
          "Content-Type: multipart/mixed; boundary=a; "
          "boundary=b\r\n\r\n--b\r\n\r\n\xc3\xa4\r\n--b--\r\n",
      mime +
          "Content-Type: multipart/mixed; "
          "boundary=b\r\n\r\n--b\r\n\r\n\xc3\xa4\r\n",                         // not closed
      mime + "Content-Type: multipart/mixed; boundary=b\r\n\r\n\xc3\xa4\r\n",  // no
                                                                               // part
      mime +
          "Content-Type: multipart/mixed; "
          "boundary=b\r\n\r\n\xc3\xa4\r\n--b\r\n\r\nx\r\n--b--\r\n",  // preamble
      mime +
          "Content-Type: multipart/mixed; "
          "boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n\xc3\xa4",  // epilogue
      mime +
          "Content-Type: multipart/mixed; "
          "boundary=b\r\n\r\n--b\r\n--b--\r\n\xc3\xa4",  // no line between
      mime +
          "Content-Type: multipart/mixed; "
          "boundary=b\r\n\r\n--b\r\n\r\n\xc3\xa4\n--b\r\n\r\nx\r\n--b--\r\n",
      mime + Multipart("signed", "b", {text}),
      mime + Multipart("digest", "b", {"\r\nSubject: \xc3\xa4\r\n\r\nx"}),
      mime + Multipart("mixed", std::string(71, 'b'), {text}),
      mime + Multipart("mixed", "b", {text}, "Content-Transfer-Encoding: base64\r\n"),
      mime + Multipart("mixed", "b", std::vector<std::string>(limits::kMimePartsMax + 1, text)),
      mime + deep,
      mime + "X: " + std::string(limits::kMimeHeaderBytesMax, 'x') + "\r\n\r\n\xc3\xa4",
  };
  for (const std::string& message : messages)
    EXPECT_FALSE(Reencode(message)) << message.substr(0, 300);
}

TEST(Reencode, RandomBodiesComeBackWhole) {
  Random random(42);
  constexpr std::string_view kPieces[] = {
      "\xc3\xa4", "\r\n", " ", "=", "--b", "word", "\t", ".", "\r\n--bc\r\n", "From ", "\x7f"};
  std::vector<std::string> messages;
  for (int round = 0; round < 400; ++round) {
    std::string body;
    for (uint64_t n = random.Below(120); n > 0; --n)
      body += kPieces[random.Below(std::size(kPieces))];
    body += "\xc3\xa4";
    // A line that is a delimiter would be another structure.
    if (("\r\n" + body + "\r\n").find("\r\n--b\r\n") != std::string::npos) continue;
    bool risky = false;
    for (size_t at = 0; (at = ("\r\n" + body + "\r\n").find("\r\n--b", at)) != std::string::npos;
         ++at) {
      std::string rest = ("\r\n" + body + "\r\n").substr(at + 5);
      size_t end = rest.find_first_not_of("- \t");
      risky |= end != std::string::npos && rest[end] == '\r';
    }
    if (!risky)
      messages.push_back(
          std::string(kMime) +
          Multipart("mixed", "b", {Text(body), Text("x" + body, "8bit", "image/x")}));
  }
  ASSERT_GT(messages.size(), 200u);
  ExpectSame(messages);
}

TEST(QuotedPrintable, LinesAreShort) {
  std::string out;
  AppendQuotedPrintable(
      std::string(1000, 'a') + std::string(300, '\xff') + " \r\n" + std::string(76, 'b') + "\r\n",
      &out);
  size_t begin = 0;
  for (size_t end = 0; (end = out.find("\r\n", begin)) != std::string::npos; begin = end + 2)
    EXPECT_LE(end - begin, 76u);
  EXPECT_EQ(begin, out.size());
  EXPECT_TRUE(out.ends_with("\r\n" + std::string(76, 'b') + "\r\n"));
}

TEST(Base64, KnownAnswers) {
  auto encode = [](std::string_view bytes) {
    std::string out;
    AppendBase64(bytes, &out);
    return out;
  };
  EXPECT_EQ(encode(""), "");
  EXPECT_EQ(encode("f"), "Zg==\r\n");
  EXPECT_EQ(encode("fo"), "Zm8=\r\n");
  EXPECT_EQ(encode("foobar"), "Zm9vYmFy\r\n");
  EXPECT_EQ(encode(std::string(58, '\0')), std::string(76, 'A') + "\r\nAA==\r\n");
}

}  // namespace
}  // namespace ringpost::mail
