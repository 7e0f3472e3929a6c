#include "gateway/identity/api_key.h"

#include <gtest/gtest.h>

#include <set>

#include "gateway/identity/decision.h"

namespace ringpost::identity {
namespace {

TEST(ApiKey, EachIsAnother) {
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    std::string key = GenerateApiKey();
    EXPECT_EQ(key.size(), 33u);
    EXPECT_TRUE(key.starts_with("rp_")) << key;
    EXPECT_TRUE(IsApiKey(key)) << key;
    EXPECT_TRUE(seen.insert(key).second);
  }
}

TEST(ApiKey, AMistakeIsFound) {
  const std::string whole = GenerateApiKey();
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string wrong = whole;
    wrong[i] = wrong[i] == '7' ? '8' : '7';
    EXPECT_FALSE(IsApiKey(wrong)) << wrong;  // one in a million would get by
    EXPECT_FALSE(IsApiKey(whole.substr(0, i)));
    EXPECT_FALSE(IsApiKey(whole.substr(0, i) + whole.substr(i + 1)));
  }
  for (const std::string& wrong : {whole + "a", " " + whole, std::string("RP_") + whole.substr(3),
                                   std::string(33, '\0'), std::string()}) {
    EXPECT_FALSE(IsApiKey(wrong)) << wrong;
  }
}

TEST(ApiKey, TheRecordIsItsDigest) {
  std::string key = GenerateApiKey();
  ApiKeyRecord record = ApiKeyRecord::Of(key);
  EXPECT_EQ(record.digest, tls::Sha256Of(key));
  std::string bytes = record.Encode();
  EXPECT_EQ(bytes.size(), 33u);
  EXPECT_EQ(bytes.find(key.substr(3)), std::string::npos);
  EXPECT_EQ(ApiKeyRecord::Decode(bytes), record);
  EXPECT_EQ(ApiKeyRecord::Decode(bytes.substr(1)), std::nullopt);
  bytes[0] = 2;
  EXPECT_EQ(ApiKeyRecord::Decode(bytes), std::nullopt);
}

// --- Whose it is

class VerifyApiKeyTest : public testing::Test {
 protected:
  VerifyApiKeyTest() {
    Directory::Builder builder;
    for (uint32_t id : {1, 2}) {
      Account account;
      account.id = id;
      account.suspended = id == 2;
      builder.PutAccount(account);
    }
    CredentialSettings inside;
    auto networks = std::make_shared<NetworkList>();
    networks->Add(*IpNetwork::Parse("192.0.2.0/24"));
    inside.networks = networks;
    inside_ = builder.AddSettings(inside);
    directory_ = std::move(builder).Build();
  }
  Status Put(uint32_t id, const std::string& key, uint32_t account = 1, uint32_t settings = 0,
             CredentialStatus status = CredentialStatus::kAllowed) {
    Directory::Builder builder(*directory_);
    tls::Digest digest = key.empty() ? tls::Digest() : ApiKeyRecord::Of(key).digest;
    Status put = builder.Put({id, account, CredentialKind::kApiKey, status,
                              "key-" + std::to_string(id), settings, digest});
    if (put.ok()) directory_ = std::move(builder).Build();
    return put;
  }
  std::string Added(uint32_t id, uint32_t account = 1, uint32_t settings = 0,
                    CredentialStatus status = CredentialStatus::kAllowed) {
    std::string key = GenerateApiKey();
    EXPECT_TRUE(Put(id, key, account, settings, status).ok());
    return key;
  }
  void Remove(const char* name) {
    Directory::Builder builder(*directory_);
    EXPECT_TRUE(builder.Remove(CredentialKind::kApiKey, name).ok());
    directory_ = std::move(builder).Build();
  }
  Refusal Refused(const std::string& key, const char* client = "192.0.2.7") {
    return VerifyApiKey(*directory_, key, *IpAddress::Parse(client)).refusal;
  }
  uint32_t IdOf(const std::string& key) {
    Identity identity = VerifyApiKey(*directory_, key, *IpAddress::Parse("192.0.2.7"));
    return identity.credential ? identity.credential->id : 0;
  }

