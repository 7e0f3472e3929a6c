#include "gateway/session/mail_lookup.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "gateway/base/check.h"
#include "gateway/base/time.h"
#include "gateway/delivery/target_addresses.h"
#include "gateway/dns/async_resolver.h"
#include "gateway/dns/dns_limits.h"
#include "gateway/dns/name.h"
#include "gateway/session/host_addresses.h"

namespace ringpost::session {
namespace {

using dns::Answer;
using dns::Question;
using dns::RecordType;

enum class Kind : uint8_t { kExchangers, kAddresses };

// All requests for one thing. It waits for room, is in work, and goes when it is answered; while it
// waits it goes with the last of its requests too.
struct Flight {
  Kind kind = Kind::kExchangers;
  std::string name;             // canonical
  std::vector<Posted*> askers;  // of its kind; in work there may be none any more
  bool in_work = false;
  std::list<Flight*>::iterator place;  // among those that wait
  MonoTime due;                        // it waits for no longer
  std::vector<Answer> answers;         // in work: the thread's alone

  std::vector<Question> Questions() const {
    if (kind == Kind::kExchangers) return {{name, RecordType::kMx}};
    return {{name, RecordType::kAaaa}, {name, RecordType::kA}};
  }
  const Answer& Of(RecordType type) const {
    auto found = std::find_if(answers.begin(), answers.end(),
                              [&](const Answer& one) { return one.question.type == type; });
    RP_CHECK(found != answers.end());
    return *found;
  }
};
size_t QuestionsOf(Kind kind) { return kind == Kind::kExchangers ? 1 : 2; }

class WakeFd {
 public:
  WakeFd() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~WakeFd() {
    if (fd_ >= 0) ::close(fd_);
  }
  WakeFd(const WakeFd&) = delete;
  WakeFd& operator=(const WakeFd&) = delete;

  int fd() const { return fd_; }
  void Set() {
    uint64_t one = 1;
    (void)!::write(fd_, &one, sizeof one);  // full: it is set
  }
  void Clear() {
    uint64_t count = 0;
    (void)!::read(fd_, &count, sizeof count);
  }

 private:
  int fd_;
};

class DnsMailLookup final : public MailLookup {
 public:
  DnsMailLookup(const MailLookupOptions& options, std::unique_ptr<dns::AsyncResolver> resolver)
      : own_names_(options.own_names),
        targets_(options.allowed_targets),
        ask_millis_(options.resolver.ask_millis),
        resolver_(std::move(resolver)) {}
  ~DnsMailLookup() override;

  bool Begin() {
    if (wake_.fd() < 0) return false;
    thread_ = std::thread([this] { Run(); });
    return true;
  }

  void FindExchangers(ExchangersRequest* request) override {
    Add(Kind::kExchangers, request->domain, request);
  }
  bool CancelExchangers(ExchangersRequest* request) override {
    return Remove(Kind::kExchangers, request->domain, request);
  }
  void Resolve(HostRequest* request) override { Add(Kind::kAddresses, request->host, request); }
  bool Cancel(HostRequest* request) override {
    return Remove(Kind::kAddresses, request->host, request);
  }

 private:
  using Key = std::pair<Kind, std::string>;

  void Add(Kind kind, std::string_view name, Posted* asker);
  bool Remove(Kind kind, std::string_view name, Posted* asker);

  // The thread's.
  void Run();
  bool StartWaiting();
  std::vector<Flight*> TakeWaiting(MonoTime now, bool* stopping);
  void WaitForSomething();
  void Take(dns::AsyncResolver::Done done);
  void Finish(Flight* flight);

  const std::vector<std::string> own_names_;
  const delivery::TargetAddresses targets_;
  const uint32_t ask_millis_;
  std::unique_ptr<dns::AsyncResolver> resolver_;  // the thread's
  WakeFd wake_;

  std::mutex mutex_;
  absl::flat_hash_map<Key, std::unique_ptr<Flight>> flights_;
  std::list<Flight*> waiting_;
  size_t open_ = 0;  // requests
  bool stopping_ = false;
  std::thread thread_;
};

// Writes what is found into requests of one kind, and posts them.
class Replies {
 public:
  Replies(const Flight& flight, const std::vector<std::string>& own_names,
          const delivery::TargetAddresses& targets)
      : kind_(flight.kind) {
    if (kind_ == Kind::kExchangers) {
      exchangers_ = dns::ReadExchangers(flight.Of(RecordType::kMx), own_names);
    } else {
      addresses_ =
          ReadHostAddresses(flight.Of(RecordType::kAaaa), flight.Of(RecordType::kA), targets);
    }
  }

  void Post(Posted* asker) const {
    if (kind_ == Kind::kExchangers) {
      auto* request = static_cast<ExchangersRequest*>(asker);
      request->found = exchangers_;
      request->reply_to->Post(request);
    } else {
      auto* request = static_cast<HostRequest*>(asker);
      request->addresses = addresses_.addresses;
      request->error = addresses_.error;
      request->no_address = addresses_.no_address;
      request->reply_to->Post(request);
    }
  }

