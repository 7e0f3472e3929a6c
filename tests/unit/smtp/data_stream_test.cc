#include "gateway/smtp/data_stream.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gateway/smtp/line_scan.h"
#include "tests/unit/smtp/data_stream_reference.h"
#include "tests/unit/smtp/server_harness.h"

namespace ringpost::smtp {
namespace {

using reference::Outcome;

// What DataStream makes of `bytes` when they come in the given sizes.
template <typename Cut>
Outcome Pass(std::string_view bytes, bool dotted, bool normalise, Cut cut) {
  DataStream stream(dotted, normalise);
  Outcome outcome;
  std::string_view piece;
  size_t done = 0;
  while (done < bytes.size() && !outcome.ended) {
    const std::string copy(bytes.substr(done, std::max<size_t>(1, cut())));
    std::string_view input = copy;
    DataStream::Result result;
    while ((result = stream.Next(&input, &piece)) == DataStream::Result::kPiece) {
      EXPECT_FALSE(piece.empty());
      outcome.content.append(piece);
    }
    outcome.ended = result == DataStream::Result::kEnd;
    done += copy.size() - input.size();
    EXPECT_TRUE(outcome.ended || input.empty());
  }
  if (!dotted && stream.Finish(&piece)) outcome.content.append(piece);
  outcome.consumed = done;
  outcome.bare = stream.bare_newline();
  outcome.nul = stream.saw_nul();
  outcome.high = stream.saw_8bit();
  outcome.long_line = stream.saw_long_line();
  return outcome;
}

void Compare(const std::string& bytes, const Outcome& expected, const Outcome& got,
             const std::string& how) {
  EXPECT_EQ(got.ended, expected.ended) << Escape(bytes) << how;
  EXPECT_EQ(got.consumed, expected.consumed) << Escape(bytes) << how;
  EXPECT_EQ(got.bare, expected.bare) << Escape(bytes) << how;
  EXPECT_EQ(got.nul, expected.nul) << Escape(bytes) << how;
  EXPECT_EQ(got.high, expected.high) << Escape(bytes) << how;
  // What was doomed is thrown away; what was not must be right.
  if (expected.bare) return;
  EXPECT_EQ(Escape(got.content), Escape(expected.content)) << Escape(bytes) << how;
  EXPECT_FALSE(HasBareNewline(got.content)) << Escape(bytes) << how;
}

// Every string of up to six of the bytes that matter, before a true end, against an
// implementation that knows nothing of states, in one piece, byte by byte, and cut in two at every
// place.
TEST(DataStream, AgreesWithTheReferenceOnAllShortStrings) {
  constexpr std::string_view kBytes = "\r\n.x";
  for (size_t length = 0; length <= 6; ++length) {
    for (size_t number = 0; number < size_t{1} << (2 * length); ++number) {
      std::string bytes;
      for (size_t i = 0; i < length; ++i) bytes += kBytes[number >> (2 * i) & 3];
      bytes += "\r\n.\r\nQUIT";
      for (bool normalise : {false, true}) {
        const Outcome expected = reference::Data(bytes, normalise);
        Compare(bytes, expected, Pass(bytes, true, normalise, [&] { return bytes.size(); }),
                " whole");
        Compare(bytes, expected, Pass(bytes, true, normalise, [] { return 1; }), " byte by byte");
        for (size_t at = 1; length <= 5 && at < bytes.size(); ++at) {
          bool first = true;
          auto cut = [&] { return std::exchange(first, false) ? at : bytes.size(); };
          Compare(bytes, expected, Pass(bytes, true, normalise, cut),
                  " cut at " + std::to_string(at));
        }
      }
      if (testing::Test::HasFailure()) return;
    }
  }
}

std::string RandomText(std::mt19937* random) {
  static const std::vector<std::string> kTokens = {
      "\r\n", "\r\n",    "\r\n",    "\r\n.",   "\r\n..", ".",        "\r",
      "\n",   "\r\n.\r", "\r\n.\n", "\n.\r\n", "\x80",   "\xc3\xbc", std::string(1, '\0')};
  std::string text;
  // Half of them are clean, so that the content is compared often.
  const bool clean = (*random)() % 2 == 0;
  for (size_t tokens = (*random)() % 40; tokens > 0; --tokens) {
    text.append((*random)() % 90, 'x');
    const size_t pick = (*random)() % (clean ? 6 : kTokens.size());
    text += kTokens[pick];
  }
  return text;
}

TEST(DataStream, AgreesWithTheReferenceOnLongerTexts) {
  for (unsigned seed = 0; seed < 4000; ++seed) {
    std::mt19937 random(seed);
    const std::string text = RandomText(&random);
    const size_t most = seed % 3 == 0 ? 5 : 400;
    auto cut = [&] { return 1 + random() % most; };
    for (bool normalise : {false, true}) {
      const std::string bytes = text + "\r\n.\r\nMAIL FROM:<>\r\n";
      const Outcome expected = reference::Data(bytes, normalise);
      Compare(bytes, expected, Pass(bytes, true, normalise, [&] { return bytes.size(); }),
              " whole");
      Compare(bytes, expected, Pass(bytes, true, normalise, cut), " seed " + std::to_string(seed));
      const Outcome counted = reference::Chunk(text, normalise);
      Compare(text, counted, Pass(text, false, normalise, [&] { return text.size(); }), " BDAT");
      Compare(text, counted, Pass(text, false, normalise, cut),
              " BDAT seed " + std::to_string(seed));
    }
    if (testing::Test::HasFailure()) return;
  }
}

TEST(DataStream, FindsLongLinesHoweverTheyAreCut) {
  for (size_t length : {0, 1, 63, 64, 65, 997, 998, 999, 1000, 5000}) {
    for (size_t before : {0, 1, 10, 62, 63, 64, 100}) {
      const std::string bytes =
          std::string(before, 'a') + "\r\n" + std::string(length, 'b') + "\r\nc\r\n.\r\n";
      for (size_t piece : {size_t{1}, size_t{7}, size_t{64}, size_t{1000}, bytes.size()}) {
        const Outcome outcome = Pass(bytes, true, false, [&] { return piece; });
        EXPECT_EQ(outcome.long_line, length + 2 > 1000) << length << " after " << before;
        EXPECT_TRUE(outcome.ended);
      }
    }
  }
}

TEST(DataStream, StuffingDoesNotMakeALineLong) {
  const std::string line = "." + std::string(998, 'x') + "\r\n";
  EXPECT_FALSE(Pass(line + ".\r\n", true, false, [&] { return line.size() + 3; }).long_line);
}

TEST(DataStream, GivesOnePieceForAnOrdinaryBuffer) {
  std::string body;
  for (int i = 0; i < 60; ++i) body += std::string(70, 'x') + ".\r\n";
  const std::string bytes = body + ".\r\nNOOP\r\n";
  DataStream stream(true, false);
  std::string_view input = bytes;
  std::string_view piece;
  ASSERT_EQ(stream.Next(&input, &piece), DataStream::Result::kPiece);
  EXPECT_EQ(piece, body);
  EXPECT_EQ(piece.data(), bytes.data());  // a view, not a copy
  ASSERT_EQ(stream.Next(&input, &piece), DataStream::Result::kEnd);
  EXPECT_EQ(input, "NOOP\r\n");
}

TEST(LineScan, AgreesWithThePlainOne) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    char bytes[kScanBytes];
    for (char& c : bytes) {
      const unsigned kind = random() % 8;
      c = kind < 5 ? "\r\n.\0\x80"[kind] : static_cast<char>(random());
    }
    EXPECT_EQ(ScanBytes(bytes), ScanBytesPlainly(bytes));
  }
}

}  // namespace
}  // namespace ringpost::smtp
