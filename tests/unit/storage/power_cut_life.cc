#include "tests/unit/storage/power_cut_life.h"

#include <gtest/gtest.h>

#include <vector>

namespace ringpost::storage {
namespace {

constexpr size_t kRecipients = 3;
constexpr uint32_t kStreamChunks = 3;
constexpr size_t kStreamChunkBytes = 1000;  // the last takes the rest

}  // namespace

PowerCutLife::PowerCutLife(const PowerCutPlan& plan)
    : plan_(plan), disk_(std::make_shared<SyncDroppingFileSystem>(plan.seed)), random_(plan.seed) {}

std::unique_ptr<RocksSpool> PowerCutLife::Open() {
  SpoolOptions options;
  options.path = dir_.path() + "/spool";
  options.memtable_bytes = 64 * limits::kKiB;  // so that flushes fall into the rounds
  options.free_space_floor_bytes = 1;
  options.clock = [this] { return ReadWallClock() + Millis(ahead_.load()); };
  auto spool = RocksSpoolTesting::Open(options, {disk_, plan_.sync});
  refusal_ = spool.ok() ? "" : std::string(MessageOf(spool.status()));
  return spool.ok() ? *std::move(spool) : nullptr;
}

void PowerCutLife::Work(RocksSpool* spool, int messages) {
  for (int i = 0; i < messages && !disk_->power_is_off(); ++i) {
    TakeIn(spool, i);
    if (i % 4 == 1) BeginAndGiveUp(spool);
    if (i % 2 == 1) DeferOne(spool);
    if (i % 3 == 2) CompleteOne(spool);
    if (plan_.turn_keys && i % 4 == 3) TurnKeys(spool);
  }
}

void PowerCutLife::LosePower(std::unique_ptr<RocksSpool>* spool) {
  disk_->PowerOff();
  spool->reset();
  ASSERT_TRUE(disk_->PowerOn().ok());
}

void PowerCutLife::Die(std::unique_ptr<RocksSpool>* spool) {
  disk_->PowerOff();  // so that it cannot close in order
  spool->reset();
  disk_->ProgramDied();
}

size_t PowerCutLife::durable() const {
  size_t count = 0;
  for (const auto& [id, message] : messages_) count += message.durable;
  return count;
}

void PowerCutLife::TakeIn(RocksSpool* spool, int number) {
  MessageId id = NewId();
  Message& message = messages_[id];
  message.body = BodyOf(10'000 + static_cast<size_t>(random_.Below(2000)), random_.Below(1000));
  std::vector<std::unique_ptr<TestCommit>> chunks;
  std::unique_ptr<TestCommit> accept;
  if (number % 5 == 4) {
    message.chunks = kStreamChunks;
    for (uint32_t c = 0; c < kStreamChunks; ++c) {
      size_t bytes = c + 1 < kStreamChunks ? kStreamChunkBytes : std::string::npos;
      chunks.push_back(Chunk(&shard_, id, c,
                             std::string_view(message.body).substr(c * kStreamChunkBytes, bytes)));
      spool->Submit(chunks.back().get());
    }
    accept = AcceptChunks(&shard_, id, message.body.size());
  } else {
    accept = Accept(&shard_, id, message.body, kRecipients);
  }
  Commit(spool, &shard_, accept.get());
  message.durable = accept->durable.has_value();
  if (!message.durable) WaitUntilAccepting(spool);
}

// A client that goes away in the middle of its message; and one of which nothing more is heard.
void PowerCutLife::BeginAndGiveUp(RocksSpool* spool) {
  MessageId discarded = NewId(), open = NewId();
  auto first = Chunk(&shard_, discarded, 0, "the beginning");
  auto discard = Discard(&shard_, discarded);
  auto second = Chunk(&shard_, open, 0, "the beginning");
  spool->Submit(first.get());
  spool->Submit(discard.get());
  Commit(spool, &shard_, second.get());
}

void PowerCutLife::DeferOne(RocksSpool* spool) {
  MessageId* id = PickWaiting();
  if (!id) return;
  Message& message = messages_[*id];
  message.attempts_tried++;
  auto defer = Defer(&shard_, *id, 0, message.attempts_tried);
  Commit(spool, &shard_, defer.get());
  if (defer->status.ok()) {
    message.attempts = message.attempts_tried;
  } else {
    WaitUntilAccepting(spool);
  }
}

void PowerCutLife::CompleteOne(RocksSpool* spool) {
  MessageId* id = PickWaiting();
  if (!id) return;
  Message& message = messages_[*id];
  auto complete = Complete(&shard_, *id, message.chunks, kRecipients);
  MessageId report = NewId();
  if (random_.OneIn(2)) {
    complete->message = &complete->own_message;
    complete->own_message.id = report;
    complete->own_message.envelope = EnvelopeOf(kRecipients);
    complete->own_message.body.Append(Slice::Copy("it could not be delivered"));
    message.report = report;
    messages_[report].body = "it could not be delivered";
  }
  message.settled = Settled::kPerhaps;
  // As a shard does: what happened stays in hand until it is on the disk.
  while (!disk_->power_is_off() && message.settled != Settled::kYes) {
    Commit(spool, &shard_, complete.get());
    if (complete->status.ok()) message.settled = Settled::kYes;
    WaitUntilAccepting(spool);
  }
  if (message.report) messages_[report].durable = message.settled == Settled::kYes;
}

void PowerCutLife::TurnKeys(RocksSpool* spool) {
  uint32_t before = RocksSpoolTesting::CurrentEpoch(spool);
  ahead_ += int64_t{limits::kKeyEpochSeconds} * 1000;
  WaitUntil([&] {
    return disk_->power_is_off() || (RocksSpoolTesting::CurrentEpoch(spool) > before &&
                                     RocksSpoolTesting::OutlivedEpochs(spool) == 0);
  });
}

void PowerCutLife::WaitUntilAccepting(RocksSpool* spool) {
  while (!spool->accepting() && !disk_->power_is_off()) std::this_thread::sleep_for(Millis(5));
}

// Any that is known to wait.
MessageId* PowerCutLife::PickWaiting() {
  std::vector<MessageId> waiting;
  for (const auto& [id, message] : messages_) {
    if (message.durable && message.settled == Settled::kNo) waiting.push_back(id);
  }
  if (waiting.empty()) return nullptr;
  picked_ = waiting[random_.Below(waiting.size())];
  return &picked_;
}

std::string PowerCutLife::Verify() {
  std::unique_ptr<RocksSpool> spool = Open();
  if (!spool) return "the store did not open: " + refusal_;
  std::map<MessageId, ScannedMessage> found;
  for (ScannedMessage& message : ScanAll(spool.get())) found[message.id] = std::move(message);
  uint64_t chunks = 0;
  for (const auto& [id, message] : found) {
    std::string wrong = VerifyFound(spool.get(), message);
    if (!wrong.empty()) return wrong + ": " + id.ToString();
    chunks += messages_[id].chunks;
  }
  for (const auto& [id, message] : messages_) {
    std::string wrong = VerifyGone(id, message, found);
    if (!wrong.empty()) return wrong + ": " + id.ToString();
  }
  // What streamed and never came to its end is swept by the store's own thread.
  if (!WaitUntil([&] { return RocksSpoolTesting::CountRows(spool.get(), "body") == chunks; })) {
    return "chunks are left of what is not there";
  }
  MessageId id = NewId();
  messages_[id].body = "more";
  auto accept = Accept(&shard_, id, "more");
  Commit(spool.get(), &shard_, accept.get());
  messages_[id].durable = accept->durable.has_value();
  return messages_[id].durable ? "" : "it takes no mail any more";
}

std::string PowerCutLife::VerifyFound(RocksSpool* spool, const ScannedMessage& found) {
  auto known = messages_.find(found.id);
  if (known == messages_.end()) return "a message that nobody sent is there";
  const Message& message = known->second;
  if (message.settled == Settled::kYes) return "a completed message is back";
  uint16_t attempts = found.recipients.at(0).attempts;
  if (attempts < message.attempts || attempts > message.attempts_tried) {
    return "an attempt is forgotten or made up";
  }
  auto body = ReadBody(spool, &shard_, found.id, found.envelope.body_chunks);
  if (!body->status.ok())
    return "a body does not open (" + std::string(MessageOf(body->status)) + ")";
  return body->body == message.body ? "" : "a body is damaged";
}

std::string PowerCutLife::VerifyGone(const MessageId& id, const Message& message,
                                     const std::map<MessageId, ScannedMessage>& found) {
  bool here = found.contains(id);
  if (!here && message.durable && message.settled == Settled::kNo) {
    return "an acknowledged message is lost";
  }
  if (!message.report || messages_[*message.report].settled != Settled::kNo) return "";
  if (here == found.contains(*message.report)) return "a completion and its report came apart";
  return "";
}

}  // namespace ringpost::storage
