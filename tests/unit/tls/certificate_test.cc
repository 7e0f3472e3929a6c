// What is wrong with a certificate is said when it is loaded.
#include "gateway/tls/certificate.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/unit/tls/tls_pair.h"

namespace ringpost::tls {
namespace {

std::string Trouble(const std::string& chain, const std::string& key, WallTime now = kNow) {
  auto certificate = Certificate::Parse(chain, key, {"chain.pem", "key.pem"}, now);
  return certificate.ok() ? "" : std::string(MessageOf(certificate.status()));
}

bool Has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(CertificateTest, EachKindOfKey) {
  for (KeyKind kind : {KeyKind::kRsa, KeyKind::kEcdsa, KeyKind::kEd25519}) {
    auto certificate = MakeCertificate({"mx.example", "*.example.net"}, kind);
    EXPECT_EQ(certificate->key_kind(), kind);
    EXPECT_EQ(certificate->names(), (std::vector<std::string>{"mx.example", "*.example.net"}));
    EXPECT_GT(certificate->not_after(), kNow + Seconds(29 * 86400));
    EXPECT_LT(certificate->not_after(), kNow + Seconds(31 * 86400));
  }
}

TEST(CertificateTest, CoversByWholeLabels) {
  auto certificate = MakeCertificate({"Example.COM", "*.example.net"});
  EXPECT_TRUE(certificate->Covers("example.com"));
  EXPECT_TRUE(certificate->Covers("mx.example.net"));
  EXPECT_FALSE(certificate->Covers("example.net"));
  EXPECT_FALSE(certificate->Covers("a.b.example.net"));
  EXPECT_FALSE(certificate->Covers(".example.net"));
  EXPECT_FALSE(certificate->Covers("www.example.com"));
  EXPECT_FALSE(certificate->Covers(""));
}

TEST(CertificateTest, SaysWhatIsWrong) {
  PemPair mine = MakeSelfSigned({"a.example"}, KeyKind::kEcdsa, kNow, 30);
  PemPair other = MakeSelfSigned({"b.example"}, KeyKind::kEcdsa, kNow, 30);
  EXPECT_EQ(Trouble(mine.chain, mine.key), "");
  EXPECT_TRUE(Has(Trouble("", mine.key), "chain.pem: no certificate in PEM form"));
  EXPECT_TRUE(Has(Trouble(mine.key, mine.key), "chain.pem: no certificate in PEM form"));
  EXPECT_TRUE(Has(Trouble(mine.chain, ""), "key.pem: no private key"));
  EXPECT_TRUE(Has(Trouble(mine.chain, mine.chain), "key.pem: no private key"));
  EXPECT_TRUE(Has(Trouble(mine.chain, other.key),
                  "key.pem: this key does not belong to the first certificate of chain.pem"));
  EXPECT_TRUE(Has(Trouble(mine.chain + other.chain, mine.key),
                  "chain.pem: certificate 2 did not issue certificate 1"));
  EXPECT_TRUE(Has(Trouble(mine.chain, mine.key, kNow + Seconds(31 * 86400)),
                  "chain.pem: the certificate "
                  "expired at "));
  EXPECT_TRUE(Has(Trouble(mine.chain, mine.key, kNow - Seconds(86400)),
                  "chain.pem: the certificate is "
                  "valid only from "));
}

TEST(CertificateTest, AnyCutOfTheFilesIsAnErrorAndNoCrash) {
  PemPair pem = MakeSelfSigned({"a.example"}, KeyKind::kEcdsa, kNow, 30);
  for (size_t cut = 0; cut + 2 < pem.chain.size(); cut += 13) {
    EXPECT_NE(Trouble(pem.chain.substr(0, cut), pem.key), "") << cut;
  }
  for (size_t cut = 0; cut + 2 < pem.key.size(); cut += 5) {
    EXPECT_NE(Trouble(pem.chain, pem.key.substr(0, cut)), "") << cut;
  }
}

class CertificateFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    PemPair pem = MakeSelfSigned({"a.example"}, KeyKind::kEcdsa, kNow, 30);
    std::string folder = ::testing::TempDir() + "/ringpost-certificates-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    files_ = {folder_ + "/chain.pem", folder_ + "/key.pem"};
    std::ofstream(files_.chain) << pem.chain;
    std::ofstream(files_.key) << pem.key;
    chmod(files_.key.c_str(), 0600);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string Load() {
    auto certificate = Certificate::Load(files_, kNow);
    return certificate.ok() ? "" : std::string(MessageOf(certificate.status()));
  }
  std::string folder_;
  CertificateFiles files_;
};

TEST_F(CertificateFilesTest, LoadsFromFiles) {
  EXPECT_EQ(Load(), "");
  chmod(files_.key.c_str(), 0640);  // lent to a group
  EXPECT_EQ(Load(), "");
}

TEST_F(CertificateFilesTest, AKeyThatOthersCanReachIsRefused) {
  chmod(files_.key.c_str(), 0644);
  EXPECT_TRUE(Has(Load(), files_.key + ": others may read this private key"));
  chmod(files_.key.c_str(), 0660);
  EXPECT_TRUE(Has(Load(), files_.key + ": group or others may write this private key"));
  if (geteuid() != 0) return;
  chmod(files_.key.c_str(), 0600);
  ASSERT_EQ(chown(files_.key.c_str(), 12345, 12345), 0);
  EXPECT_TRUE(Has(Load(), files_.key + ": this private key belongs to another user"));
}

TEST_F(CertificateFilesTest, WhatIsNoFileIsNamed) {
  files_.chain = folder_;
  EXPECT_TRUE(Has(Load(), files_.chain + ": not a regular file"));
  files_.chain = "/nonexistent/chain.pem";
  EXPECT_TRUE(Has(Load(), "/nonexistent/chain.pem: No such file"));
}

}  // namespace
}  // namespace ringpost::tls
