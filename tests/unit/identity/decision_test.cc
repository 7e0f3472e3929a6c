// Who may send, as whom, to whom: as tables.
#include "gateway/identity/decision.h"

#include <gtest/gtest.h>

#include <string>

namespace ringpost::identity {
namespace {

std::shared_ptr<const AddressList> List(ListMode mode, const std::vector<std::string>& entries) {
  return std::make_shared<const AddressList>(*AddressList::Make(mode, entries));
}

// Account 1 has everything; 2 is suspended; 3 is the operator's own.
std::shared_ptr<const Directory> MakeDirectory() {
  Directory::Builder builder;
  Account one, two, three;
  one.id = 1;
  one.senders = List(ListMode::kBlock, {"ceo@example.com"});
  one.recipients = List(ListMode::kBlock, {"*.gov.example"});
  two.id = 2;
  two.suspended = true;
  three.id = 3;
  three.exempt = true;
  for (const Account& account : {one, two, three}) builder.PutAccount(account);
  CredentialSettings listed;
  listed.senders = List(ListMode::kAllow, {"example.com"});
  listed.recipients = List(ListMode::kAllow, {"friend.example", "x.gov.example"});
  auto inside = std::make_shared<NetworkList>();
  inside->Add(*IpNetwork::Parse("192.0.2.0/24"));
  listed.networks = inside;
  uint32_t listed_settings = builder.AddSettings(listed);
  uint32_t id = 1;
  auto add = [&](uint32_t account, CredentialKind kind, const char* name, uint32_t settings = 0,
                 CredentialStatus status = CredentialStatus::kAllowed) {
    EXPECT_TRUE(builder.Add({id++, account, kind, status, name, settings}).ok()) << name;
  };
  add(1, CredentialKind::kUser, "user");
  add(1, CredentialKind::kUser, "listed", listed_settings);
  add(1, CredentialKind::kUser, "blocked", 0, CredentialStatus::kBlocked);
  add(2, CredentialKind::kUser, "suspended");
  add(1, CredentialKind::kNetwork, "10.0.0.0/8");
  add(1, CredentialKind::kNetwork, "10.9.0.0/16", 0, CredentialStatus::kBlocked);
  add(1, CredentialKind::kAddress, "printer@example.com");
  add(1, CredentialKind::kAddress, "scanner@example.com");
  add(3, CredentialKind::kNetwork, "127.0.0.0/8");
  EXPECT_TRUE(builder.AddVerified(1, "example.com").ok());
  EXPECT_TRUE(builder.AddVerified(1, "one@single.example").ok());
  EXPECT_TRUE(builder.AddVerified(2, "other.example").ok());
  return std::move(builder).Build();
}

const Directory& TheDirectory() {
  static const auto directory = MakeDirectory();
  return *directory;
}

constexpr ListenerIdentity kAll{true, true, true}, kPasswords{true, false, false},
    kNetworks{false, true, false}, kAddresses{false, false, true}, kNothing{};

struct WhoCase {
  const char* name;
  ListenerIdentity listener;
  const char* login;  // null: none
  const char* client;
  const char* reverse_path;
  Refusal refusal;

