#include "gateway/app/identity_service.h"

#include <signal.h>
#include <sys/prctl.h>

#include <future>

#include "gateway/app/control_json.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::app {

StatusOr<std::unique_ptr<IdentityService>> IdentityService::Open(storage::ControlStore* store,
                                                                 DomainOptions options) {
  auto book = IdentityBook::Open(store);
  if (!book.ok()) return book.status();
  auto domains = DomainBook::Open(store, book->get(), std::move(options));
  if (!domains.ok()) return domains.status();
  auto links = std::make_unique<LinkBook>(store, book->get());
  return std::unique_ptr<IdentityService>(
      new IdentityService(std::move(*book), std::move(*domains), std::move(links)));
}

IdentityService::~IdentityService() { Stop(); }

void IdentityService::Start(Publish publish) {
  publish_ = std::move(publish);
  shared_->stopping = false;
  thread_ = std::thread([this] { Main(); });
}

void IdentityService::Request(IdentityRequest request, uint32_t uid, Done done) {
  auto held = std::make_shared<IdentityRequest>(std::move(request));
  Submit(
      {[this, held, uid] { return book_->Answer(*held, uid, ReadWallClock()); }, std::move(done)});
}

void IdentityService::Request(DomainRequest request, uint32_t uid, Done done) {
  Submit({[this, request = std::move(request), uid] {
            return domains_->Answer(request, uid, ReadWallClock());
          },
          std::move(done)});
}

void IdentityService::Request(LinkRequest request, uint32_t uid, Done done) {
  Submit({[this, request = std::move(request), uid] {
            return links_->Answer(request, uid, ReadWallClock());
          },
          std::move(done)});
}

void IdentityService::FindAccount(
    std::string name,
    std::function<void(const std::optional<FoundAccount>& account, const identity::Json& answer)>
        found) {
  auto account = std::make_shared<std::optional<FoundAccount>>();
  auto work = [this, account, name = std::move(name)] {
    auto id = book_->AccountNamed(name);
    if (!id) {
      return ErrorAnswer({"not_found", "there is no account \"" + Printable(name, 64) + "\"", ""});
    }
    std::shared_ptr<const identity::Directory> directory = book_->directory();
    const identity::Account* owner = directory->FindAccount(*id);
    *account = FoundAccount{*id, owner ? owner->region : ""};
    return OkAnswer();
  };
  Submit({std::move(work), [account, found = std::move(found)](const identity::Json& answer) {
            found(*account, answer);
          }});
}

void IdentityService::Ask(http::LinkQuestion question, std::string client,
                          http::SenderLinks::Done done) {
  auto facts = std::make_shared<http::LinkFacts>();
  auto work = [this, facts, question = std::move(question), client = std::move(client)] {
    WallTime now = ReadWallClock();
    *facts = question.confirm ? links_->Confirm(question.token, client, now)
                              : links_->Look(question.token, now);
    return identity::Json();
  };
  Submit({std::move(work),
          [facts, done = std::move(done)](const identity::Json&) { done(std::move(*facts)); }});
}

bool IdentityService::Run(const std::function<void(DomainBook*)>& work) {
  std::promise<bool> ended;
  bool done = false;
  Submit({[&] {
            work(domains_.get());
            done = true;
            return identity::Json();
          },
          [&](const identity::Json&) { ended.set_value(done); }});
  return ended.get_future().get();
}

StatusOr<std::optional<BrakedCredential>> IdentityService::Brake(uint32_t credential,
                                                                 const std::string& why) {
  StatusOr<std::optional<BrakedCredential>> braked =
      MakeStatus(StatusCode::kUnavailable, "the daemon stops, or has too much to do");
  std::promise<void> ended;
  Submit({[&] {
            braked = book_->Brake(credential, why, ReadWallClock());
            return identity::Json();
          },
          [&](const identity::Json&) { ended.set_value(); }});
  ended.get_future().wait();
  return braked;
}

void IdentityService::Submit(Item item) {
  ControlError error;
  {
    std::lock_guard lock(shared_->mutex);
    if (shared_->stopping) {
      error = {"stopping", "the daemon stops", ""};
    } else if (shared_->items.size() >= limits::kIdentityRequestsMax) {
      error = {"busy", "too many requests wait already", "try again in a moment"};
    } else {
      shared_->items.push_back(std::move(item));
      shared_->changed.notify_all();
      return;
    }
  }
  item.done(ErrorAnswer(error));
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
  publish_(view(), [shared = shared_, handed_out] {
    std::lock_guard lock(shared->mutex);
    *handed_out = true;
    shared->changed.notify_all();
  });
  std::unique_lock lock(shared_->mutex);
  shared_->changed.wait(lock, [&] { return shared_->stopping || *handed_out; });
}

void IdentityService::Main() {
  sigset_t all;
  sigfillset(&all);  // signals are the main thread's
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  prctl(PR_SET_NAME, "rp-identity");
  Item item;
  while (TakeOne(&item)) {
    IdentityView before = view();
    identity::Json answer = item.work();
    if (view() != before) HandOut();
    before = IdentityView();
    item.done(answer);
    item = Item();
  }
}

}  // namespace ringpost::app
