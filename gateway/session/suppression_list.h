// SuppressionList: a region's suppressions: the table that shards look into, the store that keeps
// them, and the two threads between.
//
//   auto list = SuppressionList::Open(region_store + "/suppressions", log);  // reads all there is
//   context.suppressed = &(*list)->table();                                  // at every RCPT
//   context.suppression_intake = list->get();
//   (*list)->Stop();                                   // when nobody hands anything in any more
//
// Open reads the store before mail is taken, so there is never a time in which a suppressed address
// passes, nor one in which a recipient has to be put off: clients that connect meanwhile wait in
// the listener's backlog. A store that cannot be read keeps the daemon from starting, as the
// accounts' does.
//
// The table's thread ("rp-suppress") applies what comes in to the table, in its order, within
// microseconds; the store's thread ("rp-suppress-db") writes it behind that, much at once. So a
// slow disk delays no refusal. A write that fails is tried again every second; an operator's change
// is answered instead that it failed.
//
// Threads: Open and Stop the owner's; the others any, and Get and ForEach wait for the disk.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gateway/base/inbox.h"
#include "gateway/base/log.h"
#include "gateway/base/status.h"
#include "gateway/identity/suppression_table.h"
#include "gateway/session/suppression_intake.h"
#include "gateway/session/suppression_store.h"

namespace ringpost::session {

class SuppressionList final : public SuppressionIntake {
 public:
  // `log`: the region's; outlives it.
  static StatusOr<std::unique_ptr<SuppressionList>> Open(const std::string& path, Log* log);
  ~SuppressionList() override;  // Stop
  SuppressionList(const SuppressionList&) = delete;
  SuppressionList& operator=(const SuppressionList&) = delete;

  const identity::SuppressionTable& table() const { return table_; }
  bool Add(identity::Suppression suppression) override;

  // What came of each change of a request.
  enum class Outcome : uint8_t {
    kAdded,
    kChanged,    // it was there for a weaker reason
    kUnchanged,  // it was there, or, to be removed, it was not
    kRemoved,
    kFull,  // the list has as many as it can have
  };
  // An operator's. `done` is called once, when all of it is on disk, on the store's thread, or here
  // where too much waits or it has stopped: RESOURCE_EXHAUSTED, UNAVAILABLE. Any other error: the
  // store's; the list in memory has the changes, and the next start will not.
  using Done = std::function<void(const Status& status, const std::vector<Outcome>& outcomes)>;
  void Change(std::vector<SuppressionStore::Change> changes, Done done);
  // What Change would come to now.
  std::vector<Outcome> Try(const std::vector<SuppressionStore::Change>& changes) const;

  StatusOr<std::optional<identity::Suppression>> Get(uint32_t account, std::string_view key) {
    return store_->Get(account, key);
  }
  Status ForEach(uint32_t account, std::string_view after, const SuppressionStore::EachFn& each) {
    return store_->ForEach(account, after, each);
  }

  // Writes what is left, once more, and ends the threads.
  void Stop();

 private:
  // What is on its way: one suppression, or an operator's changes.
  struct Item : Posted {
    std::vector<SuppressionStore::Change> changes;
    std::vector<Outcome> outcomes;
    Done done;  // null: of the intake
  };
  using Items = std::deque<std::unique_ptr<Item>>;

  SuppressionList(std::unique_ptr<SuppressionStore> store, Log* log);
  void Post(std::unique_ptr<Item> item);
  void Wake();
  void CountDropped();

  // The table's thread.
  void ApplyAll();
  void Apply(Item* item);
  void Tell(const identity::Suppression& suppression);
  void SayDropped(bool now);
  // The store's thread.
  void WriteAll();
  Status WriteSome(const Items& items);
  // Those of the intake wait for the next try; the others are answered.
  void Failed(const Status& status, Items* items, bool last);
  void Finish(Items* items);

  std::unique_ptr<SuppressionStore> store_;
  Log* log_;
  identity::SuppressionTable table_;

  Inbox inbox_;
  std::atomic<uint32_t> signal_{0};    // another number: there is something to do
  std::atomic<size_t> waiting_{0};     // the intake's, not on disk yet
  std::atomic<size_t> requests_{0};    // operators', likewise
  std::atomic<uint64_t> dropped_{0};   // that the log has not been told of
  std::atomic<bool> stopping_{false};  // nothing more is taken
  std::atomic<bool> ending_{false};    // the table's thread ends when all is applied
  MonoTime dropped_told_;

  std::mutex mutex_;
  std::condition_variable changed_;
  Items applied_;         // not on disk yet
  bool applying_ = true;  // more may come
  std::thread table_thread_, store_thread_;
};

}  // namespace ringpost::session