  uint32_t id;
};

TEST(Identify, HasItsTable) {
  const WhoCase cases[] = {
      {"login", kAll, "user", "203.0.113.1", "a@example.com", Refusal::kNone, 1},
      {"login before network", kAll, "user", "10.0.0.1", "a@example.com", Refusal::kNone, 1},
      {"login where only passwords", kPasswords, "user", "10.0.0.1", "", Refusal::kNone, 1},
      {"blocked", kAll, "blocked", "10.0.0.1", "a@example.com", Refusal::kBlocked, 3},
      {"suspended", kAll, "suspended", "10.0.0.1", "a@other.example", Refusal::kBlocked, 4},
      {"its network", kAll, "listed", "192.0.2.9", "a@example.com", Refusal::kNone, 2},
      {"another network", kAll, "listed", "198.51.100.1", "", Refusal::kWrongNetwork, 2},
      {"network", kAll, nullptr, "10.0.0.1", "a@example.com", Refusal::kNone, 5},
      {"longer prefix blocks", kAll, nullptr, "10.9.0.1", "", Refusal::kBlocked, 6},
      {"network before address", kAll, nullptr, "10.0.0.1", "printer@example.com", Refusal::kNone,
       5},
      {"network, bounce", kNetworks, nullptr, "10.0.0.1", "", Refusal::kNone, 5},
      {"no networks here", kAddresses, nullptr, "10.0.0.1", "a@example.com",
       Refusal::kUnknownClient, 0},
      {"address", kAll, nullptr, "203.0.113.1", "Printer@Example.com", Refusal::kNone, 7},
      {"address, none listed", kAddresses, nullptr, "203.0.113.1", "fax@example.com",
       Refusal::kUnknownClient, 0},
      {"address, bounce", kAddresses, nullptr, "203.0.113.1", "", Refusal::kUnknownClient, 0},
      {"no addresses here", kPasswords, nullptr, "203.0.113.1", "printer@example.com",
       Refusal::kLoginNeeded, 0},
      {"nobody", kAll, nullptr, "203.0.113.1", "a@example.com", Refusal::kLoginNeeded, 0},
      {"nothing is taken", kNothing, nullptr, "10.0.0.1", "printer@example.com",
       Refusal::kUnknownClient, 0},
  };
  for (const WhoCase& one : cases) {
    SCOPED_TRACE(one.name);
    auto login = one.login ? TheDirectory().FindUser(one.login) : std::nullopt;
    Identity identity = Identify(TheDirectory(), one.listener, login, *IpAddress::Parse(one.client),
                                 one.reverse_path);
    EXPECT_EQ(identity.refusal, one.refusal);
    EXPECT_EQ(identity.credential ? identity.credential->id : 0, one.id);
  }
}

struct AsCase {
  const char* credential;  // user, or address
  const char* sender;
  Refusal refusal;
};

TEST(MaySendAs, HasItsTable) {
  const AsCase cases[] = {
      {"user", "a@example.com", Refusal::kNone},
      {"user", "A@EXAMPLE.com", Refusal::kNone},
      {"user", "a@sub.example.com", Refusal::kUnverifiedSender},
      {"user", "a@other.example", Refusal::kUnverifiedSender},  // another account's
      {"user", "one@single.example", Refusal::kNone},
      {"user", "two@single.example", Refusal::kUnverifiedSender},
      {"user", "CEO@example.com", Refusal::kSenderByAccount},
      {"user", "root", Refusal::kNotAnAddress},
      {"user", "", Refusal::kNotAnAddress},
      {"user", "a@\xD0\xB5xample.com", Refusal::kUnverifiedSender},  // a Cyrillic letter
      {"listed", "a@example.com", Refusal::kNone},
      {"listed", "one@single.example", Refusal::kSenderByCredential},
      {"listed", "ceo@example.com", Refusal::kSenderByAccount},
      {"printer@example.com", "printer@example.com", Refusal::kNone},
      {"printer@example.com", "scanner@example.com", Refusal::kNone},
      {"printer@example.com", "a@example.com", Refusal::kSenderNotListed},
  };
  for (const AsCase& one : cases) {
    SCOPED_TRACE(std::string(one.credential) + " as " + one.sender);
    std::string_view name = one.credential;
    auto credential = name.find('@') == name.npos
                          ? TheDirectory().FindUser(name)
                          : TheDirectory().FindAddress(ListedAddress::From(name));
    ASSERT_TRUE(credential);
    EXPECT_EQ(MaySendAs(TheDirectory(), *credential, ListedAddress::From(one.sender)), one.refusal);
  }
}

TEST(MaySendAs, TheOperatorsOwnIsExempt) {
  auto own = TheDirectory().FindNetwork(*IpAddress::Parse("127.0.0.1"));
  ASSERT_TRUE(own);
  EXPECT_EQ(MaySendAs(TheDirectory(), *own, ListedAddress::From("a@anywhere.example")),
            Refusal::kNone);
}

TEST(MaySendTo, HasItsTable) {
  auto to = [](const char* user, const char* recipient) {
    return MaySendTo(*TheDirectory().FindUser(user), ListedAddress::From(recipient));
  };
  EXPECT_EQ(to("user", "b@friend.example"), Refusal::kNone);
  EXPECT_EQ(to("user", "b@x.gov.example"), Refusal::kRecipientByAccount);
  EXPECT_EQ(to("listed", "b@friend.example"), Refusal::kNone);
  EXPECT_EQ(to("listed", "b@elsewhere.example"), Refusal::kRecipientByCredential);
  EXPECT_EQ(to("listed", "b@x.gov.example"), Refusal::kRecipientByAccount);
}

}  // namespace
}  // namespace ringpost::identity
