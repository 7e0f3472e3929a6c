// A region's suppression list: what comes in without waiting is in the table and, a little later,
// on disk; what an operator changes is answered when it is; all of it is there after an opening.
#include "gateway/session/suppression_list.h"

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <thread>

#include "gateway/base/counters.h"
#include "gateway/identity/address_list.h"
#include "gateway/identity/suppression_limits.h"
#include "gateway/session/suppression_limits.h"
#include "tests/unit/temp_folder.h"

namespace ringpost::session {
namespace {

using identity::ListedAddress;
using identity::ListKey;
using identity::Suppression;
using Outcome = SuppressionList::Outcome;
using Reason = identity::SuppressionReason;

WallTime Time(int64_t seconds) { return WallTime(Seconds(1'700'000'000 + seconds)); }

class LockedLog final : public Log {
 public:
  void Append(std::string_view line) override {
    std::lock_guard lock(mutex_);
    text_.append(line).push_back('\n');
  }
  std::string text() {
    std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  std::mutex mutex_;
  std::string text_;
};

class SuppressionListTest : public ::testing::Test {
 protected:
  std::unique_ptr<SuppressionList> Open() {
    auto list = SuppressionList::Open(folder_.path() + "/suppressions", &log_);
    EXPECT_TRUE(list.ok()) << list.status();
    return list.ok() ? std::move(*list) : nullptr;
  }
  static bool Finds(const SuppressionList& list, uint32_t account, std::string_view address) {
    return list.table().Find(account, ListedAddress::From(address)).has_value();
  }
  static bool FindsSoon(const SuppressionList& list, uint32_t account, std::string_view address) {
    for (int i = 0; i < 2000 && !Finds(list, account, address); ++i) {
      std::this_thread::sleep_for(Millis(1));
    }
    return Finds(list, account, address);
  }
  static SuppressionStore::Change Added(std::string_view entry, Reason reason = Reason::kManual) {
    SuppressionStore::Change change{7, *ListKey(entry), Suppression()};
    change.suppression->account = 7;
    change.suppression->entry = entry;
    change.suppression->reason = reason;
    change.suppression->time = Time(0);
    return change;
  }
  static SuppressionStore::Change Removed(std::string_view entry) {
    return {7, *ListKey(entry), std::nullopt};
  }
  static std::pair<ringpost::Status, std::vector<Outcome>> Change(
      SuppressionList* list, std::vector<SuppressionStore::Change> changes) {
    std::promise<std::pair<ringpost::Status, std::vector<Outcome>>> said;
    auto done = [&](const ringpost::Status& status, const std::vector<Outcome>& outcomes) {
      said.set_value({status, outcomes});
    };
    list->Change(std::move(changes), done);
    return said.get_future().get();
  }

  TempFolder folder_;
  LockedLog log_;
};

TEST_F(SuppressionListTest, WhatIsHandedInIsInForceAndKept) {
  MessageId id = MessageId::FirstOf(Time(5));
  {
    auto list = Open();
    EXPECT_TRUE(list->Add({7, "Bob@Example.com", Reason::kHardBounce,
                           "550 5.1.1 no such user\x1b[31m", id, Time(9)}));
    EXPECT_TRUE(FindsSoon(*list, 7, "bob@example.com"));
    EXPECT_FALSE(Finds(*list, 8, "bob@example.com"));
  }
  auto list = Open();
  EXPECT_TRUE(Finds(*list, 7, "bob@example.com"));
  auto kept = list->Get(7, *ListKey("bob@example.com"));
  ASSERT_TRUE(kept.ok() && *kept);
  EXPECT_EQ((*kept)->account, 7u);
  EXPECT_EQ((*kept)->entry, "bob@example.com");
  EXPECT_EQ((*kept)->reason, Reason::kHardBounce);
  EXPECT_EQ((*kept)->detail, "550 5.1.1 no such user?[31m");
  EXPECT_EQ((*kept)->message, id);
  EXPECT_EQ((*kept)->time, Time(9));
  EXPECT_NE(log_.text().find("\"event\":\"suppressed\""), std::string::npos);
}

TEST_F(SuppressionListTest, RefusesWhatIsNoEntry) {
  auto list = Open();
  EXPECT_FALSE(list->Add({0, "bob@example.com", Reason::kHardBounce, "", {}, Time(0)}));
  EXPECT_FALSE(list->Add({7, "postmaster@", Reason::kHardBounce, "", {}, Time(0)}));
  EXPECT_FALSE(
      list->Add({7, std::string(500, 'a') + "@example.com", Reason::kHardBounce, "", {}, Time(0)}));
  list->Stop();
  EXPECT_EQ(list->table().size(), 0u);
  EXPECT_FALSE(list->Add({7, "bob@example.com", Reason::kHardBounce, "", {}, Time(0)}));
}

TEST_F(SuppressionListTest, TheFirstOfAReasonAndTheStrongerStay) {
  auto list = Open();
  EXPECT_TRUE(list->Add({7, "a@example.com", Reason::kHardBounce, "first", {}, Time(1)}));
  ASSERT_TRUE(FindsSoon(*list, 7, "a@example.com"));
  EXPECT_TRUE(list->Add({7, "a@example.com", Reason::kHardBounce, "second", {}, Time(2)}));
  EXPECT_TRUE(list->Add({7, "a@example.com", Reason::kComplaint, "third", {}, Time(3)}));
  EXPECT_TRUE(list->Add({7, "a@example.com", Reason::kUnsubscribe, "fourth", {}, Time(4)}));
  list->Stop();
  EXPECT_EQ((*list->Get(7, *ListKey("a@example.com")))->detail, "third");
}

TEST_F(SuppressionListTest, ChangesAreAnsweredWhenTheyAreOnDisk) {
  {
    auto list = Open();
    auto [status, outcomes] = Change(
        list.get(), {Added("a@example.com"), Added("example.org", Reason::kHardBounce),
                     Added("a@example.com"), Added("example.org", Reason::kComplaint),
                     Added("*.example.net"), Removed("*.example.net"), Removed("b@example.com")});
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(outcomes, (std::vector<Outcome>{Outcome::kAdded, Outcome::kAdded, Outcome::kUnchanged,
                                              Outcome::kChanged, Outcome::kAdded, Outcome::kRemoved,
                                              Outcome::kUnchanged}));
    // In the store already, with the list as it is.
    EXPECT_TRUE(*list->Get(7, *ListKey("a@example.com")));
    EXPECT_FALSE(*list->Get(7, *ListKey("*.example.net")));
  }
  auto list = Open();
  EXPECT_TRUE(Finds(*list, 7, "x@example.org"));
  EXPECT_FALSE(Finds(*list, 7, "x@sub.example.net"));
  EXPECT_TRUE(Change(list.get(), {Removed("example.org")}).first.ok());
  EXPECT_FALSE(Finds(*list, 7, "x@example.org"));
  list = nullptr;
  EXPECT_FALSE(Finds(*Open(), 7, "x@example.org"));
}

TEST_F(SuppressionListTest, TryChangesNothing) {
  auto list = Open();
  ASSERT_TRUE(Change(list.get(), {Added("a@example.com", Reason::kHardBounce)}).first.ok());
  EXPECT_EQ(list->Try({Added("a@example.com", Reason::kHardBounce), Added("a@example.com"),
                       Added("b@example.com"), Removed("a@example.com"), Removed("b@example.com")}),
            (std::vector<Outcome>{Outcome::kUnchanged, Outcome::kChanged, Outcome::kAdded,
                                  Outcome::kRemoved, Outcome::kUnchanged}));
  EXPECT_EQ(list->table().size(), 1u);
}

TEST_F(SuppressionListTest, PagesAreOfOneAccount) {
  auto list = Open();
  std::vector<SuppressionStore::Change> changes = {Added("b@example.com"), Added("a@example.com"),
                                                   Added("example.com"), Added("z@a.example")};
  changes.push_back({8, *ListKey("c@example.com"), changes[0].suppression});
  ASSERT_TRUE(Change(list.get(), std::move(changes)).first.ok());
  std::string last, seen;
  auto two = [&, left = 2](std::string_view key, const Suppression& suppression) mutable {
    if (left-- == 0) return false;
    last = key;
    seen += suppression.entry + " ";
    return true;
  };
  ASSERT_TRUE(list->ForEach(7, "", two).ok());
  EXPECT_EQ(seen, "z@a.example example.com ");
  ASSERT_TRUE(list->ForEach(7, last, two).ok());
  EXPECT_EQ(seen, "z@a.example example.com a@example.com b@example.com ");
  ASSERT_TRUE(list->ForEach(7, last, two).ok());
  EXPECT_EQ(seen, "z@a.example example.com a@example.com b@example.com ");
}

TEST_F(SuppressionListTest, ManyThreadsHandIn) {
  constexpr int kThreads = 4, kEach = 2000;
  {
    auto list = Open();
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&list, thread] {
        for (int i = 0; i < kEach; ++i) {
          std::string address = std::to_string(i) + "@" + std::to_string(thread) + ".example";
          EXPECT_TRUE(list->Add({7, address, Reason::kHardBounce, "550", {}, Time(i)}));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    list->Stop();
    EXPECT_EQ(list->table().size(), size_t{kThreads * kEach});
  }
  EXPECT_EQ(Open()->table().size(), size_t{kThreads * kEach});
}

TEST_F(SuppressionListTest, ADamagedRecordKeepsItShut) {
  Open();
  {
    auto store = storage::ControlStore::Open(folder_.path() + "/suppressions", nullptr);
    ASSERT_TRUE(store.ok());
    ASSERT_TRUE((*store)->Put("suppression/00000007/example.com", "\x01\x09").ok());
  }
  auto list = SuppressionList::Open(folder_.path() + "/suppressions", &log_);
  ASSERT_FALSE(list.ok());
  EXPECT_EQ(list.status().code(), StatusCode::kDataLoss);
}

TEST(SuppressionRecord, IsReadAsItWasWritten) {
  Suppression written{
      0, "", Reason::kUnsubscribe, std::string(400, 'x'), MessageId::FirstOf(Time(3)), Time(-1)};
  std::string bytes = EncodeSuppression(written);
  auto read = DecodeSuppression(bytes);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->reason, Reason::kUnsubscribe);
  EXPECT_EQ(read->detail.size(), identity::limits::kSuppressionDetailBytesMax);
  EXPECT_EQ(read->message, written.message);
  EXPECT_EQ(read->time, written.time);
  for (size_t size = 0; size < 26; ++size) {
    EXPECT_FALSE(DecodeSuppression(std::string_view(bytes).substr(0, size)).ok());
  }
  bytes[0] = 2;
  EXPECT_FALSE(DecodeSuppression(bytes).ok()) << "a newer format";
}

}  // namespace
}  // namespace ringpost::session
