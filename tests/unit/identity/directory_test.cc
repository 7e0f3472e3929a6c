#include "gateway/identity/directory.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "gateway/base/limits.h"

namespace ringpost::identity {
namespace {

using NewCredential = Directory::NewCredential;

Account MakeAccount(uint32_t id, std::string name) {
  Account account;
  account.id = id;
  account.name = std::move(name);
  return account;
}

struct Rig {
  Directory::Builder builder;
  uint32_t next = 1;

  Rig() {
    builder.PutAccount(MakeAccount(7, "seven"));
    builder.PutAccount(MakeAccount(9, "nine"));
  }
  Status Add(CredentialKind kind, const std::string& name, uint32_t account = 7) {
    return builder.Add({.id = next++, .account = account, .kind = kind, .name = name});
  }
  std::shared_ptr<const Directory> Build() { return std::move(builder).Build(); }
};

IpAddress Ip(const char* text) { return *IpAddress::Parse(text); }

TEST(Directory, FindsUsersAndKeysByName) {
  Rig rig;
  EXPECT_TRUE(rig.Add(CredentialKind::kUser, "Mail@Example.com").ok());
  EXPECT_TRUE(rig.Add(CredentialKind::kApiKey, "mail@example.com", 9).ok());
  auto directory = rig.Build();
  auto user = directory->FindUser("mail@EXAMPLE.com");
  ASSERT_TRUE(user);
  EXPECT_EQ(user->id, 1u);
  EXPECT_EQ(user->account->name, "seven");
  EXPECT_EQ(user->settings->rate, RateLimit());
  EXPECT_EQ(directory->FindApiKey("Mail@example.com")->account->name, "nine");
  for (std::string name : {std::string(), std::string("mail@example.co"), std::string("mail\0", 5),
                           std::string(limits::kCredentialNameBytesMax + 1, 'x')}) {
    EXPECT_FALSE(directory->FindUser(name)) << name;
  }
}

TEST(Directory, TheLongestPrefixWins) {
  Rig rig;
  for (const char* network :
       {"10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "2001:db8::/32", "2001:db8:0:1::/64"}) {
    EXPECT_TRUE(rig.Add(CredentialKind::kNetwork, network).ok()) << network;
  }
  auto directory = rig.Build();
  auto id = [&](const char* address) {
    auto found = directory->FindNetwork(Ip(address));
    return found ? found->id : 0;
  };
  EXPECT_EQ(id("10.2.0.1"), 1u);
  EXPECT_EQ(id("10.1.9.9"), 2u);
  EXPECT_EQ(id("10.1.2.3"), 3u);
  EXPECT_EQ(id("10.1.2.4"), 2u);
  EXPECT_EQ(id("11.0.0.1"), 0u);
  EXPECT_EQ(id("2001:db8:ffff::1"), 4u);
  EXPECT_EQ(id("2001:db8:0:1::1"), 5u);
  EXPECT_EQ(id("2001:db9::1"), 0u);
}

TEST(Directory, FindsAddressesInCanonicalForm) {
  Rig rig;
  EXPECT_TRUE(rig.Add(CredentialKind::kAddress,
                      "Printer@B\xC3\xBC"
                      "cher.example")
                  .ok());
  auto directory = rig.Build();
  EXPECT_TRUE(directory->FindAddress(ListedAddress::From("printer@xn--bcher-kva.EXAMPLE")));
  EXPECT_FALSE(directory->FindAddress(ListedAddress::From("printer2@xn--bcher-kva.example")));
  EXPECT_FALSE(directory->FindAddress(ListedAddress::From("")));
}

TEST(Directory, VerifiedIsOneAccounts) {
  Rig rig;
  EXPECT_TRUE(rig.builder.AddVerified(7, "Example.com").ok());
  EXPECT_TRUE(rig.builder.AddVerified(7, "example.com").ok()) << "again, of the same";
  EXPECT_TRUE(rig.builder.AddVerified(9, "one@example.org").ok());
  EXPECT_EQ(rig.builder.AddVerified(9, "EXAMPLE.com").code(), StatusCode::kAlreadyExists);
  auto directory = rig.Build();
  auto verified = [&](uint32_t account, const char* address) {
    return directory->Verified(account, ListedAddress::From(address));
  };
  EXPECT_TRUE(verified(7, "a@example.com"));
  EXPECT_FALSE(verified(9, "a@example.com"));
  EXPECT_FALSE(verified(7, "a@sub.example.com"));
  EXPECT_TRUE(verified(9, "One@example.org"));
  EXPECT_FALSE(verified(9, "two@example.org"));
  EXPECT_FALSE(verified(7, "one@example.org"));
  EXPECT_FALSE(verified(7, "no address"));
}

TEST(Directory, RefusesWhatCannotBeFoundAgain) {
  Rig rig;
  EXPECT_TRUE(rig.Add(CredentialKind::kUser, "name").ok());
  EXPECT_EQ(rig.Add(CredentialKind::kUser, "NAME").code(), StatusCode::kAlreadyExists);
  EXPECT_TRUE(rig.Add(CredentialKind::kNetwork, "10.0.0.0/8").ok());
  EXPECT_EQ(rig.Add(CredentialKind::kNetwork, "10.0.0.0/8", 9).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(rig.Add(CredentialKind::kUser, "other", 8).code(), StatusCode::kNotFound);
  for (std::string name : {std::string(), std::string("a\r\nb"), std::string("a\0b", 3),
                           std::string("\xFF"), std::string(257, 'x')}) {
    EXPECT_EQ(rig.Add(CredentialKind::kUser, name).code(), StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(rig.Add(CredentialKind::kNetwork, "10.0.0.1/8").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(rig.Add(CredentialKind::kAddress, "nobody").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(rig.builder.AddVerified(7, "a@b@c").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(rig.Build()->credentials(), 2u);
}

// Of any sequence of changes, each made on what the one before left, what is found is what a
// directory made from nothing has.
TEST(Directory, ChangesLeaveWhatIsNotMeantAsItWas) {
  Rig rig;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(rig.Add(CredentialKind::kUser, "u" + std::to_string(i)).ok());
  }
  ASSERT_TRUE(rig.builder.AddVerified(7, "example.com").ok());
  auto first = rig.Build();
  Directory::Builder second(*first);
  for (int i : {0, 19, 7, 18}) {  // ends, the middle, and what had taken another's place
    EXPECT_TRUE(second.Remove(CredentialKind::kUser, "U" + std::to_string(i)).ok());
  }
  EXPECT_EQ(second.Remove(CredentialKind::kUser, "u7").code(), StatusCode::kNotFound);
  CredentialSettings settings;
  settings.daily_quota = 5;
  uint32_t changed = second.AddSettings(settings);
  Directory::NewCredential nine{.id = 10,
                                .account = 9,
                                .status = CredentialStatus::kBlocked,
                                .name = "u9",
                                .settings = changed};
  EXPECT_TRUE(second.Put(nine).ok());
  nine.id = 11;
  EXPECT_EQ(second.Put(nine).code(), StatusCode::kAlreadyExists);
  EXPECT_TRUE(second.Put({.id = 100, .account = 9, .name = "new"}).ok());
  EXPECT_EQ(second.RemoveAccount(9).code(), StatusCode::kFailedPrecondition);
  Account renamed = MakeAccount(7, "renamed");
  second.PutAccount(renamed);
  second.RemoveVerified("EXAMPLE.com");
  auto then = std::move(second).Build();
  EXPECT_EQ(then->credentials(), 17u);
  for (int i = 0; i < 20; ++i) {
    auto found = then->FindUser("u" + std::to_string(i));
    bool removed = i == 0 || i == 7 || i == 18 || i == 19;
    ASSERT_EQ(found.has_value(), !removed) << i;
    if (!found) continue;
    EXPECT_EQ(found->id, static_cast<uint32_t>(i + 1));
    EXPECT_EQ(found->account->name, i == 9 ? "nine" : "renamed");
    EXPECT_EQ(found->settings->daily_quota, i == 9 ? 5u : 0u);
  }
  EXPECT_EQ(then->FindUser("new")->id, 100u);
  EXPECT_FALSE(then->Verified(7, ListedAddress::From("a@example.com")));
  // Who still has the first sees nothing of it.
  EXPECT_EQ(first->credentials(), 20u);
  EXPECT_EQ(first->FindUser("u9")->account->name, "seven");
  EXPECT_TRUE(first->Verified(7, ListedAddress::From("a@example.com")));
}

TEST(Directory, AnAccountWithoutCredentialsGoes) {
  Rig rig;
  ASSERT_TRUE(rig.Add(CredentialKind::kUser, "u").ok());
  EXPECT_TRUE(rig.builder.RemoveAccount(9).ok());
  EXPECT_EQ(rig.builder.RemoveAccount(9).code(), StatusCode::kNotFound);
  EXPECT_EQ(rig.Add(CredentialKind::kUser, "v", 9).code(), StatusCode::kNotFound);
  EXPECT_TRUE(rig.Build()->FindUser("u"));
}

TEST(Directory, AMillionCredentialsAreSmall) {
  Rig rig;
  constexpr uint32_t kCount = 1'000'000;
  for (uint32_t i = 0; i < kCount; ++i) {
    ASSERT_TRUE(rig.Add(CredentialKind::kUser, "user" + std::to_string(i) + "@example.com").ok());
  }
  for (uint32_t i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(rig.builder.AddVerified(9, "domain" + std::to_string(i) + ".example.com").ok());
  }
  auto directory = rig.Build();
  EXPECT_EQ(directory->credentials(), kCount);
  EXPECT_LT(directory->bytes(), size_t{80} * kCount);
  auto begin = std::chrono::steady_clock::now();
  for (uint32_t i = 0; i < kCount; i += 97) {
    auto found = directory->FindUser("USER" + std::to_string(i) + "@example.com");
    ASSERT_TRUE(found);
    ASSERT_EQ(found->id, i + 1);
  }
  auto each = (std::chrono::steady_clock::now() - begin) / (kCount / 97);
  RecordProperty("find_ns", static_cast<int>(std::chrono::nanoseconds(each).count()));
}

}  // namespace
}  // namespace ringpost::identity
