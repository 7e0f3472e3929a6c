#include "gateway/identity/address_list.h"

#include <gtest/gtest.h>

#include <string>

#include "gateway/base/limits.h"

namespace ringpost::identity {
namespace {

AddressList List(ListMode mode, const std::vector<std::string>& entries) {
  auto list = AddressList::Make(mode, entries);
  EXPECT_TRUE(list.ok()) << MessageOf(list.status());
  return *list;
}

bool Allows(const AddressList& list, std::string_view address) {
  return list.Allows(ListedAddress::From(address));
}

struct Case {
  const char* entry;
  const char* address;
  bool listed;
};

TEST(AddressList, EntriesMatchWhatTheySay) {
  const Case cases[] = {
      {"a@example.com", "a@example.com", true},
      {"a@example.com", "b@example.com", false},
      {"a@example.com", "a@example.org", false},
      {"a@example.com", "a@sub.example.com", false},
      {"a@Example.COM", "A@eXample.com.", true},
      {"\"a\"@example.com", "a@example.com", true},
      {"a@example.com", "\"\\a\"@example.com", true},
      {"\"a b\"@example.com", "\"A b\"@example.com", true},
      {"example.com", "a@example.com", true},
      {"EXAMPLE.com.", "a@example.com", true},
      {"example.com", "a@sub.example.com", false},
      {"example.com", "a@notexample.com", false},
      {"example.com", "a@example.com.evil.example", false},
      {"*.example.com", "a@sub.example.com", true},
      {"*.example.com", "a@very.sub.example.com", true},
      {"*.example.com", "a@example.com", false},
      {"*.example.com", "a@notexample.com", false},
      {"b\xC3\xBC"
       "cher.example",
       "a@xn--bcher-kva.example", true},
      {"xn--bcher-kva.example",
       "a@B\xC3\x9C"
       "CHER.example",
       true},
      {"apple.example", "a@\xD0\xB0pple.example", false},  // Cyrillic
      {"[192.0.2.1]", "a@[192.0.2.1]", true},
      {"[192.0.2.1]", "a@[192.0.2.2]", false},
      {"com", "a@example.com", false},
      {"*.com", "a@example.com", true},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(std::string(one.entry) + " and " + one.address);
    EXPECT_EQ(Allows(List(ListMode::kAllow, {one.entry}), one.address), one.listed);
    EXPECT_EQ(Allows(List(ListMode::kBlock, {one.entry}), one.address), !one.listed);
    EXPECT_TRUE(Allows(List(ListMode::kOff, {one.entry}), one.address));
  }
}

// Nobody gets around a list by being no address.
TEST(AddressList, WhatIsNoAddressIsNeitherAllowedNorOverlooked) {
  for (const char* address : {"", "postmaster", "a@", "@example.com", "a@b@example.com",
                              "a@\xFF.example", "a@\xC3\xBC..example"}) {
    EXPECT_FALSE(Allows(List(ListMode::kAllow, {"example.com"}), address)) << address;
    EXPECT_FALSE(Allows(List(ListMode::kBlock, {"example.org"}), address)) << address;
    EXPECT_TRUE(Allows(AddressList(), address)) << address;
  }
}

TEST(AddressList, AnEmptyListIsMeant) {
  EXPECT_FALSE(Allows(List(ListMode::kAllow, {}), "a@example.com"));
  EXPECT_TRUE(Allows(List(ListMode::kBlock, {}), "a@example.com"));
}

TEST(AddressList, RefusesWhatIsNoEntryInWords) {
  for (const char* entry :
       {"", "*", "*.", "*.*.example.com", "*@example.com", "a b@example.com", "exa mple.com",
        "@example.com", "*.[192.0.2.1]", "[192.0.2]", "-.example", "a@b@c", "\x01.example"}) {
    auto list = AddressList::Make(ListMode::kAllow, {"example.com", entry});
    ASSERT_FALSE(list.ok()) << entry;
    EXPECT_EQ(list.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(MessageOf(list.status()).find("\"*.example.com\""), std::string_view::npos);
  }
}

TEST(AddressList, HoldsManyInLittleMemory) {
  std::vector<std::string> entries;
  for (int i = 0; i < 10'000; ++i)
    entries.push_back("user" + std::to_string(i * 7) + "@example.com");
  entries.push_back("USER7@Example.com");  // a second time
  AddressList list = List(ListMode::kAllow, entries);
  EXPECT_EQ(list.size(), 10'000u);
  EXPECT_LT(list.bytes(), 40u * 10'000);
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(Allows(list, "user" + std::to_string(i * 7) + "@example.com"));
    ASSERT_FALSE(Allows(list, "user" + std::to_string(i * 7 + 1) + "@example.com"));
  }
  std::vector<std::string> too_many(limits::kListEntriesMax + 1, "example.com");
  EXPECT_EQ(AddressList::Make(ListMode::kAllow, too_many).status().code(),
            StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace ringpost::identity
