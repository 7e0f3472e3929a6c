#include "gateway/http/sts_service.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "gateway/base/check.h"
#include "gateway/dns/name.h"
#include "gateway/http/sts_fetch.h"
#include "gateway/http/sts_limits.h"
#include "gateway/http/sts_records.h"

namespace ringpost::http {
namespace {

namespace asio = boost::asio;
using session::HeldStsPolicy;
using session::StsFailure;
using session::StsVerdict;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

// The clock on the wall may be set: it is looked at this often; and this often while somebody
// waits.
constexpr Millis kLookEvery{30'000}, kLookWhileWaiting{250};

// What mail goes by. Without a policy `failure` says whether that is for want of one.
StsVerdict VerdictOf(std::shared_ptr<const HeldStsPolicy> policy, StsFailure failure,
                     std::string words) {
  using Outcome = StsVerdict::Outcome;
  if (policy && policy->policy.mode == dns::StsMode::kNone) return {};
  StsVerdict verdict;
  if (policy || failure != StsFailure::kNone) {
    verdict.outcome = policy ? Outcome::kPolicy : Outcome::kFetchFailed;
    verdict.policy = std::move(policy);
    verdict.failure = failure;
    verdict.words = std::move(words);
  }
  return verdict;
}

class Service final : public StsService {
 public:
  explicit Service(Setup setup)
      : setup_(std::move(setup)), fetching_{nullptr, nullptr, setup_.user_agent, setup_.port} {
    Load();
  }
  ~Service() override { Stop(); }

  void Find(const std::string& domain, const dns::Answer& txt, Found found) override;
  void Trust(std::shared_ptr<const tls::ClientContext> context) override {
    std::lock_guard lock(mutex_);
    fetching_.context = std::move(context);
  }
  void Start(session::HostResolver* hosts) override;
  void Stop() override;
  std::vector<StsPolicyStatus> List(std::string_view after, size_t max) const override {
    std::lock_guard lock(mutex_);
    return cache_.List(after, max, setup_.wall_clock());
  }
  std::vector<StsPolicyStatus> Show(std::string_view domain) const override {
    std::lock_guard lock(mutex_);
    return cache_.Show(domain, setup_.wall_clock());
  }

 private:
  struct Waiter {
    Found found;
    MonoTime due;
  };
  // A fetch that is under way or has to wait for its turn.
  struct Flight {
    std::string id;  // of the edition that is wanted
    std::vector<Waiter> waiters;
  };
  using Told = std::vector<std::pair<Found, StsVerdict>>;

  void Load();
  // Under the lock. Nothing: it is to be waited for.
  std::optional<StsVerdict> Answer(const std::string& domain, const dns::StsRecord& record);
  void Wait(const std::string& domain, const std::string& id, Found found);

  // The thread's.
  asio::awaitable<void> Loop();
  asio::awaitable<void> Fetch(std::string domain);
  void LookAround(Told* told);
  void TellLate(MonoTime now, Told* told);
  void StartFetches();
  void Take(const std::string& domain, StsFetched fetched);
  void Keep(const std::string& domain, std::string id, dns::StsPolicy policy);
  void Forget(const std::vector<std::string>& domains);
  void LogTrouble(const Status& status);

  static void Tell(Told told) {
    for (auto& [found, verdict] : told) found(std::move(verdict));
  }

  const Setup setup_;
  // Not there before Start and after Stop; the pointer changes under the lock.
  std::unique_ptr<asio::io_context> io_;
  std::unique_ptr<asio::steady_timer> timer_;
  std::thread thread_;

  mutable std::mutex mutex_;
  StsFetchOptions fetching_;
  StsCache cache_;
  absl::flat_hash_map<std::string, Flight> flights_;
  std::deque<std::string> queue_;  // of flights that wait for their turn
  size_t running_ = 0;
  size_t waiters_ = 0;
};

// --- What is known

void Service::LogTrouble(const Status& status) {
  LogLine(setup_.wall_clock(), "sts_store_trouble")
      .Text("words", MessageOf(status))
      .To(*setup_.log);
}

void Service::Load() {
  std::vector<KeptStsPolicy> kept;
  std::vector<std::string> gone;
  Status read =
      setup_.store->ForEach(kStsRecordPrefix, [&](std::string_view key, const std::string& value) {
        std::string domain(key.substr(kStsRecordPrefix.size()));
        auto policy = DecodeStsPolicy(domain, value);
        if (policy.ok()) {
          kept.push_back(std::move(*policy));
        } else {
          LogTrouble(policy.status());
          gone.push_back(domain);
        }
      });
  if (!read.ok()) LogTrouble(read);
  for (std::string& domain : cache_.Load(std::move(kept), setup_.wall_clock())) {
    gone.push_back(std::move(domain));
  }
  Forget(gone);
}

void Service::Forget(const std::vector<std::string>& domains) {
  if (domains.empty()) return;
  std::vector<storage::ControlStore::Change> changes;
  for (const std::string& domain : domains) changes.push_back({StsRecordKey(domain), {}});
  Status written = setup_.store->Write(changes);
  if (!written.ok()) LogTrouble(written);
}

std::optional<StsVerdict> Service::Answer(const std::string& domain, const dns::StsRecord& record) {
  StsCache::Known known = cache_.Find(domain, setup_.wall_clock());
  bool published = record.outcome == dns::StsRecord::Outcome::kPublished;
  bool same = known.policy && known.policy->id == record.id;
  auto verdict = [&](StsFailure failure, std::string words) {
    return VerdictOf(known.policy, failure, std::move(words));
  };
  // Whose record is gone has no policy, or one whose last refresh may have failed.
  if (!published && !known.policy) return StsVerdict();
  if (!published || same || !known.may_fetch) {
    return verdict(known.failure.kind, known.failure.words);
  }
  if (!io_) return verdict(StsFailure::kFetch, "policies are not fetched now");
  if (waiters_ == limits::kStsWaitersMax) {
    return verdict(StsFailure::kFetch, "too many policies are waited for");
  }
  return std::nullopt;
}

void Service::Wait(const std::string& domain, const std::string& id, Found found) {
  ++waiters_;
  auto [flight, fresh] = flights_.try_emplace(domain);
  if (fresh) {
    flight->second.id = id;
    queue_.push_back(domain);
  }
  flight->second.waiters.push_back({std::move(found), ReadMonoClock() + setup_.wait});
  if (fresh) asio::post(*io_, [this] { timer_->cancel(); });
}

void Service::Find(const std::string& domain, const dns::Answer& txt, Found found) {
  if (!dns::IsName(dns::StsPolicyHost(domain))) return found({});
  dns::StsRecord record = dns::ReadStsRecord(txt);
  std::optional<StsVerdict> verdict;
  {
    std::lock_guard lock(mutex_);
    verdict = Answer(domain, record);
    if (!verdict) Wait(domain, record.id, std::move(found));
  }
  if (verdict) found(std::move(*verdict));
}

// --- Its life

void Service::Start(session::HostResolver* hosts) {
  if (thread_.joinable()) return;
  auto io = std::make_unique<asio::io_context>(1);
  timer_ = std::make_unique<asio::steady_timer>(*io);
  asio::co_spawn(*io, Loop(), asio::detached);
  asio::io_context* runs = io.get();
  thread_ = std::thread([runs] { runs->run(); });
  std::lock_guard lock(mutex_);
  fetching_.hosts = hosts;
  io_ = std::move(io);
}

void Service::Stop() {
  std::unique_ptr<asio::io_context> io;
  {
    std::lock_guard lock(mutex_);
    io = std::move(io_);
  }
  if (!io) return;
  io->stop();
  thread_.join();
  timer_.reset();
  io.reset();  // and all that is under way with it
  Told told;
  {
    std::lock_guard lock(mutex_);
    for (auto& [domain, flight] : flights_) {
      auto known = cache_.Look(domain, setup_.wall_clock());
      for (Waiter& waiter : flight.waiters) {
        told.emplace_back(std::move(waiter.found), VerdictOf(known.policy, StsFailure::kFetch,
                                                             "policies are not fetched any more"));
      }
    }
    flights_.clear();
    queue_.clear();
    running_ = waiters_ = 0;
  }
  Tell(std::move(told));
}

// --- What is done

asio::awaitable<void> Service::Loop() {
  while (true) {
    Told told;
    LookAround(&told);
    Tell(std::move(told));
    Millis wait = kLookEvery;
    {
      std::lock_guard lock(mutex_);
      Millis until_due =
          cache_.NextDue() == WallTime::max() ? kLookEvery : cache_.NextDue() - setup_.wall_clock();
      wait =
          std::clamp(waiters_ > 0 ? kLookWhileWaiting : until_due, kLookWhileWaiting, kLookEvery);
    }
    timer_->expires_after(wait);
    (void)co_await timer_->async_wait(kToken);
  }
}

void Service::LookAround(Told* told) {
  StsCache::Due due;
  {
    std::lock_guard lock(mutex_);
    TellLate(ReadMonoClock(), told);
    // Mail that waits goes first: refreshes have half of the room, where mail leaves it.
    constexpr size_t kRefreshes = limits::kStsFetchesAtOnceMax / 2;
    size_t busy = running_ + queue_.size();
    due = cache_.TakeDue(setup_.wall_clock(), busy < kRefreshes ? kRefreshes - busy : 0);
    for (const std::string& domain : due.refresh) {
      auto [flight, fresh] = flights_.try_emplace(domain);
      if (!fresh) continue;
      flight->second.id = cache_.Kept(domain).held->id;
      queue_.push_back(domain);
    }
    StartFetches();
  }
  std::vector<std::string> gone;
  for (const StsPolicyStatus& one : due.expired) {
    gone.push_back(one.domain);
    if (!one.in_use || one.failure.kind == StsFailure::kNone) continue;
    LogLine(setup_.wall_clock(), "sts_expired")
        .Text("domain", one.domain)
        .Text("mode", dns::StsModeName(one.held->policy.mode))
        .Text("words", one.failure.words)
        .To(*setup_.log);
  }
  Forget(gone);
}

// Who has waited for long enough; the fetch goes on.
void Service::TellLate(MonoTime now, Told* told) {
  if (waiters_ == 0) return;
  for (auto& [domain, flight] : flights_) {
    auto late = std::partition(flight.waiters.begin(), flight.waiters.end(),
                               [&](const Waiter& waiter) { return waiter.due > now; });
    if (late == flight.waiters.end()) continue;
    auto known = cache_.Look(domain, setup_.wall_clock());
    for (auto waiter = late; waiter != flight.waiters.end(); ++waiter) {
      told->emplace_back(std::move(waiter->found),
                         VerdictOf(known.policy, StsFailure::kFetch,
                                   "the policy has not come within " +
                                       std::to_string(setup_.wait.count()) + " ms"));
    }
    waiters_ -= static_cast<size_t>(flight.waiters.end() - late);
    flight.waiters.erase(late, flight.waiters.end());
  }
}

void Service::StartFetches() {
  while (running_ < limits::kStsFetchesAtOnceMax && !queue_.empty()) {
    ++running_;
    asio::co_spawn(timer_->get_executor(), Fetch(std::move(queue_.front())), asio::detached);
    queue_.pop_front();
  }
}

// It is begun under the lock.
asio::awaitable<void> Service::Fetch(std::string domain) {
  co_await asio::post(timer_->get_executor(), asio::use_awaitable);
  StsFetchOptions options;
  {
    std::lock_guard lock(mutex_);
    options = fetching_;
  }
  StsFetched fetched = co_await FetchStsPolicy(domain, &options);
  Take(domain, std::move(fetched));
  timer_->cancel();  // another may have its turn
}

void Service::Take(const std::string& domain, StsFetched fetched) {
  std::string id;
  {
    std::lock_guard lock(mutex_);
    --running_;
    id = flights_[domain].id;
  }
  bool good = fetched.policy.has_value();
  if (good) {
    Keep(domain, id, std::move(*fetched.policy));
  } else {
    std::lock_guard lock(mutex_);
    cache_.Fail(domain, fetched.failure, fetched.words, setup_.wall_clock());
  }
  Told told;
  std::shared_ptr<const HeldStsPolicy> held;
  {
    std::lock_guard lock(mutex_);
    held = cache_.Look(domain, setup_.wall_clock()).policy;
    auto flight = flights_.find(domain);
    for (Waiter& waiter : flight->second.waiters) {
      told.emplace_back(std::move(waiter.found), VerdictOf(held, fetched.failure, fetched.words));
    }
    waiters_ -= flight->second.waiters.size();
    flights_.erase(flight);
  }
  Tell(std::move(told));
  if (good) return;
  LogLine line(setup_.wall_clock(), "sts_failed");
  line.Text("domain", domain)
      .Text("result", session::StsFailureName(fetched.failure))
      .Text("words", fetched.words);
  if (held) {
    line.Text("held_mode", dns::StsModeName(held->policy.mode))
        .Text("held_until", FormatRfc3339(held->expires));
  }
  line.To(*setup_.log);
}

// On disk before mail goes by it: what was promised once holds after a restart too.
void Service::Keep(const std::string& domain, std::string id, dns::StsPolicy policy) {
  KeptStsPolicy kept;
  std::vector<std::string> gone;
  bool changed = false;
  {
    std::lock_guard lock(mutex_);
    WallTime now = setup_.wall_clock();
    auto before = cache_.Look(domain, now).policy;
    changed = !before || before->id != id || before->policy != policy;
    gone = cache_.Put(domain, std::move(id), std::move(policy), now);
    kept = cache_.Kept(domain);
  }
  Status written = setup_.store->Put(StsRecordKey(domain), EncodeStsPolicy(kept));
  if (!written.ok()) LogTrouble(written);
  Forget(gone);
  if (!changed) return;
  LogLine(setup_.wall_clock(), "sts_policy")
      .Text("domain", domain)
      .Text("mode", dns::StsModeName(kept.held->policy.mode))
      .Text("policy_id", kept.held->id)
      .Number("mx", static_cast<int64_t>(kept.held->policy.mx.size()))
      .Text("expires", FormatRfc3339(kept.held->expires))
      .To(*setup_.log);
}

}  // namespace

std::unique_ptr<StsService> StsService::Make(Setup setup) {
  return std::make_unique<Service>(std::move(setup));
}

}  // namespace ringpost::http
