#include "gateway/mail/return_path.h"

#include <gtest/gtest.h>

#include "gateway/base/text.h"

namespace ringpost::mail {
namespace {

using Verdict = ReturnPathVerdict;

constexpr std::string_view kDomain = "rp7x.example.com";
const WallTime kNow = WallFromMillis(1'764'000'000'000);
constexpr std::string_view kGolden = "cnh4bifbukr2jjngu6uktkvlvsw25l47oof4n25oxx4z5gfi";

std::string Counted(char first, size_t count) {
  std::string bytes;
  for (size_t i = 0; i < count; ++i)
    bytes.push_back(static_cast<char>(first + static_cast<char>(i)));
  return bytes;
}

class ReturnPathTest : public testing::Test {
 protected:
  ReturnPathResult Verify(std::string_view local_part, WallTime now = kNow) {
    return VerifyReturnPath(local_part, kDomain, keys_, now);
  }
  tls::Key key_ = tls::Key::From(Counted('\0', 32));
  tls::Key old_ = tls::Key::From(std::string(32, '\xff'));
  std::vector<ReturnPathKey> keys_ = {{3, &key_}, {0, &old_}};
  MessageId id_ = MessageId::FromKey(Counted('\xa0', 16));
};

// Made with Python's hmac and base64.
TEST_F(ReturnPathTest, Golden) {
  EXPECT_EQ(MakeReturnPath(keys_[0], kDomain, id_, kNow), kGolden);
  WallTime day = WallFromMillis(1'795'910'400'000);
  MessageId zero{};
  EXPECT_EQ(MakeReturnPath(keys_[1], kDomain, zero, day),
            "cbiteaaaaaaaaaaaaaaaaaaaaaaaaae7immlq37znqbmreyi");
}

TEST_F(ReturnPathTest, ComesBack) {
  for (const ReturnPathKey& key : keys_) {
    std::string local_part = MakeReturnPath(key, kDomain, id_, kNow);
    EXPECT_EQ(local_part.size(), kReturnPathCharacters);
    EXPECT_LE(local_part.size(), 64u);
    EXPECT_EQ(Verify(local_part).verdict, Verdict::kValid);
    EXPECT_EQ(Verify(local_part).id, id_);
    for (char& c : local_part) c = IsAlpha(c) ? static_cast<char>(c & ~0x20) : c;
    EXPECT_EQ(Verify(local_part).verdict, Verdict::kValid);
    EXPECT_EQ(Verify(local_part).id, id_);
  }
}

TEST_F(ReturnPathTest, StaleAfter35Days) {
  std::string local_part(kGolden);
  EXPECT_EQ(Verify(local_part, kNow + kReturnPathLife).verdict, Verdict::kValid);
  ReturnPathResult stale = Verify(local_part, kNow + kReturnPathLife + Seconds(86'400));
  EXPECT_EQ(stale.verdict, Verdict::kStale);
  EXPECT_EQ(stale.id, id_);
  EXPECT_EQ(Verify(local_part, kNow - Seconds(86'400)).verdict, Verdict::kValid);
  EXPECT_EQ(Verify(local_part, kNow - Seconds(2 * 86'400)).verdict, Verdict::kStale);
}

TEST_F(ReturnPathTest, Forged) {
  int forged = 0, malformed = 0;
  for (size_t i = 0; i < kGolden.size(); ++i) {
    for (char c : std::string_view("abcdefghijklmnopqrstuvwxyz234567")) {
      std::string changed(kGolden);
      if (changed[i] == c) continue;
      changed[i] = c;
      ReturnPathResult result = Verify(changed);
      forged += result.verdict == Verdict::kForged;
      malformed += result.verdict == Verdict::kMalformed;
      EXPECT_EQ(result.id, MessageId{});
    }
  }
  EXPECT_EQ(forged + malformed, 31 * 48);
  EXPECT_EQ(malformed, 30);  // another form, by the first character
  std::vector<ReturnPathKey> none;
  EXPECT_EQ(VerifyReturnPath(kGolden, kDomain, none, kNow).verdict, Verdict::kForged);
  std::vector<ReturnPathKey> other = {{3, &old_}};
  EXPECT_EQ(VerifyReturnPath(kGolden, kDomain, other, kNow).verdict, Verdict::kForged);
  EXPECT_EQ(VerifyReturnPath(kGolden, "rp7x.example.net", keys_, kNow).verdict, Verdict::kForged);
}

TEST_F(ReturnPathTest, Malformed) {
  std::string local_part(kGolden);
  for (std::string bad : {std::string(), std::string("postmaster"), local_part.substr(1),
                          local_part + "a", std::string(48, 'a'), std::string(48, '='),
                          local_part.substr(0, 47) + "1", local_part.substr(0, 47) + "\xff"}) {
    EXPECT_EQ(Verify(bad).verdict, Verdict::kMalformed) << bad;
  }
}

}  // namespace
}  // namespace ringpost::mail
