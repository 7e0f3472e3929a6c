#include "gateway/dns/async_resolver.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <map>

#include "tests/unit/dns/dns_server.h"

namespace ringpost::dns {
namespace {

class AsyncResolverTest : public testing::Test {
 protected:
  void Make(uint32_t ask_millis) {
    ResolverOptions options;
    options.stubs = {{"example", server_.endpoint()}};
    options.ask_millis = ask_millis;
    auto made = AsyncResolver::Create(options);
    ASSERT_TRUE(made.ok()) << made.status();
    resolver_ = std::move(*made);
  }
  // As its user does, until nothing is open.
  std::map<void*, Answer> All() {
    std::map<void*, Answer> all;
    while (resolver_->open() > 0) {
      pollfd waited{resolver_->fd(), POLLIN, 0};
      EXPECT_GE(::poll(&waited, 1, static_cast<int>(resolver_->UntilDue().count())), 0);
      for (AsyncResolver::Done& done : resolver_->Process()) {
        EXPECT_TRUE(all.emplace(done.asker, std::move(done.answer)).second);
      }
    }
    EXPECT_EQ(resolver_->UntilDue(), Millis::max());
    return all;
  }

  DnsServer server_;
  std::unique_ptr<AsyncResolver> resolver_;
  char askers_[limits::kQuestionsInFlightMax + 1] = {};
};

TEST_F(AsyncResolverTest, SaysWhatItRefuses) {
  ResolverOptions options;
  options.trust_anchors_file = "no/such/file";
  EXPECT_EQ(AsyncResolver::Create(options).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(AsyncResolverTest, EachComesBackOnce) {
  server_.Mx("a.example", 10, "mx.example");
  server_.BeSilent("silent.example");
  Make(300);
  EXPECT_TRUE(resolver_->Process().empty());
  resolver_->Start({"silent.example", RecordType::kMx}, &askers_[0]);
  resolver_->Start({"a.example", RecordType::kMx}, &askers_[1]);
  resolver_->Start({"a.example", RecordType::kMx}, &askers_[2]);
  resolver_->Start({"no name", RecordType::kMx}, &askers_[3]);
  EXPECT_EQ(resolver_->open(), 4u);
  EXPECT_EQ(resolver_->UntilDue(), Millis(0));  // one is answered already
  std::map<void*, Answer> all = All();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[&askers_[0]].failure, Answer::Failure::kTimeout);
  EXPECT_EQ(all[&askers_[0]].words, "no answer within 300 ms");
  for (int i : {1, 2}) {
    EXPECT_EQ(all[&askers_[i]].question.name, "a.example");
    EXPECT_EQ(all[&askers_[i]].records.size(), 1u);
  }
  EXPECT_EQ(all[&askers_[3]].failure, Answer::Failure::kMalformed);
}

TEST_F(AsyncResolverTest, NotTooMany) {
  Make(10'000);
  server_.Hold(true);
  for (char& asker : askers_) {
    resolver_->Start({"n" + std::to_string(&asker - askers_) + ".example", RecordType::kMx},
                     &asker);
  }
  server_.Hold(false);
  std::map<void*, Answer> all = All();
  ASSERT_EQ(all.size(), std::size(askers_));
  EXPECT_EQ(all[&askers_[limits::kQuestionsInFlightMax]].words, "too many questions at once");
  EXPECT_EQ(
      std::count_if(all.begin(), all.end(),
                    [](const auto& one) { return one.second.outcome == Answer::Outcome::kNoName; }),
      static_cast<ptrdiff_t>(limits::kQuestionsInFlightMax));
}

// Those that were given up must not come back into what is asked later, nor into one that is gone.
TEST_F(AsyncResolverTest, GoesWithOpenQuestions) {
  Make(50);
  server_.Hold(true);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 20; ++i) {
      resolver_->Start({"n" + std::to_string(20 * round + i) + ".example", RecordType::kMx},
                       &askers_[i]);
    }
    for (auto& [asker, answer] : All()) {
      EXPECT_EQ(answer.failure, Answer::Failure::kTimeout);
    }
  }
  resolver_->Start({"last.example", RecordType::kMx}, &askers_[0]);
  resolver_.reset();
}

}  // namespace
}  // namespace ringpost::dns
