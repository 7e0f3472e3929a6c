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
#include "gateway/dns/async_resolver.h"
#include "gateway/dns/dns_limits.h"
#include "gateway/dns/name.h"
#include "gateway/session/lookup_flight.h"

namespace ringpost::session {
namespace {

using Kind = LookupFlight::Kind;
using Next = LookupFlight::Next;

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

// Policies that were asked for, on their way to the thread. Who brings one may do so when the
// lookup is gone.
struct PolicyInbox {
  struct Found {
    LookupFlight* flight;
    StsVerdict policy;
  };
  void Add(LookupFlight* flight, StsVerdict policy) {
    {
      std::lock_guard lock(mutex);
      found.push_back({flight, std::move(policy)});
    }
    wake.Set();
  }
  std::vector<Found> TakeAll() {
    std::lock_guard lock(mutex);
    return std::exchange(found, {});
  }

  WakeFd wake;
  std::mutex mutex;
  std::vector<Found> found;
};

class DnsMailLookup final : public MailLookup {
 public:
  DnsMailLookup(const MailLookupOptions& options, std::unique_ptr<dns::AsyncResolver> resolver)
      : rules_{options.own_names, delivery::TargetAddresses(options.allowed_targets, options.own_addresses),
               options.policies != nullptr},
        ask_millis_(options.resolver.ask_millis),
        policies_(options.policies),
        resolver_(std::move(resolver)) {}
  ~DnsMailLookup() override;

  bool Begin() {
    if (inbox_->wake.fd() < 0) return false;
    thread_ = std::thread([this] { Run(); });
    return true;
  }

  void FindExchangers(ExchangersRequest* request) override {
    Add(Kind::kExchangers, request->domain, request);
  }
  bool CancelExchangers(ExchangersRequest* request) override {
    return Remove(Kind::kExchangers, request->domain, request);
  }
  void Resolve(HostRequest* request) override { Add(KindOf(*request), request->host, request); }
  bool Cancel(HostRequest* request) override {
    return Remove(KindOf(*request), request->host, request);
  }

 private:
  using Key = std::pair<Kind, std::string>;
  static Kind KindOf(const HostRequest& request) {
    return request.dane ? Kind::kDane : Kind::kAddresses;
  }

  void Add(Kind kind, std::string_view name, Posted* asker);
  bool Remove(Kind kind, std::string_view name, Posted* asker);

  // The thread's.
  void Run();
  bool StartWaiting();
  std::vector<LookupFlight*> TakeWaiting(MonoTime now, bool* stopping);
  void WaitForSomething();
  void Do(LookupFlight* flight, Next next);
  void Free(LookupFlight* flight);
  void Finish(LookupFlight* flight);

  const LookupFlight::Rules rules_;
  const uint32_t ask_millis_;
  StsPolicies* const policies_;
  std::unique_ptr<dns::AsyncResolver> resolver_;  // the thread's
  size_t reserved_ = 0;  // likewise: questions that flights in work have room for
  std::shared_ptr<PolicyInbox> inbox_ = std::make_shared<PolicyInbox>();

