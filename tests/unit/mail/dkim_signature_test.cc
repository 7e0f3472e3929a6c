// DKIM-Signature fields: RFC 8463's example, and the shape of ours. That others verify them:
// tests/e2e/test_dkim_verifiers.py.
#include "gateway/mail/dkim_signature.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gateway/mail/dkim_header.h"
#include "gateway/smtp/base64.h"

namespace ringpost::mail {
namespace {

using tls::DkimKey;

// RFC 8463 appendix A.2: the key of "brisbane", in PKCS #8 form.
std::shared_ptr<const DkimKey> Brisbane() {
  constexpr char kDer[] =
      "\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"
      "\x9d\x61\xb1\x9d\xef\xfd\x5a\x60\xba\x84\x4a\xf4\x92\xec\x2c\xc4"
      "\x44\x49\xc5\x69\x7b\x32\x69\x19\x70\x3b\xac\x03\x1c\xae\x7f\x60";
  return *DkimKey::FromDer({kDer, sizeof kDer - 1});
}

constexpr std::string_view kHeader =
    "From: Joe SixPack <joe@football.example.com>\r\n"
    "To: Suzie Q <suzie@shopping.example.net>\r\n"
    "Subject: Is dinner ready?\r\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n";
constexpr std::string_view kBody =
    "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";

DkimDigest HashOfBody() {
  DkimBodyHash hash;
  hash.Update(kBody);
  return hash.Finish();
}

DkimInput Input(const std::vector<DkimSelector>& selectors) {
  DkimInput input;
  input.header = kHeader;
  input.body_hash = HashOfBody();
  input.domain = "football.example.com";
  input.selectors = selectors;
  input.now = WallFromMillis(1'528'637'909'999);
  return input;
}

std::string Text(std::string_view bytes) {
  std::string text;
  smtp::AppendBase64(bytes, &text);
  return text;
}

// What the examples of RFC 8463 appendix A.3 sign: the five fields, and their own with b= empty.
DkimDigest DigestOfExample(std::string_view unsigned_field) {
  std::string hashed;
  std::string_view rest = kHeader;
  HeaderField field;
  while (TakeHeaderField(&rest, &field)) AppendRelaxedField(field, &hashed);
  EXPECT_TRUE(TakeHeaderField(&unsigned_field, &field));
  AppendRelaxedField(field, &hashed);
  hashed.resize(hashed.size() - 2);
  tls::Sha256 hash;
  hash.Update(hashed);
  return hash.Finish();
}

TEST(DkimSignature, SignsTheExampleOfTheRfcAsItDoes) {
  DkimDigest digest = DigestOfExample(
      "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
      " d=football.example.com; i=@football.example.com;\r\n"
      " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
      " subject : date : message-id : from : subject : date;\r\n"
      " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
      " b=\r\n");
  EXPECT_EQ(Text(Brisbane()->SignDigest(digest)),
            "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus"
            "Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==");
}

// The other signature there is by a key of 1024 bits, which we do not sign with: the digest is what
// it opens to under its public key.
TEST(DkimSignature, HashesTheOtherExampleOfTheRfcAsItDoes) {
  DkimDigest digest = DigestOfExample(
      "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
      " d=football.example.com; i=@football.example.com;\r\n"
      " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
      " date : message-id : from : subject : date;\r\n"
      " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
      " b=\r\n");
  std::string hex;
  for (uint8_t byte : digest) {
    for (int nibble : {byte >> 4, byte & 15}) hex.push_back("0123456789abcdef"[nibble]);
  }
  EXPECT_EQ(hex, "fed71e6d70fb123bb5c353adc42821b304b6b9d54fc867f304f7c61daaaa1111");
}

TEST(DkimSignature, IsThisField) {
  auto key = Brisbane();
  auto signature = MakeDkimSignatures(Input({{"brisbane", key.get()}}));
  ASSERT_TRUE(signature.ok()) << signature.status();
  EXPECT_EQ(*signature,
            "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
            "\td=football.example.com; s=brisbane; t=1528637909;\r\n"
            "\th=From:From:To:To:Subject:Subject:Date:Date:List-Unsubscribe:\r\n"
            "\tList-Unsubscribe-Post:Message-ID;\r\n"
            "\tbh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
            "\tb=34Ovj3FGcgYBoJT0NX1lEhABDcVhiRh2uj3qBCG67ADZR3FeRxzqWIWABPRhxd8Z6K/xsQESho6\r\n"
            "\trw7Zt10bpCA==\r\n");
}

TEST(DkimSignature, TwoKeysGiveTwoFields) {
  auto ed = Brisbane(), rsa = DkimKey::Generate(DkimKey::Kind::kRsa);
  auto both = MakeDkimSignatures(Input({{"test", rsa.get()}, {"brisbane", ed.get()}}));
  ASSERT_TRUE(both.ok());
  // Neither covers the other.
  EXPECT_EQ(*both, *MakeDkimSignatures(Input({{"test", rsa.get()}})) +
                       *MakeDkimSignatures(Input({{"brisbane", ed.get()}})));
  EXPECT_NE(both->find("a=rsa-sha256;"), std::string::npos);
  EXPECT_LT(both->find("s=test;"), both->find("s=brisbane;"));
}

TEST(DkimSignature, TellsTimes) {
  auto key = Brisbane();
  std::vector<DkimSelector> selectors = {{"s", key.get()}};
  DkimInput input = Input(selectors);
  EXPECT_EQ(MakeDkimSignatures(input)->find("x="), std::string::npos);
  input.lifetime = Seconds(7 * 24 * 3600);
  EXPECT_NE(MakeDkimSignatures(input)->find(" t=1528637909; x=1529242709;"), std::string::npos);
}

// Whatever the lengths are.
TEST(DkimSignature, LinesKeepWithin78) {
  auto key = DkimKey::Generate(DkimKey::Kind::kRsa);
  std::string domain = "example.com";
  std::string header = "From: a@b\r\n";
  for (int round = 0; round < 100; ++round) {
    header += round % 3 ? "Cc: x\r\n" : "Content-Transfer-Encoding: x\r\n";
    if (round < 50) domain.insert(0, round % 20 == 19 ? "d." : "d");
    std::string selector(static_cast<size_t>(1 + round % 63), 's');
    std::vector<DkimSelector> selectors = {{selector, key.get()}};
    DkimInput input = Input(selectors);
    input.header = header;
    input.domain = domain;
    auto fields = MakeDkimSignatures(input);
    ASSERT_TRUE(fields.ok()) << fields.status();
    for (std::string_view rest = *fields; !rest.empty();) {
      size_t end = rest.find("\r\n");
      ASSERT_NE(end, std::string_view::npos);
      EXPECT_LE(end, 78u) << *fields;
      EXPECT_GT(end, 1u);
      EXPECT_TRUE(rest[0] == '\t' || rest.starts_with("DKIM-Signature: v=1;"));
      rest.remove_prefix(end + 2);
    }
  }
}

TEST(DkimSignature, KnowsNames) {
  std::string label63(63, 'a');
  for (std::string domain : {"example.com", "a.b", "xn--bcher-kva.example", "1.2", "A-1.example"}) {
    EXPECT_TRUE(IsDkimDomain(domain)) << domain;
  }
  for (std::string domain : {"", "com", ".", "a.", ".a", "a..b", "-a.b", "a-.b", "a_b.c",
                             "\xc3\xbc.example", "a b.c", "a.b;", "a.b\r\nX: y"}) {
    EXPECT_FALSE(IsDkimDomain(domain)) << domain;
  }
  EXPECT_TRUE(IsDkimDomain(label63 + ".com"));
  EXPECT_FALSE(IsDkimDomain(label63 + "a.com"));
  EXPECT_TRUE(IsDkimSelector("s", "example.com"));
  EXPECT_TRUE(IsDkimSelector("2026.mail", "example.com"));
  EXPECT_FALSE(IsDkimSelector("", "example.com"));
  EXPECT_FALSE(IsDkimSelector("a b", "example.com"));
  std::string domain = label63 + "." + label63 + "." + label63 + ".com";  // 195
  EXPECT_TRUE(IsDkimSelector(std::string(46, 's'), domain));
  EXPECT_FALSE(IsDkimSelector(std::string(47, 's'), domain));
}

TEST(DkimSignature, RefusesWrongNames) {
  auto key = Brisbane();
  auto code = [&](std::string_view domain, const std::vector<DkimSelector>& selectors) {
    DkimInput input = Input(selectors);
    input.domain = domain;
    return MakeDkimSignatures(input).status().code();
  };
  EXPECT_EQ(code("example.com", {{"s", key.get()}}), StatusCode::kOk);
  EXPECT_EQ(code("example", {{"s", key.get()}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code("example.com", {{"s;", key.get()}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code("example.com", {{"s", key.get()}, {"", key.get()}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code("example.com", {{"s", key.get()}, {"S", key.get()}}),
            StatusCode::kInvalidArgument);
}

TEST(DkimSignature, RefusesAHeaderItMustNotSign) {
  auto key = Brisbane();
  std::vector<DkimSelector> selectors = {{"s", key.get()}};
  DkimInput input = Input(selectors);
  input.header = "Subject: x\r\n";
  EXPECT_EQ(MakeDkimSignatures(input).status().code(), StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace ringpost::mail