  std::shared_ptr<const Directory> directory_;
  uint32_t inside_ = 0;
};

TEST_F(VerifyApiKeyTest, ByItsKeyAlone) {
  std::string one = Added(1), two = Added(2);
  EXPECT_EQ(Refused(one), Refusal::kNone);
  EXPECT_EQ(IdOf(one), 1u);
  EXPECT_EQ(IdOf(two), 2u);
  for (const std::string& wrong :
       {GenerateApiKey(), std::string("key-1"), std::string(), one.substr(1), one + "a"}) {
    EXPECT_EQ(Refused(wrong), Refusal::kUnknownClient) << wrong;
    EXPECT_EQ(IdOf(wrong), 0u);
  }
}

TEST_F(VerifyApiKeyTest, BlockedSuspendedSandboxedAndElsewhere) {
  std::string blocked = Added(1, 1, 0, CredentialStatus::kBlocked), suspended = Added(2, 2);
  std::string sandboxed = Added(3, 1, 0, CredentialStatus::kSandbox), inside = Added(4, 1, inside_);
  EXPECT_EQ(Refused(blocked), Refusal::kBlocked);
  EXPECT_EQ(Refused(suspended), Refusal::kBlocked);
  EXPECT_EQ(Refused(sandboxed), Refusal::kNone);
  EXPECT_EQ(Refused(inside), Refusal::kNone);
  EXPECT_EQ(Refused(inside, "198.51.100.1"), Refusal::kWrongNetwork);
  EXPECT_EQ(IdOf(blocked), 1u) << "whose it is, is known all the same";
}

TEST_F(VerifyApiKeyTest, WithoutAKeyItIsNobodys) {
  EXPECT_TRUE(Put(1, "").ok());
  EXPECT_TRUE(Put(2, "").ok()) << "no key is not the same key";
  EXPECT_FALSE(directory_->FindByKey(tls::Digest()));
  std::string key = GenerateApiKey();
  EXPECT_TRUE(Put(1, key).ok());
  EXPECT_EQ(IdOf(key), 1u);
}

TEST_F(VerifyApiKeyTest, ANewKeyEndsTheOldOne) {
  std::string before = Added(1), after = Added(1);
  EXPECT_EQ(Refused(before), Refusal::kUnknownClient);
  EXPECT_EQ(IdOf(after), 1u);
  EXPECT_TRUE(Put(1, "", 1, inside_).ok()) << "other things change";
  EXPECT_EQ(IdOf(after), 1u);
  EXPECT_TRUE(Put(1, after).ok()) << "the same once more";
  EXPECT_EQ(IdOf(after), 1u);
}

TEST_F(VerifyApiKeyTest, TwoDoNotHaveOne) {
  std::string key = Added(1);
  EXPECT_EQ(Put(2, key).code(), StatusCode::kAlreadyExists);
  std::string other = Added(2);
  EXPECT_EQ(Put(2, key).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(IdOf(key), 1u);
  EXPECT_EQ(IdOf(other), 2u);
}

// The last one takes the place of one that goes.
TEST_F(VerifyApiKeyTest, OthersStayWhereOneGoes) {
  std::vector<std::string> keys;
  for (uint32_t id = 1; id <= 5; ++id) keys.push_back(Added(id));
  Remove("key-2");
  Remove("key-5");
  for (uint32_t id : {1, 3, 4}) EXPECT_EQ(IdOf(keys[id - 1]), id);
  for (uint32_t id : {2, 5}) EXPECT_EQ(Refused(keys[id - 1]), Refusal::kUnknownClient);
  EXPECT_TRUE(Put(6, keys[1]).ok());
  EXPECT_EQ(IdOf(keys[1]), 6u);
}

}  // namespace
}  // namespace ringpost::identity
