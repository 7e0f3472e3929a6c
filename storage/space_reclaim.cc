#include "storage/space_reclaim.h"

#include <sys/prctl.h>

#include "gateway/base/limits.h"

namespace ringpost::storage {

void SpaceReclaim::Start() {
  thread_ = std::thread([this] { Run(); });
}

void SpaceReclaim::Stop() {
  stopping_.store(true, std::memory_order_release);
  if (Store::Use use = store_->Open()) use->CancelReclaim();
  waker_.Signal();
  if (thread_.joinable()) thread_.join();
}

void SpaceReclaim::Run() {
  prctl(PR_SET_NAME, "rp-reclaim");
  while (!stopping_.load(std::memory_order_acquire)) {
    if (Wanted()) Reclaim();
    waker_.Wait(Millis(limits::kSpaceReclaimMillis));
  }
}

bool SpaceReclaim::Wanted() const {
  return space_->low() && committer_->failure().empty() &&
         committer_->counters().Get(Counter::kCommitBytes) != seen_bytes_;
}

void SpaceReclaim::Reclaim() {
  uint64_t committed = committer_->counters().Get(Counter::kCommitBytes);
  Store::Use use = store_->Open();
  // A compaction that meets a full disk would break the store.
  if (!use || use->ReclaimNeedsBytes() > space_->free_bytes()) return;
  MonoTime begin = ReadMonoClock();
  uint64_t before = use->FileBytes();
  if (!use->Reclaim().ok()) return;  // cancelled, or broken: that the committer is told
  uint64_t after = use->FileBytes();
  seen_bytes_ = committed;
  LogLine(store_->engine().Now(), "store_space_reclaim")
      .Text("path", store_->engine().options.path)
      .Number("bytes_before", static_cast<int64_t>(before))
      .Number("bytes_after", static_cast<int64_t>(after))
      .Number("took_ms", (ReadMonoClock() - begin).count())
      .To(store_->engine().log());
}

}  // namespace ringpost::storage
