#include "tests/unit/storage/spool_harness.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <deque>
#include "storage/sim/rocks_spool_testing.h"

namespace ringpost::storage {
namespace {

Random& TestRandom() {
  thread_local Random random(20261124);
  return random;
}

struct CollectedPage : ScanPage {
  struct Collector* collector = nullptr;
};

struct Collector {
  uint32_t shard = 0;
  uint32_t shards = 0;
  std::vector<ScannedMessage>* all = nullptr;
  bool last = false;
  Status status;
};

void Collect(Posted* posted) {
  std::unique_ptr<CollectedPage> page(static_cast<CollectedPage*>(posted));
  page->collector->status = page->status;
  EXPECT_LE(page->messages.size(), limits::kScanPageMessagesMax);
  EXPECT_FALSE(page->collector->last) << "a page after the last one";
  for (ScannedMessage& message : page->messages) {
    EXPECT_EQ(message.id.HomeOf(page->collector->shards), page->collector->shard);
    page->collector->all->push_back(std::move(message));
  }
  page->collector->last = page->last;
}

}  // namespace

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "ringpost-test-XXXXXX").string();
  RP_CHECK(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TestShard::TestShard() {
  static std::mutex mutex;
  static std::deque<State> states;
  std::lock_guard<std::mutex> lock(mutex);
  state_ = &states.emplace_back();
  state_->inbox.SetWake(
      [](void* context) {
        auto* state = static_cast<State*>(context);
        std::lock_guard<std::mutex> waking(state->mutex);
        state->woken.notify_one();
      },
      state_);
}

TestCommit::TestCommit(TestShard* shard, Kind request_kind) {
  kind = request_kind;
  reply_to = shard->inbox();
  run = [](Posted* posted) { static_cast<TestCommit*>(posted)->answered = true; };
}

TestRead::TestRead(TestShard* shard, Kind request_kind, const MessageId& message) {
  kind = request_kind;
  id = message;
  reply_to = shard->inbox();
  run = [](Posted* posted) { static_cast<TestRead*>(posted)->answered = true; };
}

MessageId NewId(int64_t ms_ago) {
  return MessageId::Make(ReadWallClock() - Millis(ms_ago), 0, TestRandom());
}

StoredEnvelope EnvelopeOf(size_t recipients) {
  StoredEnvelope envelope;
  envelope.received = WallFromMillis(1'790'000'000'123);
  envelope.deadline = WallFromMillis(1'790'432'000'123);
  envelope.reverse_path = "sender@example.com";
  for (size_t i = 0; i < recipients; ++i) {
    envelope.recipients.push_back({"user" + std::to_string(i) + "@example.net", "", 0});
  }
  envelope.trace = "Received: from client.example ([192.0.2.1])\r\n by gw.example with ESMTP\r\n";
  envelope.client = "192.0.2.1";
  return envelope;
}

std::string BodyOf(size_t bytes, uint32_t seed) {
  std::string body(bytes, '\0');
  Random random(seed);
  for (char& c : body) c = static_cast<char>('a' + random.Below(26));
  return body;
}

std::unique_ptr<TestCommit> Accept(TestShard* shard, const MessageId& id, std::string_view body,
                                   size_t recipients) {
  auto request = std::make_unique<TestCommit>(shard, CommitRequest::Kind::kAccept);
  request->id = id;
  request->message = &request->own_message;
  request->own_message.id = id;
  request->own_message.envelope = EnvelopeOf(recipients);
  request->own_message.body.Append(Slice::Copy(body));
  return request;
}

std::unique_ptr<TestCommit> Chunk(TestShard* shard, const MessageId& id, uint32_t index,
                                  std::string_view bytes) {
  auto request = std::make_unique<TestCommit>(shard, CommitRequest::Kind::kChunk);
  request->id = id;
  request->chunk_index = index;
  // In two slices, as a chunk from receive buffers is in many.
  request->chunk.Append(Slice::Copy(bytes.substr(0, bytes.size() / 3)));
  request->chunk.Append(Slice::Copy(bytes.substr(bytes.size() / 3)));
  return request;
}

std::unique_ptr<TestCommit> AcceptChunks(TestShard* shard, const MessageId& id,
                                         uint64_t body_bytes) {
  auto request = Accept(shard, id, "");
  request->own_message.body_in_chunks = true;
  request->own_message.envelope.body_bytes = body_bytes;
  return request;
}

std::unique_ptr<TestCommit> Discard(TestShard* shard, const MessageId& id) {
  auto request = std::make_unique<TestCommit>(shard, CommitRequest::Kind::kDiscard);
  request->id = id;
  return request;
}

std::unique_ptr<TestCommit> Complete(TestShard* shard, const MessageId& id, uint32_t body_chunks,
                                     uint32_t recipients_with_rows) {
  auto request = std::make_unique<TestCommit>(shard, CommitRequest::Kind::kOutcome);
  request->id = id;
  request->complete = true;
  request->body_chunks = body_chunks;
  request->recipients_total = recipients_with_rows;
  StoredEvent event;
  event.kind = StoredEvent::Kind::kDelivered;
  event.id = id;
  event.detail = "250 2.0.0 Ok";
  request->events.push_back(event);
  return request;
}

std::unique_ptr<TestCommit> CompleteWithReport(TestShard* shard, const MessageId& id,
                                               const MessageId& report, std::string_view body) {
  auto request = Complete(shard, id, 1);
  request->message = &request->own_message;
  request->own_message.id = report;
  request->own_message.envelope = EnvelopeOf();
  request->own_message.envelope.is_report = true;
  request->own_message.body.Append(Slice::Copy(body));
  return request;
}

std::unique_ptr<TestCommit> Defer(TestShard* shard, const MessageId& id, uint32_t recipient,
                                  uint16_t attempts) {
  auto request = std::make_unique<TestCommit>(shard, CommitRequest::Kind::kOutcome);
  request->id = id;
  RecipientUpdate update;
  update.recipient = recipient;
  update.state.status = RecipientStatus::kDeferred;
  update.state.attempts = attempts;
  update.state.next_attempt = WallFromMillis(1'790'000'060'123);
  request->updates.push_back(update);
  return request;
}

void Commit(Spool* spool, TestShard* shard, CommitRequest* request) {
  auto* test = static_cast<TestCommit*>(request);
  test->answered = false;
  spool->Submit(request);
  ASSERT_TRUE(shard->RunUntil([&] { return test->answered; }));
}

void Store(Spool* spool, TestShard* shard, const MessageId& id, std::string_view body,
           size_t recipients) {
  auto request = Accept(shard, id, body, recipients);
  Commit(spool, shard, request.get());
  ASSERT_TRUE(request->status.ok()) << request->status;
  ASSERT_TRUE(request->durable.has_value());
  EXPECT_EQ(request->durable->id(), id);
}

namespace {

std::unique_ptr<TestRead> ReadOf(Spool* spool, TestShard* shard, ReadRequest::Kind kind,
                                 const MessageId& id) {
  auto request = std::make_unique<TestRead>(shard, kind, id);
  spool->Read(request.get());
  EXPECT_TRUE(shard->RunUntil([&] { return request->answered; }));
  return request;
}

}  // namespace

std::unique_ptr<TestRead> ReadEnvelope(Spool* spool, TestShard* shard, const MessageId& id) {
  return ReadOf(spool, shard, ReadRequest::Kind::kEnvelope, id);
}

std::unique_ptr<TestRead> ReadOrigin(Spool* spool, TestShard* shard, const MessageId& id) {
  return ReadOf(spool, shard, ReadRequest::Kind::kOrigin, id);
}

std::unique_ptr<TestRead> ReadBody(Spool* spool, TestShard* shard, const MessageId& id,
                                   uint32_t chunks, uint32_t first) {
  auto request = std::make_unique<TestRead>(shard, ReadRequest::Kind::kBody, id);
  request->chunk_first = first;
  request->chunk_count = chunks;
  spool->Read(request.get());
  EXPECT_TRUE(shard->RunUntil([&] { return request->answered; }));
  return request;
}

std::vector<ScannedMessage> ScanAll(Spool* spool, uint32_t shards, Status* status) {
  TestShard shard;
  std::vector<ScannedMessage> all;
  std::vector<Collector> collectors(shards);
  std::vector<ScanTarget> targets;
  for (uint32_t i = 0; i < shards; ++i) {
    collectors[i] = {i, shards, &all, false, OkStatus()};
    targets.push_back({shard.inbox(),
                       [](void* context) -> ScanPage* {
                         auto* page = new CollectedPage;
                         page->collector = static_cast<Collector*>(context);
                         page->run = Collect;
                         return page;
                       },
                       &collectors[i]});
  }
  spool->StartScan(targets);
  EXPECT_TRUE(shard.RunUntil([&] {
    return std::all_of(collectors.begin(), collectors.end(),
                       [](const Collector& collector) { return collector.last; });
  }));
  if (status) *status = collectors[0].status;
  for (const Collector& collector : collectors) {
    EXPECT_TRUE(status || collector.status.ok()) << collector.status;
  }
  std::sort(all.begin(), all.end(),
            [](const ScannedMessage& a, const ScannedMessage& b) { return a.id < b.id; });
  return all;
}

void TurnEpoch(RocksSpool* spool, std::atomic<int64_t>* ahead, Seconds epoch) {
  uint32_t before = RocksSpoolTesting::CurrentEpoch(spool);
  *ahead += Millis(epoch).count();
  ASSERT_TRUE(WaitUntil([&] {
    return RocksSpoolTesting::CurrentEpoch(spool) == before + 1 &&
           RocksSpoolTesting::OutlivedEpochs(spool) == 0;
  }));
}

}  // namespace ringpost::storage
