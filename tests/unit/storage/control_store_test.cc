// The control store: what it keeps, what it refuses, and what is left after failures.
#include "storage/control_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "gateway/base/limits.h"
#include "storage/sim/control_store_testing.h"
#include "storage/sim/sync_dropping_file_system.h"
#include "tests/unit/storage/spool_harness.h"

namespace ringpost::storage {
namespace {

class ControlStoreTest : public ::testing::Test {
 protected:
  std::string Path() { return dir_.path() + "/control.store"; }
  std::unique_ptr<ControlStore> Open() {
    auto store = ControlStore::Open(Path(), nullptr);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? std::move(*store) : nullptr;
  }
  void ExpectRefusal(std::string_view words) {
    auto store = ControlStore::Open(Path(), nullptr);
    ASSERT_FALSE(store.ok());
    EXPECT_NE(MessageOf(store.status()).find(words), std::string_view::npos) << store.status();
  }
  static std::string Value(ControlStore* store, std::string_view key) {
    auto value = store->Get(key);
    if (!value.ok()) return "error";
    return value->value_or("none");
  }
  static std::map<std::string, std::string> All(ControlStore* store, std::string_view prefix) {
    std::map<std::string, std::string> all;
    Status status = store->ForEach(prefix, [&](std::string_view key, const std::string& value) {
      all[std::string(key)] = value;
    });
    EXPECT_TRUE(status.ok()) << status;
    return all;
  }