  std::mutex mutex_;
  absl::flat_hash_map<Key, std::unique_ptr<LookupFlight>> flights_;
  std::list<LookupFlight*> waiting_;
  size_t open_ = 0;  // requests
  bool stopping_ = false;
  std::thread thread_;
};

DnsMailLookup::~DnsMailLookup() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  inbox_->wake.Set();
  if (thread_.joinable()) thread_.join();
  resolver_.reset();  // nothing comes back to a flight any more
  for (auto& [key, flight] : flights_) {
    flight->Fail("the lookups have stopped", dns::Answer::Failure::kServfail);
    flight->Reply();
  }
}

void DnsMailLookup::Add(Kind kind, std::string_view name, Posted* asker) {
  Key key(kind, dns::CanonicalName(name));
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    if (open_ == dns::limits::kMailLookupsOpenMax) {
      LookupFlight refused(kind, key.second, &rules_);
      refused.Fail("too many lookups at once", dns::Answer::Failure::kServfail);
      refused.askers.push_back(asker);
      refused.Reply();
      return;
    }
    ++open_;
    std::unique_ptr<LookupFlight>& flight = flights_[key];
    if (flight == nullptr) {
      flight = std::make_unique<LookupFlight>(kind, std::move(key.second), &rules_);
      flight->due = ReadMonoClock() + Millis(ask_millis_);
      wake = waiting_.empty();  // otherwise it was woken already, or waits for room
      flight->place = waiting_.insert(waiting_.end(), flight.get());
    }
    flight->askers.push_back(asker);
  }
  if (wake) inbox_->wake.Set();
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
    for (dns::AsyncResolver::Done& done : resolver_->Process()) {
      auto* flight = static_cast<LookupFlight*>(done.asker);
      Do(flight, flight->Take(std::move(done.answer)));
    }
    for (PolicyInbox::Found& one : inbox_->TakeAll()) {
      Do(one.flight, one.flight->SetPolicy(std::move(one.policy)));
    }
  }
}

// Those there is room for, and those that have waited for too long, from the oldest on.
std::vector<LookupFlight*> DnsMailLookup::TakeWaiting(MonoTime now, bool* stopping) {
  std::vector<LookupFlight*> taken;
  std::lock_guard lock(mutex_);
  *stopping = stopping_;
  while (!waiting_.empty()) {
    LookupFlight* flight = waiting_.front();
    size_t questions = flight->First().size();
    bool late = flight->due <= now;
    if (!late && reserved_ + questions > dns::limits::kQuestionsInFlightMax) break;
    if (!late) reserved_ += flight->reserved = questions;
    flight->in_work = true;
    waiting_.pop_front();
    taken.push_back(flight);
  }
  return taken;
}

bool DnsMailLookup::StartWaiting() {
  bool stopping = false;
  const MonoTime now = ReadMonoClock();
  for (LookupFlight* flight : TakeWaiting(now, &stopping)) {
    if (stopping) break;
    if (flight->due <= now) {
      flight->Fail("not asked within " + std::to_string(ask_millis_) +
                       " ms, since too many others are asked",
                   dns::Answer::Failure::kTimeout);
      Finish(flight);
      continue;
    }
    for (const dns::Question& question : flight->First()) resolver_->Start(question, flight);
  }
  return !stopping;
}

void DnsMailLookup::WaitForSomething() {
  pollfd waited[] = {{resolver_->fd(), POLLIN, 0}, {inbox_->wake.fd(), POLLIN, 0}};
  Millis until_due = resolver_->UntilDue();
  int millis = until_due == Millis::max() ? -1 : static_cast<int>(until_due.count());
  if (::poll(waited, std::size(waited), millis) > 0 && waited[1].revents != 0) {
    inbox_->wake.Clear();
  }
}

void DnsMailLookup::Do(LookupFlight* flight, Next next) {
  switch (next) {
    case Next::kWait:
      return;
    case Next::kAsk:
      resolver_->Start(flight->question(), flight);  // in the room of the ones before
      return;
    case Next::kPolicy:
      // A policy may have to be fetched from a slow server: that takes no room from others.
      Free(flight);
      policies_->Find(flight->name(), flight->txt(), [inbox = inbox_, flight](StsVerdict policy) {
        inbox->Add(flight, std::move(policy));
      });
      return;
    case Next::kDone:
      Finish(flight);
      return;
  }
}

void DnsMailLookup::Free(LookupFlight* flight) { reserved_ -= std::exchange(flight->reserved, 0); }

// Posts under the lock, so that who cannot cancel a request any more finds it posted.
void DnsMailLookup::Finish(LookupFlight* flight) {
  Free(flight);
  std::lock_guard lock(mutex_);
  flight->Reply();
  open_ -= flight->askers.size();
  flights_.erase(Key(flight->kind(), flight->name()));
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