 private:
  Kind kind_;
  dns::Exchangers exchangers_;
  HostAddresses addresses_;
};

void FailAnswers(std::string_view words, Answer::Failure failure, Flight* flight) {
  flight->answers.clear();
  for (const Question& question : flight->Questions()) {
    flight->answers.push_back(dns::FailedAnswer(question, words, failure));
  }
}

DnsMailLookup::~DnsMailLookup() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.Set();
  if (thread_.joinable()) thread_.join();
  resolver_.reset();  // nothing comes back to a flight any more
  for (auto& [key, flight] : flights_) {
    FailAnswers("the lookups have stopped", Answer::Failure::kServfail, flight.get());
    Replies replies(*flight, own_names_, targets_);
    for (Posted* asker : flight->askers) replies.Post(asker);
  }
}

void DnsMailLookup::Add(Kind kind, std::string_view name, Posted* asker) {
  Key key(kind, dns::CanonicalName(name));
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    if (open_ == dns::limits::kMailLookupsOpenMax) {
      Flight refused{.kind = kind, .name = key.second};
      FailAnswers("too many lookups at once", Answer::Failure::kServfail, &refused);
      Replies(refused, own_names_, targets_).Post(asker);
      return;
    }
    ++open_;
    std::unique_ptr<Flight>& flight = flights_[key];
    if (flight == nullptr) {
      flight = std::make_unique<Flight>();
      flight->kind = kind;
      flight->name = std::move(key.second);
      flight->due = ReadMonoClock() + Millis(ask_millis_);
      wake = waiting_.empty();  // otherwise it was woken already, or waits for room
      flight->place = waiting_.insert(waiting_.end(), flight.get());
    }
    flight->askers.push_back(asker);
  }
  if (wake) wake_.Set();
}

bool DnsMailLookup::Remove(Kind kind, std::string_view name, Posted* asker) {
  std::lock_guard lock(mutex_);
  auto found = flights_.find(Key(kind, dns::CanonicalName(name)));
  if (found == flights_.end() || std::erase(found->second->askers, asker) == 0) return false;
  --open_;
  if (found->second->askers.empty() && !found->second->in_work) {
    waiting_.erase(found->second->place);
    flights_.erase(found);
  }
  return true;
}

void DnsMailLookup::Run() {
  pthread_setname_np(pthread_self(), "mail-lookup");
  while (StartWaiting()) {
    WaitForSomething();
    for (dns::AsyncResolver::Done& done : resolver_->Process()) Take(std::move(done));
  }
}

// Those there is room for, and those that have waited for too long, from the oldest on.
std::vector<Flight*> DnsMailLookup::TakeWaiting(MonoTime now, bool* stopping) {
  std::vector<Flight*> taken;
  size_t room = dns::limits::kQuestionsInFlightMax - resolver_->open();
  std::lock_guard lock(mutex_);
  *stopping = stopping_;
  while (!waiting_.empty()) {
    Flight* flight = waiting_.front();
    size_t questions = QuestionsOf(flight->kind);
    bool late = flight->due <= now;
    if (!late && questions > room) break;
    if (!late) room -= questions;
    flight->in_work = true;
    waiting_.pop_front();
    taken.push_back(flight);
  }
  return taken;
}

bool DnsMailLookup::StartWaiting() {
  bool stopping = false;
  const MonoTime now = ReadMonoClock();
  for (Flight* flight : TakeWaiting(now, &stopping)) {
    if (stopping) break;
    if (flight->due <= now) {
      FailAnswers("not asked within " + std::to_string(ask_millis_) +
                      " ms, since too many others are asked",
                  Answer::Failure::kTimeout, flight);
      Finish(flight);
      continue;
    }
    for (const Question& question : flight->Questions()) resolver_->Start(question, flight);
  }
  return !stopping;
}

void DnsMailLookup::WaitForSomething() {
  pollfd waited[] = {{resolver_->fd(), POLLIN, 0}, {wake_.fd(), POLLIN, 0}};
  Millis until_due = resolver_->UntilDue();
  int millis = until_due == Millis::max() ? -1 : static_cast<int>(until_due.count());
  if (::poll(waited, std::size(waited), millis) > 0 && waited[1].revents != 0) wake_.Clear();
}

void DnsMailLookup::Take(dns::AsyncResolver::Done done) {
  auto* flight = static_cast<Flight*>(done.asker);
  flight->answers.push_back(std::move(done.answer));
  if (flight->answers.size() == QuestionsOf(flight->kind)) Finish(flight);
}

// Posts under the lock, so that who cannot cancel a request any more finds it posted.
void DnsMailLookup::Finish(Flight* flight) {
  Replies replies(*flight, own_names_, targets_);
  std::lock_guard lock(mutex_);
  for (Posted* asker : flight->askers) replies.Post(asker);
  open_ -= flight->askers.size();
  flights_.erase(Key(flight->kind, flight->name));
}

}  // namespace

StatusOr<std::unique_ptr<MailLookup>> MailLookup::Make(const MailLookupOptions& options) {
  auto resolver = dns::AsyncResolver::Create(options.resolver);
  if (!resolver.ok()) return resolver.status();
  auto lookup = std::make_unique<DnsMailLookup>(options, std::move(*resolver));
  if (!lookup->Begin()) {
    return MakeStatus(StatusCode::kResourceExhausted, "no file descriptor for lookups");
  }
  return std::unique_ptr<MailLookup>(std::move(lookup));
}

}  // namespace ringpost::session