  TempDir dir_;
};

TEST_F(ControlStoreTest, KeepsRecordsOverAnOpening) {
  {
    auto store = Open();
    ASSERT_TRUE(store->Put("acme/a", "one").ok());
    ASSERT_TRUE(store->Put("acme/b", "").ok());
    ASSERT_TRUE(store->Put("acmf", "other").ok());
    ASSERT_TRUE(store->Put("acme/a", "two").ok());
    ASSERT_TRUE(store->Delete("not there").ok());
  }
  auto store = Open();
  EXPECT_EQ(Value(store.get(), "acme/a"), "two");
  EXPECT_EQ(Value(store.get(), "acme/b"), "");
  EXPECT_EQ(Value(store.get(), "acme/c"), "none");
  std::map<std::string, std::string> expected{{"acme/a", "two"}, {"acme/b", ""}};
  EXPECT_EQ(All(store.get(), "acme/"), expected);
  ASSERT_TRUE(store->Delete("acme/a").ok());
  EXPECT_EQ(Value(store.get(), "acme/a"), "none");
  EXPECT_EQ(All(store.get(), "").size(), 2u);
}

TEST_F(ControlStoreTest, SeveralChangesAreOne) {
  auto store = Open();
  ASSERT_TRUE(store->Put("gone", "x").ok());
  std::vector<ControlStore::Change> changes{
      {"a", "1"}, {"gone", std::nullopt}, {"b", "2"}, {"a", "3"}};
  ASSERT_TRUE(store->Write(changes).ok());
  std::map<std::string, std::string> expected{{"a", "3"}, {"b", "2"}};
  EXPECT_EQ(All(store.get(), ""), expected);
  changes = {{"a", "4"}, {"", "bad"}};
  EXPECT_EQ(store->Write(changes).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(All(store.get(), ""), expected);
}

TEST_F(ControlStoreTest, PagesGoBothWays) {
  auto store = Open();
  for (const char* key : {"a/1", "a/2", "a/3", "a/\xff\xff", "b/1", "Z"}) {
    ASSERT_TRUE(store->Put(key, "v").ok());
  }
  auto page = [&](std::string_view prefix, std::string_view after, ControlStore::Order order,
                  size_t most) {
    std::string keys;
    auto each = [&](std::string_view key, const std::string&) {
      keys += std::string(key) + " ";
      return --most > 0;
    };
    Status status = store->ForEachUntil(prefix, after, order, each);
    EXPECT_TRUE(status.ok()) << status;
    return keys;
  };
  constexpr auto kForwards = ControlStore::Order::kForwards;
  constexpr auto kBackwards = ControlStore::Order::kBackwards;
  EXPECT_EQ(page("a/", "", kForwards, 2), "a/1 a/2 ");
  EXPECT_EQ(page("a/", "a/2", kForwards, 9), "a/3 a/\xff\xff ");
  EXPECT_EQ(page("a/", "a/25", kForwards, 1), "a/3 ");
  EXPECT_EQ(page("a/", "", kBackwards, 2), "a/\xff\xff a/3 ");
  EXPECT_EQ(page("a/", "a/3", kBackwards, 9), "a/2 a/1 ");
  EXPECT_EQ(page("a/", "a/1", kBackwards, 9), "");
  EXPECT_EQ(page("c/", "", kBackwards, 9), "");
}

TEST_F(ControlStoreTest, BoundsKeysAndValues) {
  auto store = Open();
  EXPECT_FALSE(store->Put("", "x").ok());
  EXPECT_FALSE(store->Put(std::string(limits::kControlKeyBytesMax + 1, 'k'), "x").ok());
  EXPECT_FALSE(store->Put("k", std::string(limits::kControlValueBytesMax + 1, 'x')).ok());
  std::string key(limits::kControlKeyBytesMax, 'k');
  EXPECT_TRUE(store->Put(key, std::string(limits::kControlValueBytesMax, 'x')).ok());
  EXPECT_EQ(Value(store.get(), key).size(), limits::kControlValueBytesMax);
}

TEST_F(ControlStoreTest, NothingOfAValueIsInItsFiles) {
  std::string secret = "this is what nobody may read";
  {
    auto store = Open();
    ASSERT_TRUE(store->Put("k", secret).ok());
  }
  Open();  // moves it from the log to a table file
  size_t files = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(Path())) {
    if (!file.is_regular_file()) continue;
    std::ifstream in(file.path(), std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    EXPECT_EQ(bytes.find(secret), std::string::npos) << file.path();
    ++files;
  }
  EXPECT_GE(files, 4u);
}

TEST_F(ControlStoreTest, ARecordBelongsToItsKey) {
  auto store = Open();
  ASSERT_TRUE(store->Put("a", "for a").ok());
  std::string sealed = ControlStoreTesting::Row(store.get(), "ra");
  ControlStoreTesting::PutRow(store.get(), "rb", sealed);
  EXPECT_EQ(store->Get("b").status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(store->ForEach("", [](std::string_view, const std::string&) {}).code(),
            StatusCode::kDataLoss);
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string bad = sealed;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    ControlStoreTesting::PutRow(store.get(), "ra", bad);
    EXPECT_EQ(store->Get("a").status().code(), StatusCode::kDataLoss) << i;
  }
  for (size_t size = 0; size < sealed.size(); ++size) {
    ControlStoreTesting::PutRow(store.get(), "ra", sealed.substr(0, size));
    EXPECT_EQ(store->Get("a").status().code(), StatusCode::kDataLoss) << size;
  }
}

TEST_F(ControlStoreTest, IsForNobodyElse) {
  {
    Open();
  }
  struct stat info;
  ASSERT_EQ(stat(Path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  ASSERT_EQ(stat((Path() + "/store.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(chmod(Path().c_str(), 0750), 0);
  ExpectRefusal("is open to others; chmod 700 it");
  ASSERT_EQ(chmod(Path().c_str(), 0700), 0);
  ASSERT_EQ(chmod((Path() + "/store.key").c_str(), 0640), 0);
  ExpectRefusal("others may read it");
}

TEST_F(ControlStoreTest, WithoutItsKeyItDoesNotOpen) {
  std::string key = Path() + "/store.key";
  {
    auto store = Open();
    ASSERT_TRUE(store->Put("a", "x").ok());
  }
  std::filesystem::rename(key, key + ".away");
  ExpectRefusal("missing");
  std::ofstream(key, std::ios::binary) << std::string(32, 'k');
  chmod(key.c_str(), 0600);
  ExpectRefusal("is not the key it was made with");
  std::filesystem::rename(key + ".away", key);
  EXPECT_EQ(Value(Open().get(), "a"), "x");
}

TEST_F(ControlStoreTest, ANewerFormatIsRefused) {
  {
    auto store = Open();
    ControlStoreTesting::PutRow(store.get(), "mformat", std::string("\0\0\0\2", 4));
  }
  ExpectRefusal("start that one");
}

TEST_F(ControlStoreTest, DamageInTheMiddleOfItsLogIsRefused) {
  {
    auto store = Open();
    std::string value(10'000, 'v');  // of which the log's blocks hold three
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(store->Put(std::to_string(i), value).ok());
  }
  std::string log;
  for (const auto& file : std::filesystem::directory_iterator(Path() + "/db")) {
    if (file.path().extension() == ".log" && file.file_size() > 0) log = file.path().string();
  }
  ASSERT_FALSE(log.empty());
  std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(log) / 2));
  file << "damage";
  file.close();
  ExpectRefusal("Corruption");
}

// What was answered is there after a power cut at any sync; what was not is there or not, whole.
TEST_F(ControlStoreTest, WhatWasAnsweredOutlivesAPowerCut) {
  for (uint64_t at = 1; at <= 30; ++at) {
    std::string path = dir_.path() + "/cut" + std::to_string(at);
    auto files = std::make_shared<SyncDroppingFileSystem>(at);
    files->PowerOffAtSync(at, at % 2 == 0);
    int answered = 0;
    if (auto store = ControlStoreTesting::Open(path, files); store.ok()) {
      while (answered < 40 && (*store)->Put("k" + std::to_string(answered), "value").ok()) {
        ++answered;
      }
    }
    ASSERT_TRUE(files->PowerOn().ok());
    auto store = ControlStoreTesting::Open(path, files);
    ASSERT_TRUE(store.ok()) << store.status() << " at " << at;
    for (int i = 0; i < answered; ++i) {
      EXPECT_EQ(Value(store->get(), "k" + std::to_string(i)), "value") << at;
    }
    EXPECT_LE(All(store->get(), "").size(), static_cast<size_t>(answered) + 1) << at;
  }
}

TEST_F(ControlStoreTest, GoesOnAfterAFailedWrite) {
  auto files = std::make_shared<SyncDroppingFileSystem>(1);
  auto store = ControlStoreTesting::Open(Path(), files);
  ASSERT_TRUE(store.ok()) << store.status();
  ASSERT_TRUE((*store)->Put("before", "x").ok());
  files->FailSyncs(SyncDroppingFileSystem::Fault::kIoError, 1, 1, "log");
  EXPECT_FALSE((*store)->Put("failed", "x").ok());
  files->ClearFaults();
  EXPECT_EQ(Value(store->get(), "before"), "x");
  ASSERT_TRUE((*store)->Put("after", "x").ok());
  files->PowerOff();
  store->reset();
  ASSERT_TRUE(files->PowerOn().ok());
  auto again = ControlStoreTesting::Open(Path(), files);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(Value(again->get(), "before"), "x");
  EXPECT_EQ(Value(again->get(), "after"), "x");
}

}  // namespace
}  // namespace ringpost::storage
