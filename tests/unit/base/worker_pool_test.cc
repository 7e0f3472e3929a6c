#include "gateway/base/worker_pool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <semaphore>
#include <vector>

namespace ringpost {
namespace {

struct Counted : WorkerPool::Job {
  Counted(Inbox* inbox, std::vector<int>* order, int its_number)
      : done_in(order), number(its_number) {
    reply_to = inbox;
    work = [](WorkerPool::Job* job) {
      auto* self = static_cast<Counted*>(job);
      if (self->hold) self->hold->acquire();
      self->worked = true;
    };
    run = [](Posted* posted) {
      auto* self = static_cast<Counted*>(posted);
      EXPECT_TRUE(self->worked);
      self->done_in->push_back(self->number);
    };
  }
  std::vector<int>* done_in;
  int number;
  bool worked = false;
  std::binary_semaphore* hold = nullptr;
};

TEST(WorkerPoolTest, JobsComeBackInTheirOrderAndAllOfThem) {
  Inbox inbox;
  std::vector<int> order;
  std::vector<Counted> jobs;
  for (int i = 0; i < 10; ++i) jobs.emplace_back(&inbox, &order, i);
  {
    WorkerPool pool("test", 1, 10);
    for (Counted& job : jobs) ASSERT_TRUE(pool.TrySubmit(&job));
  }
  inbox.Drain();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(WorkerPoolTest, WhatIsOneTooManyIsNotTaken) {
  Inbox inbox;
  std::vector<int> order;
  std::binary_semaphore hold{0};
  Counted busy(&inbox, &order, 0), first(&inbox, &order, 1), second(&inbox, &order, 2);
  busy.hold = &hold;
  {
    WorkerPool pool("test", 1, 1);
    ASSERT_TRUE(pool.TrySubmit(&busy));
    // The one that is under way does not wait any more.
    while (!pool.TrySubmit(&first)) std::this_thread::yield();
    EXPECT_FALSE(pool.TrySubmit(&second));
    hold.release();
  }
  inbox.Drain();
  EXPECT_EQ(order, (std::vector<int>{0, 1}));
  EXPECT_FALSE(second.worked);
}

TEST(WorkerPoolTest, WithoutThreadsTheCallerWorks) {
  Inbox inbox;
  std::vector<int> order;
  Counted first(&inbox, &order, 0), second(&inbox, &order, 1);
  WorkerPool pool("test", 0, 2);
  EXPECT_FALSE(pool.RunOne());
  ASSERT_TRUE(pool.TrySubmit(&first));
  ASSERT_TRUE(pool.TrySubmit(&second));
  EXPECT_FALSE(first.worked);
  EXPECT_TRUE(pool.RunOne());
  EXPECT_TRUE(first.worked);
  EXPECT_FALSE(second.worked);
  EXPECT_TRUE(pool.RunOne());
  EXPECT_FALSE(pool.RunOne());
  inbox.Drain();
  EXPECT_EQ(order, (std::vector<int>{0, 1}));
}

TEST(WorkerPoolTest, SeveralThreadsWorkAtOnce) {
  Inbox inbox;
  std::vector<int> order;
  std::binary_semaphore hold{0};
  Counted waits(&inbox, &order, 0), passes(&inbox, &order, 1);
  waits.hold = &hold;
  WorkerPool pool("test", 2, 8);
  ASSERT_TRUE(pool.TrySubmit(&waits));
  ASSERT_TRUE(pool.TrySubmit(&passes));
  while (order.empty()) inbox.Drain();
  EXPECT_EQ(order, std::vector<int>{1});
  hold.release();
  while (order.size() < 2) inbox.Drain();
}

// What waits for their jobs does not give way with them.
TEST(WorkerPoolTest, ItsThreadsAloneGiveWay) {
  struct Asks : WorkerPool::Job {
    int nice = -1;
  } asks;
  Inbox inbox;
  asks.reply_to = &inbox;
  asks.work = [](WorkerPool::Job* job) {
    static_cast<Asks*>(job)->nice = getpriority(PRIO_PROCESS, 0);
  };
  asks.run = [](Posted*) {};
  const int before = getpriority(PRIO_PROCESS, 0);
  const int nicer = before + 1;
  {
    WorkerPool pool("test", 1, 1, nicer);
    ASSERT_TRUE(pool.TrySubmit(&asks));
  }
  inbox.Drain();
  EXPECT_EQ(asks.nice, nicer);
  EXPECT_EQ(getpriority(PRIO_PROCESS, 0), before);
}

}  // namespace
}  // namespace ringpost
