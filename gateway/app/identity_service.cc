#include "gateway/app/identity_service.h"

#include <signal.h>
#include <sys/prctl.h>

#include "gateway/app/control_json.h"
#include "gateway/base/limits.h"

namespace ringpost::app {

StatusOr<std::unique_ptr<IdentityService>> IdentityService::Open(storage::ControlStore* store) {
  auto book = IdentityBook::Open(store);
  if (!book.ok()) return book.status();
  return std::unique_ptr<IdentityService>(new IdentityService(std::move(*book)));
}

IdentityService::~IdentityService() { Stop(); }

void IdentityService::Start(Publish publish) {
  publish_ = std::move(publish);
  shared_->stopping = false;
  thread_ = std::thread([this] { Run(); });
}

void IdentityService::Request(IdentityRequest request, uint32_t uid, Done done) {
  ControlError error;
  {
    std::lock_guard lock(shared_->mutex);
    if (shared_->stopping) {
      error = {"stopping", "the daemon stops", ""};
    } else if (shared_->items.size() >= limits::kIdentityRequestsMax) {
      error = {"busy", "too many requests wait already", "try again in a moment"};
    } else {
      shared_->items.push_back({std::move(request), uid, std::move(done)});
      shared_->changed.notify_all();
      return;
    }
  }
  done(ErrorAnswer(error));
}

void IdentityService::Stop() {
  std::deque<Item> left;
  {
    std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
    left.swap(shared_->items);
  }
  shared_->changed.notify_all();
  if (thread_.joinable()) thread_.join();
  for (Item& item : left) item.done(ErrorAnswer({"stopping", "the daemon stops", ""}));
}

bool IdentityService::TakeOne(Item* item) {
  std::unique_lock lock(shared_->mutex);
  shared_->changed.wait(lock, [this] { return shared_->stopping || !shared_->items.empty(); });
  if (shared_->stopping) return false;
  *item = std::move(shared_->items.front());
  shared_->items.pop_front();
  return true;
}

// Waits for every shard. Where the daemon stops first, what was changed is in the store all the
// same, and the next start has it.
void IdentityService::HandOut() {
  auto handed_out = std::make_shared<bool>(false);
  publish_(book_->directory(), [shared = shared_, handed_out] {
    std::lock_guard lock(shared->mutex);
    *handed_out = true;
    shared->changed.notify_all();
  });
  std::unique_lock lock(shared_->mutex);
  shared_->changed.wait(lock, [&] { return shared_->stopping || *handed_out; });
}

void IdentityService::Run() {
  sigset_t all;
  sigfillset(&all);  // signals are the main thread's
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  prctl(PR_SET_NAME, "rp-identity");
  Item item;
  while (TakeOne(&item)) {
    auto before = book_->directory();
    identity::Json answer = book_->Answer(item.request, item.uid, ReadWallClock());
    if (book_->directory() != before) HandOut();
    before.reset();
    item.done(answer);
    item = Item();
  }
}

}  // namespace ringpost::app
