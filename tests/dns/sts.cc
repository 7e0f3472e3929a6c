#include "tests/dns/sts.h"

#include <atomic>
#include <condition_variable>
#include <iostream>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>

#include "gateway/base/check.h"
#include "gateway/dns/resolver.h"
#include "gateway/http/sts_service.h"
#include "gateway/session/mail_lookup.h"

namespace ringpost::http {
namespace {

using Json = nlohmann::ordered_json;
using session::StsVerdict;

std::atomic<int64_t> clock_seconds{0};
WallTime Clock() { return ReadWallClock() + Seconds(clock_seconds.load()); }

class Console final : public Log {
 public:
  void Append(std::string_view line) override {
    std::lock_guard lock(mutex_);
    std::cerr << line << std::endl;
  }

 private:
  std::mutex mutex_;
};

Json Told(const StsVerdict& verdict, int64_t millis) {
  static constexpr const char* kOutcomes[] = {"none", "policy", "failed"};
  Json told = {{"outcome", kOutcomes[static_cast<size_t>(verdict.outcome)]},
               {"failure", session::StsFailureName(verdict.failure)},
               {"words", verdict.words},
               {"millis", millis}};
  if (verdict.policy) {
    told["id"] = verdict.policy->id;
    told["lines"] = verdict.policy->policy.Lines();
  }
  return told;
}

class Room {
 public:
  Room(const std::vector<std::string>& words) {
    dns::ResolverOptions resolver;
    resolver.stubs = {{words[2], *Endpoint::Parse(words[1])}};
    resolver.ask_millis = 5000;
    resolver.cache_seconds_max = 0;
    clock_seconds = std::stoll(words[7]);
    auto store = storage::ControlStore::Open(words[4], nullptr);
    auto context = tls::ClientContext::Make(
        {.authorities = words[3], .resume = false, .application_protocols = {"http/1.1"}});
    auto asks = dns::Resolver::Create(resolver);
    auto lookup = session::MailLookup::Make({resolver, {}, {*IpNetwork::Parse(words[5])}});
    RP_CHECK(store.ok() && context.ok() && asks.ok() && lookup.ok());
    store_ = std::move(*store);
    resolver_ = std::move(*asks);
    lookup_ = std::move(*lookup);
    StsService::Setup setup;
    setup.store = store_.get();
    setup.log = &log_;
    setup.user_agent = "ringpost/test";
    setup.wall_clock = &Clock;
    setup.wait = Millis(std::stoi(words[6]));
    service_ = StsService::Make(std::move(setup));
    service_->Trust(std::move(*context));
    service_->Start(lookup_.get());
  }
  ~Room() { service_->Stop(); }

  Json Find(const std::vector<std::string>& domains) {
    Json told = Json::object();
    std::mutex mutex;
    std::condition_variable news;
    size_t left = domains.size();
    std::vector<dns::Question> questions;
    for (const std::string& domain : domains) questions.push_back(dns::StsRecordQuestion(domain));
    std::vector<dns::Answer> answers = resolver_->AskAll(questions);
    for (size_t i = 0; i < domains.size(); ++i) {
      MonoTime begin = ReadMonoClock();
      service_->Find(domains[i], answers[i], [&, begin, i](StsVerdict verdict) {
        std::lock_guard lock(mutex);
        told[domains[i]] = Told(verdict, (ReadMonoClock() - begin).count());
        --left;
        news.notify_all();
      });
    }
    std::unique_lock lock(mutex);
    news.wait(lock, [&] { return left == 0; });
    return told;
  }

  Json List() const {
    Json told = Json::object();
    for (const StsPolicyStatus& one : service_->List("", 1000)) {
      told[one.domain] = {{"held", one.held ? Json(one.held->policy.Lines()) : Json(nullptr)},
                          {"failure", session::StsFailureName(one.failure.kind)}};
    }
    return told;
  }

 private:
  Console log_;
  std::unique_ptr<storage::ControlStore> store_;
  std::unique_ptr<dns::Resolver> resolver_;
  std::unique_ptr<session::MailLookup> lookup_;
  std::unique_ptr<StsService> service_;
};

}  // namespace

int Sts(const std::vector<std::string>& words) {
  Room room(words);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    std::string what;
    in >> what;
    std::vector<std::string> rest(std::istream_iterator<std::string>(in), {});
    Json told = Json::object();
    if (what == "find") told = room.Find(rest);
    if (what == "list") told = room.List();
    if (what == "clock") clock_seconds = std::stoll(rest.at(0));
    std::cout << told.dump() << std::endl;
  }
  return 0;
}

}  // namespace ringpost::http
