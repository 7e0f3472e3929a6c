// IdentityService: a thread for the IdentityBook: requests one after the other, and what they
// change handed to every shard before they are answered.
//
//   auto service = IdentityService::Open(store);   // reads all there is: seconds for a million
//   ... shards start with (*service)->directory()
//   (*service)->Start(publish);
//   (*service)->Request(request, uid, done);       // any thread
//   (*service)->Stop();                            // before the shards end
//
// Threads: Request from any; Done and Publish are called on the service's own.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "gateway/app/identity_book.h"

namespace ringpost::app {

class IdentityService {
 public:
  using Done = std::function<void(const identity::Json& answer)>;
  // Hands the directory to every shard, and calls `all_have_it` once, on any thread, when each has
  // it.
  using Publish = std::function<void(const std::shared_ptr<const identity::Directory>& directory,
                                     std::function<void()> all_have_it)>;

  // `store` outlives it.
  static StatusOr<std::unique_ptr<IdentityService>> Open(storage::ControlStore* store);
  ~IdentityService();
  IdentityService(const IdentityService&) = delete;
  IdentityService& operator=(const IdentityService&) = delete;

  // Before Start.
  std::shared_ptr<const identity::Directory> directory() const { return book_->directory(); }
  void Start(Publish publish);
  // `done` is called once: at once and here where too many wait or it has stopped. `uid`: of who
  // asks.
  void Request(IdentityRequest request, uint32_t uid, Done done);
  // What waits is answered that the daemon stops.
  void Stop();

 private:
  struct Item {
    IdentityRequest request;
    uint32_t uid = 0;
    Done done;
  };

  explicit IdentityService(std::unique_ptr<IdentityBook> book) : book_(std::move(book)) {}
  void Run();
  bool TakeOne(Item* item);  // false: it is over
  void HandOut();

  std::unique_ptr<IdentityBook> book_;
  Publish publish_;
  // Held by shards too, which may come back after the end.
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Item> items;
    bool stopping = true;  // until Start
  };
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::thread thread_;
};

}  // namespace ringpost::app
