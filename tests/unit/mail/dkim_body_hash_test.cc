// The relaxed body and its hash: what RFC 6376 and RFC 8463 print, and every way to cut it.
#include "gateway/mail/dkim_body_hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "gateway/base/random.h"
#include "gateway/smtp/base64.h"

namespace ringpost::mail {
namespace {

DkimDigest HashOf(std::string_view body, size_t piece = std::string_view::npos) {
  DkimBodyHash hash;
  for (size_t at = 0; at < body.size(); at += std::min(piece, body.size())) {
    hash.Update(body.substr(at, piece));
  }
  return hash.Finish();
}

std::string Base64(const DkimDigest& digest) {
  std::string text;
  smtp::AppendBase64({reinterpret_cast<const char*>(digest.data()), digest.size()}, &text);
  return text;
}

DkimDigest Sha256Of(std::string_view text) {
  tls::Sha256 hash;
  hash.Update(text);
  return hash.Finish();
}

// That `body` is hashed as `canonical`, in whatever pieces it comes.
void ExpectCanonical(std::string_view body, std::string_view canonical) {
  for (size_t piece = 1; piece <= std::min<size_t>(body.size() + 1, 70); ++piece) {
    EXPECT_EQ(HashOf(body, piece), Sha256Of(canonical)) << body << " in pieces of " << piece;
  }
}

// RFC 6376 appendix A.2 and RFC 8463 appendix A.3: one has a space fewer, the relaxed form is the
// same.
TEST(DkimBodyHash, IsThatOfTheRfcs) {
  for (std::string_view question : {"Are you hungry yet?", " Are you hungry yet?"}) {
    std::string body = "Hi.\r\n\r\nWe lost the game. " + std::string(question) + "\r\n\r\nJoe.\r\n";
    EXPECT_EQ(Base64(HashOf(body)), "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
    EXPECT_EQ(HashOf(body + "\r\n"), HashOf(body));
  }
}

// RFC 6376 section 3.4.5, and section 3.4.4: the hash of nothing.
TEST(DkimBodyHash, TakesTheExamplesOfTheRfc) {
  ExpectCanonical(" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n");
  EXPECT_EQ(Base64(HashOf("")), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

TEST(DkimBodyHash, OnlyBlankLinesAreNothing) {
  for (std::string_view body :
       {"\r\n", "\r\n\r\n\r\n", " ", "\t\t", " \r\n\t\r\n", "\r\n ", " \r\n \t "}) {
    ExpectCanonical(body, "");
  }
}

TEST(DkimBodyHash, BlanksAndEnds) {
  ExpectCanonical("a", "a\r\n");
  ExpectCanonical("a\r\n", "a\r\n");
  ExpectCanonical("a \t", "a\r\n");
  ExpectCanonical("a \t\r\n\t \r\n \r\n", "a\r\n");
  ExpectCanonical("\r\n\r\na\r\n \r\nb", "\r\n\r\na\r\n\r\nb\r\n");
  ExpectCanonical("\ta\tb\t\tc \t d  \r\n  e\r\n", " a b c d\r\n e\r\n");
  ExpectCanonical(" x\r\n y \r\n\r\n z", " x\r\n y\r\n\r\n z\r\n");
}

TEST(DkimBodyHash, OnlyCrlfEndsALine) {
  ExpectCanonical("a \nb \n", "a \nb \n\r\n");
  ExpectCanonical("a \rb", "a \rb\r\n");
  ExpectCanonical("a\r", "a\r\r\n");
  ExpectCanonical("a\r\r", "a\r\r\r\n");
  ExpectCanonical(" \r", " \r\r\n");
  ExpectCanonical("\r\r\n", "\r\r\n");
  ExpectCanonical("\r \r\n", "\r\r\n");
  ExpectCanonical("\n\r\n\n", "\n\r\n\n\r\n");
  ExpectCanonical("\r\n\r", "\r\n\r\r\n");
  ExpectCanonical("a \r\r\n \r\n", "a \r\r\n");
}

TEST(DkimBodyHash, AnyBytes) {
  std::string all;
  for (int c = 1; c < 256; ++c) {
    if (c != ' ' && c != '\t') all.push_back(static_cast<char>(c));
  }
  all.push_back('\0');
  ExpectCanonical(all, all + "\r\n");
  ExpectCanonical(all + " ", all + "\r\n");
}

// One odd thing at each place of a block of the vector code, and of the two beside it.
TEST(DkimBodyHash, SeesWhatMattersAnywhere) {
  for (size_t at = 0; at < 200; ++at) {
    std::string before(at, 'x'), after(200 - at, 'y');
    EXPECT_EQ(HashOf(before + "\t" + after), Sha256Of(before + " " + after + "\r\n")) << at;
    EXPECT_EQ(HashOf(before + "  " + after), Sha256Of(before + " " + after + "\r\n")) << at;
    EXPECT_EQ(HashOf(before + " \t " + after), Sha256Of(before + " " + after + "\r\n")) << at;
    EXPECT_EQ(HashOf(before + " \r\n" + after), Sha256Of(before + "\r\n" + after + "\r\n")) << at;
    EXPECT_EQ(HashOf(before + " \r" + after), Sha256Of(before + " \r" + after + "\r\n")) << at;
    EXPECT_EQ(HashOf(before + "z\r\n\r\n"), Sha256Of(before + "z\r\n")) << at;
  }
}

TEST(DkimBodyHash, LinesOfAnyLengthAndManyEmptyOnes) {
  std::string line(1'000'000, 'x');
  EXPECT_EQ(HashOf(line, 8192), Sha256Of(line + "\r\n"));
  EXPECT_EQ(HashOf(line + std::string(1'000'000, ' '), 8192), Sha256Of(line + "\r\n"));
  std::string empty;
  for (int i = 0; i < 100'001; ++i) empty += "\r\n";
  EXPECT_EQ(HashOf(line + empty, 8191), Sha256Of(line + "\r\n"));
  EXPECT_EQ(HashOf(empty + "x", 8191), Sha256Of(empty + "x\r\n"));
  EXPECT_EQ(HashOf(empty, 8191), Sha256Of(""));
}

TEST(DkimBodyHash, HowItIsCutDoesNotMatter) {
  Random random(6376);
  constexpr std::string_view kBytes = "ab \t\r\n";
  for (int round = 0; round < 2000; ++round) {
    std::string body;
    for (size_t count = random.Below(300); count > 0; --count) {
      // Mostly letters in some, mostly blanks in others.
      body.push_back(random.Below(100) < static_cast<uint64_t>(round % 100)
                         ? 'a'
                         : kBytes[random.Below(kBytes.size())]);
    }
    DkimBodyHash cut;
    for (std::string_view rest = body; !rest.empty();) {
      size_t count = random.Below(rest.size() + 1);
      cut.Update(rest.substr(0, count));
      rest.remove_prefix(count);
    }
    EXPECT_EQ(cut.Finish(), HashOf(body)) << body;
  }
}

}  // namespace
}  // namespace ringpost::mail
