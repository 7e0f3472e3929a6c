// IdentityService: a thread for the IdentityBook, the DomainBook and the LinkBook: requests one
// after the other, and what they change handed to every shard before they are answered.
//
//   auto service = IdentityService::Open(store, options);  // reads all there is: seconds for a
//   ... shards start with (*service)->view()               // million
//   (*service)->Start(publish);
//   (*service)->Request(request, uid, done);               // any thread
//   (*service)->Stop();                                    // before the shards end
//
// Threads: Request and Run from any; Done and Publish are called on the service's own.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "gateway/app/domain_book.h"
#include "gateway/app/identity_book.h"
#include "gateway/app/identity_view.h"
#include "gateway/app/link_book.h"

namespace ringpost::app {

struct FoundAccount {
  uint32_t id = 0;
  std::string region;  // empty: the nearest
};

class IdentityService {
 public:
  using Done = std::function<void(const identity::Json& answer)>;
  // Hands it to every shard, and calls `all_have_it` once, on any thread, when each has it.
  using Publish = std::function<void(const IdentityView& view, std::function<void()> all_have_it)>;

  // `store` outlives it.
  static StatusOr<std::unique_ptr<IdentityService>> Open(storage::ControlStore* store,
                                                         DomainOptions domains);
  ~IdentityService();
  IdentityService(const IdentityService&) = delete;
  IdentityService& operator=(const IdentityService&) = delete;

  // Before Start.
  IdentityView view() const {
    return {book_->directory(), domains_->domains(), domains_->keys(), domains_->return_paths()};
  }
  void OnUnblocked(std::function<void(uint32_t credential)> call) {
    book_->OnUnblocked(std::move(call));
  }
  void ShowUses(const IdentityBook::Uses& uses) { book_->ShowUses(uses); }
  void SetLinkOptions(LinkOptions options) { links_->SetOptions(std::move(options)); }
  void Start(Publish publish);
  // `done` is called once: at once and here where too many wait or it has stopped. `uid`: of who
  // asks.
  void Request(IdentityRequest request, uint32_t uid, Done done);
  void Request(DomainRequest request, uint32_t uid, Done done);
  void Request(LinkRequest request, uint32_t uid, Done done);
  // `found` is called once, as a `done`; without an account, `answer` is the error.
  void FindAccount(
      std::string name,
      std::function<void(const std::optional<FoundAccount>& account, const identity::Json& answer)>
          found);
  // Looks at a link, or confirms it; `client`: who asks. Where too many wait, or it has stopped,
  // that nobody can say now.
  void Ask(http::LinkQuestion question, std::string client, http::SenderLinks::Done done);
  // Waits until `work` was done, and what it changed is with every shard. False: the service stops,
  // and it was not done. Not on the service's own thread.
  bool Run(const std::function<void(DomainBook*)>& work);
  // IdentityBook::Brake, and waits until every shard knows. Not OK: it was not done. Not on the
  // service's own thread.
  StatusOr<std::optional<BrakedCredential>> Brake(uint32_t credential, const std::string& why);
  // What waits is answered that the daemon stops.
  void Stop();

 private:
  struct Item {
    std::function<identity::Json()> work;
    Done done;
  };

  IdentityService(std::unique_ptr<IdentityBook> book, std::unique_ptr<DomainBook> domains,
                  std::unique_ptr<LinkBook> links)
      : book_(std::move(book)), domains_(std::move(domains)), links_(std::move(links)) {}
  void Main();
  void Submit(Item item);
  bool TakeOne(Item* item);  // false: it is over
  void HandOut();

  std::unique_ptr<IdentityBook> book_;
  std::unique_ptr<DomainBook> domains_;
  std::unique_ptr<LinkBook> links_;
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
