#include "gateway/app/password_store.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

namespace ringpost::app {
namespace {

using identity::PasswordRecord;

class PasswordStoreTest : public ::testing::Test {
 protected:
  PasswordStoreTest() {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    Open();
  }
  ~PasswordStoreTest() override {
    control_.reset();
    std::filesystem::remove_all(folder_);
  }
  void Open() {
    control_.reset();
    auto opened = storage::ControlStore::Open(folder_ + "/control.store", nullptr);
    ASSERT_TRUE(opened.ok()) << opened.status();
    control_ = std::move(*opened);
    store_ = std::make_unique<PasswordStore>(control_.get());
  }
  std::optional<PasswordRecord> Read(uint32_t credential) {
    auto read = store_->Read(credential);
    EXPECT_TRUE(read.ok()) << read.status();
    return read.ok() ? *read : std::nullopt;
  }
  void Write(uint32_t credential, const PasswordRecord& record) {
    identity::PasswordRecordBytes bytes = record.Encode();
    EXPECT_TRUE(control_->Put(PasswordStore::KeyOf(credential), {bytes.data(), bytes.size()}).ok());
  }
  static PasswordRecord Record(std::string_view password) {
    return PasswordRecord::Make(password, {}, limits::kPasswordIterationsMin);
  }

  std::string folder_ = ::testing::TempDir() + "password_store_XXXXXX";
  std::unique_ptr<storage::ControlStore> control_;
  std::unique_ptr<PasswordStore> store_;
};

TEST_F(PasswordStoreTest, KeepsWhatWasWritten) {
  EXPECT_EQ(Read(0xabcdef12), std::nullopt);
  EXPECT_EQ(Read(UINT32_MAX), std::nullopt);
  Write(0xabcdef12, Record("one"));
  Write(2, Record("two"));
  Write(2, Record("three"));
  Open();
  EXPECT_EQ(Read(0xabcdef12), Record("one"));
  EXPECT_EQ(Read(2), Record("three"));
  EXPECT_EQ(Read(0x2abcdef1), std::nullopt);
  ASSERT_TRUE(control_->Delete(PasswordStore::KeyOf(2)).ok());
  EXPECT_EQ(Read(2), std::nullopt);
}

// The keys and bytes are a format: storage/FORMAT.md.
TEST_F(PasswordStoreTest, AsTheFormatSays) {
  Write(0xabcdef12, Record("one"));
  auto found = control_->Get("password/abcdef12");
  ASSERT_TRUE(found.ok() && *found);
  EXPECT_EQ(PasswordRecord::Decode(**found), Record("one"));
}

TEST_F(PasswordStoreTest, WhatIsNoRecordIsNoAbsence) {
  const identity::PasswordRecordBytes bytes = Record("one").Encode();
  std::string other_version(bytes.data(), bytes.size());
  other_version[0] = 2;
  for (const std::string& wrong : {std::string(), other_version}) {
    ASSERT_TRUE(control_->Put("password/00000007", wrong).ok());
    EXPECT_EQ(store_->Read(7).status().code(), StatusCode::kDataLoss);
  }
}

TEST_F(PasswordStoreTest, TheSecretOfUnknownNamesIsMadeOnce) {
  auto first = store_->UnknownNamesSecret();
  ASSERT_TRUE(first.ok());
  Open();
  auto again = store_->UnknownNamesSecret();
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(first->view(), again->view());
  EXPECT_NE(first->view(), tls::Key().view());
  ASSERT_TRUE(control_->Put("unknown_names", "short").ok());
  EXPECT_EQ(store_->UnknownNamesSecret().status().code(), StatusCode::kDataLoss);
}

}  // namespace
}  // namespace ringpost::app
