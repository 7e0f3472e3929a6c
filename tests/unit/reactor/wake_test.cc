// Wakes: work posted from other threads and from other shards is never lost and never late.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/reactor/ring_io.h"

namespace ringpost::reactor {
namespace {

struct Job : Posted {
  Job() { run = &Job::Ran; }
  static void Ran(Posted* posted) { static_cast<Job*>(posted)->done(); }
  std::function<void()> done;
};

std::unique_ptr<RingIo> MakeRing(uint32_t shard = 0) {
  auto made = RingIo::Make({.shard = shard, .buffer_count = 64});
  RP_CHECK(made.ok());
  return std::move(*made);
}

TEST(WakeTest, StopFromAnotherThreadEndsASleepingLoop) {
  auto io = MakeRing();
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    io->Stop();
  });
  io->Run(nullptr, nullptr);
  stopper.join();
}

TEST(WakeTest, StopBeforeRunIsNotLost) {
  auto io = MakeRing();
  io->Stop();
  io->Run(nullptr, nullptr);
}

// One job at a time, each posted only after the one before has run: each must wake a loop that
// sleeps.
TEST(WakeTest, EachPostWakesASleepingLoop) {
  auto io = MakeRing();
  constexpr int kJobs = 2000;
  std::atomic<int> ran{0};
  Job job;
  job.done = [&] {
    ran.fetch_add(1);
    if (ran.load() == kJobs) io->Stop();
  };
  std::thread poster([&] {
    for (int i = 0; i < kJobs; ++i) {
      io->inbox().Post(&job);
      while (ran.load() <= i) std::this_thread::yield();
    }
  });
  io->Run(nullptr, nullptr);
  poster.join();
  EXPECT_EQ(ran.load(), kJobs);
}

TEST(WakeTest, ManyPostersLoseNothingAndKeepTheirOrder) {
  auto io = MakeRing();
  constexpr int kPosters = 4, kJobs = 5000;
  std::vector<std::vector<Job>> jobs(kPosters);
  std::vector<int> next(kPosters, 0);
  int ran = 0;
  for (int p = 0; p < kPosters; ++p) {
    jobs[static_cast<size_t>(p)] = std::vector<Job>(kJobs);
    for (int i = 0; i < kJobs; ++i) {
      jobs[static_cast<size_t>(p)][static_cast<size_t>(i)].done = [&, p, i] {
        EXPECT_EQ(next[static_cast<size_t>(p)]++, i);
        if (++ran == kPosters * kJobs) io->Stop();
      };
    }
  }
  std::vector<std::thread> posters;
  for (auto& mine : jobs) {
    posters.emplace_back([&io, &mine] {
      for (Job& job : mine) io->inbox().Post(&job);
    });
  }
  io->Run(nullptr, nullptr);
  for (std::thread& poster : posters) poster.join();
  EXPECT_EQ(ran, kPosters * kJobs);
}

// Two shards play a job back and forth: each post comes from a thread that has a ring of its own.
TEST(WakeTest, ShardsWakeEachOther) {
  constexpr int kRounds = 2000;
  std::atomic<RingIo*> rings[2] = {nullptr, nullptr};
  std::atomic<int> left{2};
  int rounds = 0;
  Job job;
  job.done = [&] {
    ++rounds;
    if (rounds == kRounds) {
      rings[0].load()->Stop();
      rings[1].load()->Stop();
    } else {
      rings[rounds % 2].load()->inbox().Post(&job);
    }
  };
  auto shard = [&](uint32_t number) {
    auto io = MakeRing(number);
    rings[number].store(io.get());
    while (rings[1 - number].load() == nullptr) std::this_thread::yield();
    if (number == 0) io->inbox().Post(&job);
    io->Run(nullptr, nullptr);
    // Neither ring goes while the other may still post to it.
    left.fetch_sub(1);
    while (left.load() > 0) std::this_thread::yield();
  };
  std::thread other(shard, 1);
  shard(0);
  other.join();
  EXPECT_EQ(rounds, kRounds);
}

// While the loop is awake nobody pays for a wake.
TEST(WakeTest, PostsToALoopThatIsAwakeCostNoCompletion) {
  auto io = MakeRing();
  Counters counters;
  CountersScope scope(&counters);
  std::vector<Job> jobs(100);
  int ran = 0;
  for (size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].done = [&, i] {
      ++ran;
      if (i + 1 == jobs.size()) return io->Stop();
      io->inbox().Post(&jobs[i + 1]);  // from the loop itself
    };
  }
  io->inbox().Post(jobs.data());
  io->Run(nullptr, nullptr);
  EXPECT_EQ(ran, 100);
  EXPECT_EQ(counters.Get(Counter::kRingCompletions), 0u);
}

}  // namespace
}  // namespace ringpost::reactor
