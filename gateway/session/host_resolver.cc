#include "gateway/session/host_resolver.h"

#include <netdb.h>

#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "gateway/base/limits.h"
#include "gateway/base/time.h"

namespace ringpost::session {
namespace {

struct Answer {
  std::vector<IpAddress> addresses;
  std::string error;
  MonoTime good_until;
};

Answer LookUp(const std::string& host) {
  Answer answer;
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  int error = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  for (addrinfo* at = list; error == 0 && at != nullptr; at = at->ai_next) {
    sockaddr_storage storage = {};
    std::memcpy(&storage, at->ai_addr, std::min<size_t>(at->ai_addrlen, sizeof storage));
    auto endpoint = Endpoint::FromSockaddr(storage);
    if (endpoint && answer.addresses.size() < limits::kAddressesPerHopMax) {
      answer.addresses.push_back(endpoint->address);
    }
  }
  if (list != nullptr) freeaddrinfo(list);
  if (answer.addresses.empty()) {
    answer.error = error != 0 ? gai_strerror(error) : "the name has no address";
  }
  uint32_t seconds =
      answer.addresses.empty() ? limits::kHostFailureSeconds : limits::kHostAnswerSeconds;
  answer.good_until = ReadMonoClock() + Seconds(seconds);
  return answer;
}

class ThreadedResolver final : public HostResolver {
 public:
  explicit ThreadedResolver(unsigned threads) {
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
  }

  ~ThreadedResolver() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    for (HostRequest* request : queue_) Refuse(request, "the resolver has stopped");
  }

  void Resolve(HostRequest* request) override {
    std::unique_lock lock(mutex_);
    auto known = answers_.find(request->host);
    if (known != answers_.end() && known->second.good_until > ReadMonoClock()) {
      Reply(request, known->second);
      return;
    }
    if (queue_.size() >= limits::kHostLookupsInFlightMax) {
      Refuse(request, "too many lookups at once");
      return;
    }
    queue_.push_back(request);
    lock.unlock();
    wake_.notify_one();
  }

  bool Cancel(HostRequest* request) override {
    std::lock_guard lock(mutex_);
    return std::erase(queue_, request) > 0;
  }

 private:
  static void Reply(HostRequest* request, const Answer& answer) {
    request->addresses = answer.addresses;
    request->error = answer.error;
    request->reply_to->Post(request);
  }
  static void Refuse(HostRequest* request, const char* why) {
    request->addresses.clear();
    request->error = why;
    request->reply_to->Post(request);
  }

  // The first request for a name that no thread looks up already; null: none.
  HostRequest* NextRequest() {
    for (HostRequest* request : queue_) {
      if (!in_hand_.contains(request->host)) return request;
    }
    return nullptr;
  }

  // A request stays in the queue until it is answered; one lookup answers all for its name.
  void Work() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return stopping_ || NextRequest() != nullptr; });
      if (stopping_) return;
      std::string host = NextRequest()->host;
      in_hand_.insert(host);
      lock.unlock();
      Answer answer = LookUp(host);
      lock.lock();
      in_hand_.erase(host);
      std::erase_if(queue_, [&](HostRequest* request) {
        if (request->host != host) return false;
        Reply(request, answer);
        return true;
      });
      // The names are those of the configuration's routes, so the cache is bounded by them.
      answers_[host] = std::move(answer);
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<HostRequest*> queue_;
  std::set<std::string> in_hand_;  // names that are being looked up
  std::map<std::string, Answer> answers_;
  std::vector<std::thread> threads_;
  bool stopping_ = false;
};

}  // namespace

std::unique_ptr<HostResolver> HostResolver::Make(unsigned threads) {
  return std::make_unique<ThreadedResolver>(threads);
}

HostResolver* HostResolver::Shared() {
  static HostResolver* resolver = Make().release();
  return resolver;
}

}  // namespace ringpost::session
