#include "storage/sim/memory_spool.h"

#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "storage/durable_mint.h"

namespace ringpost::storage {
namespace {

std::string Gathered(const SliceChain& chain) {
  std::string bytes;
  bytes.reserve(chain.size());
  for (const Slice& slice : chain.slices()) bytes.append(slice.view());
  return bytes;
}

bool TakesSpace(const CommitRequest& request) {
  return request.kind == CommitRequest::Kind::kAccept ||
         request.kind == CommitRequest::Kind::kChunk;
}

uint64_t SizeOf(const std::vector<std::string>& chunks) {
  uint64_t size = 0;
  for (const std::string& chunk : chunks) size += chunk.size();
  return size;
}

}  // namespace

MemorySpool::MemorySpool(uint64_t seed, MemorySpoolFaults faults) : random_(seed), faults_(faults) {
  RP_CHECK(faults_.delay_ticks_max > 0);
}

void MemorySpool::Submit(CommitRequest* request) {
  // In order: an answer never overtakes an earlier one.
  uint64_t due = DrawDue();
  if (!commits_.empty()) due = std::max(due, commits_.back().due);
  commits_.push_back({request, due});
}

void MemorySpool::Read(ReadRequest* request) {
  uint64_t due = DrawDue();
  if (!reads_.empty()) due = std::max(due, reads_.back().due);
  reads_.push_back({request, due});
}

void MemorySpool::StartScan(std::vector<ScanTarget> targets) {
  std::vector<std::vector<ScannedMessage>> pages(targets.size());
  auto post = [&](size_t shard, bool last) {
    uint64_t due = DrawDue();
    if (!scan_.empty()) due = std::max(due, scan_.back().due);
    scan_.push_back({targets[shard], std::move(pages[shard]), last, due});
    pages[shard].clear();
  };
  for (const auto& [id, message] : disk_.messages) {
    if (message.opening == opening_) continue;
    size_t shard = id.HomeOf(static_cast<uint32_t>(targets.size()));
    ScannedMessage& scanned = pages[shard].emplace_back();
    scanned.id = id;
    scanned.envelope = message.envelope;
    scanned.envelope.trace.clear();
    scanned.recipients = message.recipients;
    if (pages[shard].size() == limits::kScanPageMessagesMax) post(shard, false);
  }
  for (size_t shard = 0; shard < targets.size(); ++shard) post(shard, true);
}

SpoolHealth MemorySpool::health() const {
  SpoolHealth health;
  health.accepting = accepting();
  if (failed_ticks_ > 0) health.reason = "simulated EIO";
  if (no_space_ticks_ > 0) health.reason = "simulated lack of space";
  if (stall_noticed()) health.reason = "simulated stall";
  health.messages = disk_.messages.size();
  health.backlog_requests = commits_.size();
  return health;
}

void MemorySpool::Tick() {
  ++tick_;
  if (failed_ticks_ > 0) {
    --failed_ticks_;
    if (failed_ticks_ == 0) Reopen();
  }
  if (no_space_ticks_ > 0) --no_space_ticks_;
  if (faults_.no_space_one_in != 0 && random_.OneIn(faults_.no_space_one_in)) {
    no_space_ticks_ = faults_.no_space_lasts_ticks;
  }
  while (!unsynced_.empty() && unsynced_.front().first + faults_.early_answer_ticks <= tick_) {
    unsynced_.pop_front();
  }
  if (stalled_ticks_ > 0) {
    --stalled_ticks_;
    return;
  }
  if (faults_.stall_one_in != 0 && random_.OneIn(faults_.stall_one_in)) {
    stalled_ticks_ = faults_.stall_lasts_ticks;
    return;
  }
  CommitDue();
  ServeDue();
}

void MemorySpool::ServeDue() {
  while (!reads_.empty() && reads_.front().due <= tick_) {
    ReadRequest* request = reads_.front().request;
    reads_.pop_front();
    Serve(request);
    request->reply_to->Post(request);
  }
  while (!scan_.empty() && scan_.front().due <= tick_) {
    DuePage& due = scan_.front();
    ScanPage* page = due.target.make_page(due.target.context);
    page->messages = std::move(due.messages);
    page->last = due.last;
    due.target.inbox->Post(page);
    scan_.pop_front();
  }
}

void MemorySpool::CommitDue() {
  std::vector<CommitRequest*> group;
  while (!commits_.empty() && commits_.front().due <= tick_) {
    group.push_back(commits_.front().request);
    commits_.pop_front();
  }
  if (group.empty()) return;
  bool fails = failed_ticks_ > 0 || fail_next_ ||
               (faults_.io_error_one_in != 0 && random_.OneIn(faults_.io_error_one_in));
  fail_next_ = false;
  if (fails) {
    FailGroup(group);
  } else {
    for (CommitRequest* request : group) {
      request->status = OkStatus();
      if (TakesSpace(*request) && no_space_ticks_ > 0) {
        request->status = MakeStatus(StatusCode::kResourceExhausted, "simulated lack of space");
        continue;
      }
      Apply(request);
    }
    for (CommitRequest* request : group) {
      if (request->kind == CommitRequest::Kind::kAccept && request->status.ok()) {
        request->durable = DurableMint::Make(request->message->id);
        if (faults_.early_answer_ticks > 0) unsynced_.emplace_back(tick_, request->message->id);
      }
    }
  }
  for (CommitRequest* request : group) request->reply_to->Post(request);
}

void MemorySpool::FailGroup(const std::vector<CommitRequest*>& group) {
  // A group that fails while the spool is down writes nothing; the one that brings it down may
  // have.
  bool first = failed_ticks_ == 0;
  bool written = first && random_.Below(100) < faults_.failed_but_written_percent;
  for (CommitRequest* request : group) {
    if (written) Apply(request);
    if (written && request->message && disk_.messages.contains(request->message->id)) {
      suspects_.push_back(request->message->id);
    }
    if (request->kind == CommitRequest::Kind::kDiscard) disk_.streams.erase(request->id);
    request->status = MakeStatus(StatusCode::kUnavailable, "simulated EIO");
  }
  if (!first) return;
  disk_.streams.clear();  // chunks written before a failed sync may be gone
  suspects_total_ += suspects_.size();
  failed_ticks_ = faults_.io_error_lasts_ticks;
}

void MemorySpool::Reopen() {
  for (const MessageId& id : suspects_) disk_.messages.erase(id);
  suspects_.clear();
}

void MemorySpool::Crash() {
  if (faults_.crash_keeps_some && failed_ticks_ == 0 && !commits_.empty()) {
    for (size_t left = random_.Below(commits_.size() + 1); left > 0; --left) {
      Apply(commits_.front().request);
      commits_.pop_front();
    }
  }
  for (const auto& [tick, id] : unsynced_) disk_.messages.erase(id);
  unsynced_.clear();
  disk_.streams.clear();  // nobody is left who could end them
  commits_.clear();
  reads_.clear();
  scan_.clear();
  suspects_.clear();
  failed_ticks_ = 0;
  no_space_ticks_ = 0;
  stalled_ticks_ = 0;
  ++opening_;
}

void MemorySpool::Restart() {
  RP_CHECK(idle());
  ++opening_;
}

void MemorySpool::ForEach(const LookFn& look) const {
  for (const auto& [id, message] : disk_.messages) look(message.envelope, message.recipients);
}

void MemorySpool::Apply(CommitRequest* request) {
  if (request->kind == CommitRequest::Kind::kChunk) return ApplyChunk(request);
  if (request->kind == CommitRequest::Kind::kDiscard) {
    disk_.streams.erase(request->id);
    return;
  }
  if (request->message) ApplyAccept(request->message, &request->status);
  if (request->kind == CommitRequest::Kind::kOutcome) ApplyOutcome(request);
  if (!request->status.ok()) return;
  disk_.events.insert(disk_.events.end(), request->events.begin(), request->events.end());
}

void MemorySpool::ApplyAccept(NewMessage* message, Status* status) {
  Message stored;
  if (message->body_in_chunks) {
    auto stream = disk_.streams.find(message->id);
    if (stream == disk_.streams.end() || SizeOf(stream->second) != message->envelope.body_bytes) {
      disk_.streams.erase(message->id);
      *status = MakeStatus(StatusCode::kFailedPrecondition,
                           "the chunks in the store do not add up to the body");
      return;
    }
    stored.chunks = std::move(stream->second);
    disk_.streams.erase(stream);
  } else {
    std::string body = Gathered(message->body);
    for (size_t at = 0; at < body.size(); at += limits::kBodyChunkBytesMax) {
      stored.chunks.push_back(body.substr(at, limits::kBodyChunkBytesMax));
    }
    message->envelope.body_bytes = body.size();
  }
  message->envelope.body_chunks = static_cast<uint32_t>(stored.chunks.size());
  stored.envelope = message->envelope;
  stored.recipients.resize(stored.envelope.recipients.size());
  stored.opening = opening_;
  RP_CHECK(!disk_.messages.contains(message->id));
  disk_.messages.emplace(message->id, std::move(stored));
}

void MemorySpool::ApplyChunk(CommitRequest* request) {
  if (request->chunk_index == 0) disk_.streams[request->id];
  auto stream = disk_.streams.find(request->id);
  if (stream == disk_.streams.end() || stream->second.size() != request->chunk_index ||
      request->chunk.empty() || request->chunk.size() > limits::kBodyChunkBytesMax) {
    request->status =
        MakeStatus(StatusCode::kFailedPrecondition, "a chunk out of order, empty or too large");
    return;
  }
  stream->second.push_back(Gathered(request->chunk));
}

void MemorySpool::ApplyOutcome(CommitRequest* request) {
  if (request->complete) {
    if (request->origin) disk_.origins[request->id] = OriginOf(*request->origin);
    disk_.messages.erase(request->id);
    return;
  }
  auto found = disk_.messages.find(request->id);
  if (found == disk_.messages.end()) return;  // it completed in a group whose answer was lost
  for (const RecipientUpdate& update : request->updates) {
    RP_CHECK(update.recipient < found->second.recipients.size());
    found->second.recipients[update.recipient] = update.state;
  }
}

void MemorySpool::Serve(ReadRequest* request) {
  if (failed_ticks_ > 0) {
    request->status = MakeStatus(StatusCode::kUnavailable, "simulated EIO");
    return;
  }
  auto found = disk_.messages.find(request->id);
  auto over = disk_.origins.find(request->id);
  if (request->kind == ReadRequest::Kind::kOrigin && over != disk_.origins.end()) {
    request->status = OkStatus();
    request->origin = over->second;
    return;
  }
  if (found == disk_.messages.end()) {
    request->status = MakeStatus(StatusCode::kNotFound, "no such message");
    return;
  }
  request->status = OkStatus();
  const Message& message = found->second;
  if (request->kind == ReadRequest::Kind::kEnvelope) {
    request->envelope = message.envelope;
    request->recipients = message.recipients;
    return;
  }
  if (request->kind == ReadRequest::Kind::kOrigin) {
    request->origin = OriginOf(message.envelope);
    return;
  }
  for (uint32_t i = 0; i < request->chunk_count; ++i) {
    size_t chunk = size_t{request->chunk_first} + i;
    if (chunk >= message.chunks.size()) {
      request->status = MakeStatus(StatusCode::kDataLoss, "no such chunk");
      return;
    }
    request->body.append(message.chunks[chunk]);
  }
}

}  // namespace ringpost::storage
