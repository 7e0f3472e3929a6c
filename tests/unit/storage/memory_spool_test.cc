#include "storage/sim/memory_spool.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/storage/spool_harness.h"

namespace ringpost::storage {
namespace {

void TickUntilIdle(MemorySpool* spool, TestShard* shard) {
  for (int i = 0; i < 1000 && !spool->idle(); ++i) {
    spool->Tick();
    shard->inbox()->Drain();
  }
  ASSERT_TRUE(spool->idle());
}

TEST(MemorySpoolTest, NothingIsAnsweredOrStoredBeforeATick) {
  MemorySpool spool(1);
  TestShard shard;
  MessageId id = NewId();
  auto accept = Accept(&shard, id, "body");
  spool.Submit(accept.get());
  EXPECT_FALSE(spool.Has(id));
  EXPECT_EQ(shard.inbox()->Drain(), 0u);
  TickUntilIdle(&spool, &shard);
  ASSERT_TRUE(accept->answered);
  EXPECT_TRUE(accept->durable.has_value());
  EXPECT_TRUE(spool.Has(id));
  auto read = std::make_unique<TestRead>(&shard, ReadRequest::Kind::kBody, id);
  read->chunk_count = 1;
  spool.Read(read.get());
  TickUntilIdle(&spool, &shard);
  EXPECT_EQ(read->body, "body");
  auto complete = Complete(&shard, id, 1);
  spool.Submit(complete.get());
  TickUntilIdle(&spool, &shard);
  EXPECT_FALSE(spool.Has(id));
  EXPECT_EQ(spool.events().size(), 1u);
}

TEST(MemorySpoolTest, ACrashForgetsWhatWasInFlightAndKeepsWhatWasAnswered) {
  MemorySpool spool(2);
  TestShard shard;
  MessageId kept = NewId(), lost = NewId();
  auto accept = Accept(&shard, kept, "kept");
  spool.Submit(accept.get());
  auto chunk = Chunk(&shard, lost, 0, "half a body");
  spool.Submit(chunk.get());
  TickUntilIdle(&spool, &shard);
  EXPECT_EQ(spool.open_streams(), 1u);
  auto in_flight = Accept(&shard, lost, "lost");
  spool.Submit(in_flight.get());
  spool.Crash();
  TickUntilIdle(&spool, &shard);
  EXPECT_FALSE(in_flight->answered);
  EXPECT_TRUE(spool.Has(kept));
  EXPECT_FALSE(spool.Has(lost));
  EXPECT_EQ(spool.open_streams(), 0u);
}

TEST(MemorySpoolTest, TheScanSeesWhatWasThereBeforeTheCrashOnly) {
  MemorySpool spool(3);
  TestShard shard;
  MessageId before = NewId(), after = NewId();
  auto accept = Accept(&shard, before, "x", 2);
  spool.Submit(accept.get());
  auto defer = Defer(&shard, before, 1, 4);
  spool.Submit(defer.get());
  TickUntilIdle(&spool, &shard);
  spool.Crash();
  auto accept_after = Accept(&shard, after, "y");
  spool.Submit(accept_after.get());
  TickUntilIdle(&spool, &shard);
  std::vector<ScannedMessage> seen;
  struct Page : ScanPage {
    std::vector<ScannedMessage>* seen;
  };
  ScanTarget target{shard.inbox(),
                    [](void* context) -> ScanPage* {
                      auto* page = new Page;
                      page->seen = static_cast<std::vector<ScannedMessage>*>(context);
                      page->run = [](Posted* posted) {
                        std::unique_ptr<Page> owned(static_cast<Page*>(posted));
                        for (ScannedMessage& message : owned->messages) {
                          owned->seen->push_back(std::move(message));
                        }
                      };
                      return page;
                    },
                    &seen};
  spool.StartScan({target});
  TickUntilIdle(&spool, &shard);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].id, before);
  EXPECT_EQ(seen[0].recipients[1].attempts, 4);
  EXPECT_TRUE(seen[0].envelope.trace.empty());
}

TEST(MemorySpoolTest, AFailedGroupLatchesAndItsSuspectsAreGoneAfterwards) {
  MemorySpoolFaults faults;
  faults.failed_but_written_percent = 100;
  MemorySpool spool(4, faults);
  TestShard shard;
  MessageId id = NewId();
  auto accept = Accept(&shard, id, "x");
  spool.FailNextGroup();
  spool.Submit(accept.get());
  TickUntilIdle(&spool, &shard);
  EXPECT_EQ(accept->status.code(), StatusCode::kUnavailable);
  EXPECT_FALSE(spool.accepting());
  EXPECT_TRUE(spool.Has(id));  // it had reached the disk
  EXPECT_EQ(spool.suspects(), 1u);
  for (int i = 0; i < 25; ++i) spool.Tick();
  EXPECT_TRUE(spool.accepting());
  EXPECT_FALSE(spool.Has(id));
}

TEST(MemorySpoolTest, OneSeedIsOneRun) {
  auto run = [](uint64_t seed) {
    MemorySpoolFaults faults;
    faults.io_error_one_in = 5;
    faults.no_space_one_in = 30;
    MemorySpool spool(seed, faults);
    TestShard shard;
    std::string trace;
    Random random(7);
    for (int i = 0; i < 200; ++i) {
      auto accept = Accept(&shard, MessageId::Make(WallFromMillis(i), 0, random), "x");
      spool.Submit(accept.get());
      int ticks = 0;
      for (; !accept->answered; ++ticks) {
        spool.Tick();
        shard.inbox()->Drain();
      }
      trace += std::to_string(ticks) + (accept->durable ? "+" : "-");
    }
    return trace;
  };
  EXPECT_EQ(run(11), run(11));
  EXPECT_NE(run(11), run(12));
}

TEST(MemorySpoolTest, ChunksMustBeThereAndInOrder) {
  MemorySpool spool(5);
  TestShard shard;
  MessageId id = NewId(), bad = NewId();
  auto chunk0 = Chunk(&shard, id, 0, "01234");
  auto chunk1 = Chunk(&shard, id, 1, "56789");
  auto accept = AcceptChunks(&shard, id, 10);
  auto short_accept = AcceptChunks(&shard, bad, 10);
  auto early = Chunk(&shard, bad, 1, "x");
  for (CommitRequest* request :
       {static_cast<CommitRequest*>(chunk0.get()), static_cast<CommitRequest*>(chunk1.get()),
        static_cast<CommitRequest*>(accept.get()), static_cast<CommitRequest*>(early.get()),
        static_cast<CommitRequest*>(short_accept.get())}) {
    spool.Submit(request);
  }
  TickUntilIdle(&spool, &shard);
  EXPECT_TRUE(accept->durable.has_value());
  EXPECT_EQ(accept->own_message.envelope.body_chunks, 2u);
  EXPECT_FALSE(early->status.ok());
  EXPECT_FALSE(short_accept->durable.has_value());
}

}  // namespace
}  // namespace ringpost::storage
