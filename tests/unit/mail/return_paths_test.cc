#include "gateway/mail/return_paths.h"

#include <gtest/gtest.h>

#include "gateway/base/text.h"

namespace ringpost::mail {
namespace {

const WallTime kNow = WallFromMillis(1'764'000'000'000);

class ReturnPathsTest : public testing::Test {
 protected:
  ReturnPathsTest() : paths_(Keys(), {"eu", "us"}, Domains()) {}
  static std::shared_ptr<const SenderDomains> Domains() {
    SenderDomains::Builder builder;
    builder.Put("example.com", {.label = "rp7x", .account = 4, .region = 1, .works = true});
    builder.Put("example.net", {.label = "q2", .account = 5});
    return std::move(builder).Build();
  }
  static std::vector<std::pair<uint8_t, tls::Key>> Keys() {
    std::vector<std::pair<uint8_t, tls::Key>> keys;
    keys.emplace_back(1, tls::Key::From(std::string(32, 'n')));
    keys.emplace_back(0, tls::Key::From(std::string(32, 'o')));
    return keys;
  }

  ReturnPaths paths_;
  MessageId id_ = MessageId::FromKey(std::string(16, 'i'));
};

TEST_F(ReturnPathsTest, OfADomainWhoseBouncesComeInThere) {
  std::string path = paths_.Make("example.com", "us", id_, kNow);
  EXPECT_EQ(path.size(), kReturnPathCharacters + std::string("@rp7x.example.com").size());
  EXPECT_TRUE(path.ends_with("@rp7x.example.com"));
  EXPECT_EQ(paths_.Make("example.com", "eu", id_, kNow), "");  // another region's
  EXPECT_EQ(paths_.Make("example.net", "eu", id_, kNow), "");  // DNS does not lead here
  EXPECT_EQ(paths_.Make("example.org", "eu", id_, kNow), "");
}

TEST_F(ReturnPathsTest, AreFoundInAnyCase) {
  std::string path = paths_.Make("example.com", "us", id_, kNow);
  for (char& c : path) c = IsAlpha(c) ? static_cast<char>(c & ~0x20) : c;
  auto found = paths_.Find(path, kNow);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->verdict, ReturnPathVerdict::kValid);
  EXPECT_EQ(found->id, id_);
  EXPECT_EQ(found->account, 4u);
}

TEST_F(ReturnPathsTest, WithAnOlderKeyAndOfADomainThatIsBrokenBounceStill) {
  tls::Key old = tls::Key::From(std::string(32, 'o'));
  std::string path = MakeReturnPath({0, &old}, "q2.example.net", id_, kNow) + "@q2.example.net";
  EXPECT_EQ(paths_.Find(path, kNow)->verdict, ReturnPathVerdict::kValid);
}

TEST_F(ReturnPathsTest, AnotherCustomersNameIsWorthNothing) {
  std::string path = paths_.Make("example.com", "us", id_, kNow);
  std::string local_part = path.substr(0, kReturnPathCharacters);
  EXPECT_EQ(paths_.Find(local_part + "@q2.example.net", kNow)->verdict, ReturnPathVerdict::kForged);
}

TEST_F(ReturnPathsTest, OtherNamesAreNone) {
  std::string path = paths_.Make("example.com", "us", id_, kNow);
  std::string local_part = path.substr(0, kReturnPathCharacters);
  for (std::string name : {"", "@example.com", "@.example.com", "@rp7.example.com",
                           "@rp7x.example.org", "@a.rp7x.example.com", "@rp7x", "@"}) {
    EXPECT_FALSE(paths_.Find(local_part + name, kNow)) << name;
  }
  EXPECT_EQ(paths_.Find("postmaster@rp7x.example.com", kNow)->verdict,
            ReturnPathVerdict::kMalformed);
  EXPECT_EQ(paths_.Find("@rp7x.example.com", kNow)->verdict, ReturnPathVerdict::kMalformed);
}

}  // namespace
}  // namespace ringpost::mail
