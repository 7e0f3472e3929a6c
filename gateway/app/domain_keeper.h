// DomainKeeper: a thread that asks the DNS about sender domains: each when it is due, or when
// somebody asks, and brings what it heard to the DomainBook.
//
// Threads: CheckNow from any; Stop before the service's.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "gateway/app/identity_service.h"
#include "gateway/dns/resolver.h"

namespace ringpost::app {

class DomainKeeper {
 public:
  // `service` has started, and outlives it.
  DomainKeeper(IdentityService* service, std::unique_ptr<dns::Resolver> resolver);
  ~DomainKeeper();
  DomainKeeper(const DomainKeeper&) = delete;
  DomainKeeper& operator=(const DomainKeeper&) = delete;

  // Asks the DNS, then answers `request` (kDomainCheck, kDomainRotate) as the service does.
  void CheckNow(DomainRequest request, uint32_t uid, IdentityService::Done done);
  // Something was added: looks anew at what is due.
  void Wake();
  // Waits for a question that is under way. What was not asked yet is answered with what is known.
  void Stop();

 private:
  struct Wanted {
    DomainRequest request;
    uint32_t uid = 0;
    IdentityService::Done done;
  };

  void Main();
  // False: it is over.
  bool WaitForWork(std::optional<Wanted>* wanted);
  void CheckDue();
  // All that is to be known of it; its advice is set.
  std::vector<dns::Answer> Answers(DomainBook::Check* check);
  bool stopping();
  void Ask(DomainBook::Check check);
  void Serve(Wanted wanted);

  IdentityService* service_;
  std::unique_ptr<dns::Resolver> resolver_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Wanted> wanted_;
  bool woken_ = true;
  bool stopping_ = false;
  std::optional<WallTime> next_due_;
  std::thread thread_;
};

}  // namespace ringpost::app
