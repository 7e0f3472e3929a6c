#include <gtest/gtest.h>

#include <vector>

#include "gateway/base/counters.h"
#include "gateway/base/limits.h"
#include "gateway/base/random.h"
#include "gateway/smtp/dot_stuffer.h"

namespace ringpost::smtp {
namespace {

using namespace std::string_view_literals;

using Mode = DotStuffer::Mode;

std::string Flat(const SliceChain& chain) {
  std::string bytes;
  for (const Slice& slice : chain.slices()) bytes.append(slice.view());
  return bytes;
}

// RFC 5321 section 4.5.2, byte by byte; nothing for a bare CR or LF.
std::optional<std::string> Reference(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    bool line_start = i == 0 || text[i - 1] == '\n';
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) return std::nullopt;
    if (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n')) return std::nullopt;
    if (text[i] == '.' && line_start) out.push_back('.');
    out.push_back(text[i]);
  }
  return out;
}

// Cuts `text` into pieces at `cuts` and stuffs them.
std::optional<std::string> Stuff(std::string_view text, std::vector<size_t> cuts,
                                 Mode mode = Mode::kDots) {
  DotStuffer stuffer;
  stuffer.Reset(mode);
  SliceChain out;
  size_t from = 0;
  cuts.push_back(text.size());
  for (size_t cut : cuts) {
    if (!stuffer.Append(Slice::Copy(text.substr(from, cut - from)), &out)) return std::nullopt;
    from = cut;
  }
  if (!stuffer.ends_whole()) return std::nullopt;
  if (mode != Mode::kBinary) {
    EXPECT_EQ(stuffer.at_line_start(), text.empty() || text.back() == '\n');
  }
  return Flat(out);
}

TEST(DotStuffer, DoublesDotsAtLineStarts) {
  EXPECT_EQ(Stuff(".", {}), "..");
  EXPECT_EQ(Stuff("..\r\n", {}), "...\r\n");
  EXPECT_EQ(Stuff("a.b\r\n.c\r\n.\r\n", {}), "a.b\r\n..c\r\n..\r\n");
  EXPECT_EQ(Stuff("", {}), "");
}

TEST(DotStuffer, RefusesBareNewlines) {
  for (std::string_view bad : {"\n", "\r", "a\nb", "a\rb", "\r\r\n", "\n\r\n", "a\r\n\n", "x\r",
                               "\r\n\r", "a\r\n.\n", ".\r.\r\n"}) {
    for (size_t cut = 0; cut <= bad.size(); ++cut) {
      EXPECT_EQ(Stuff(bad, {cut}), std::nullopt)
          << testing::PrintToString(bad) << " cut at " << cut;
      EXPECT_EQ(Stuff(bad, {cut}, Mode::kLines), std::nullopt);
    }
  }
}

TEST(DotStuffer, EmitsNothingOfABadPieceAndNoBareCrBeforeIt) {
  DotStuffer stuffer;
  stuffer.Reset(Mode::kDots);
  SliceChain out;
  EXPECT_TRUE(stuffer.Append(Slice::Copy("one\r"), &out));
  EXPECT_FALSE(stuffer.Append(Slice::Copy("two\r\n"), &out));
  EXPECT_EQ(Flat(out), "one");
}

TEST(DotStuffer, BinaryPassesAnything) {
  std::string_view bytes = "\n.\r\0.\r\n."sv;
  EXPECT_EQ(Stuff(bytes, {3}, Mode::kBinary), bytes);
}

TEST(DotStuffer, LinesAreNotStuffed) {
  EXPECT_EQ(Stuff(".a\r\n.\r\n", {4}, Mode::kLines), ".a\r\n.\r\n");
}

TEST(DotStuffer, MatchesTheReferenceOnRandomBodies) {
  Random random(20260101);
  constexpr std::string_view kPieces[] = {
      ".", "\r\n", "a", "..", "\r\n.", "long line of text ", "\r\n\r\n", "\n", "\r"};
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    // Most rounds have no bare newline.
    uint64_t kinds = random.OneIn(4) ? 9 : 7;
    for (uint64_t n = random.Below(40); n > 0; --n) text += kPieces[random.Below(kinds)];
    std::vector<size_t> cuts;
    for (size_t at = 0; at < text.size(); ++at) {
      if (random.OneIn(8)) cuts.push_back(at);
    }
    ASSERT_EQ(Stuff(text, cuts), Reference(text)) << testing::PrintToString(text);
  }
}

TEST(DotStuffer, SharesTheBytes) {
  Counters counters;
  CountersScope scope(&counters);
  std::string text;
  for (size_t i = 0; i < limits::kStuffedSlicesMax; ++i)
    text += ".a line with a dot at its start\r\n";
  Slice piece = Slice::Copy(text);
  uint64_t before = counters.Get(Counter::kBodyBytesCopied);
  DotStuffer stuffer;
  stuffer.Reset(Mode::kDots);
  SliceChain out;
  ASSERT_TRUE(stuffer.Append(piece, &out));
  EXPECT_EQ(Flat(out), Reference(text));
  EXPECT_EQ(counters.Get(Counter::kBodyBytesCopied), before);
  EXPECT_EQ(out.slices().size(), limits::kStuffedSlicesMax + 1);
}

TEST(DotStuffer, ABodyOfDotsCostsFewSlices) {
  std::string text;
  while (text.size() < 1'000'000) text += ".\r\n";
  text += "..";
  DotStuffer stuffer;
  stuffer.Reset(Mode::kDots);
  SliceChain out;
  ASSERT_TRUE(stuffer.Append(Slice::Copy(text), &out));
  EXPECT_EQ(Flat(out), Reference(text));
  EXPECT_LE(out.slices().size(), limits::kStuffedSlicesMax + 1);
}

}  // namespace
}  // namespace ringpost::smtp
