#include "gateway/app/domain_keeper.h"

#include <signal.h>
#include <sys/prctl.h>

#include <algorithm>

#include "gateway/base/limits.h"
#include "gateway/identity/sender_domain_limits.h"

namespace ringpost::app {
namespace {

// Clocks are set, and domains come by import: it looks now and then in any case.
constexpr Seconds kLook{60};

}  // namespace

DomainKeeper::DomainKeeper(IdentityService* service, std::unique_ptr<dns::Resolver> resolver)
    : service_(service), resolver_(std::move(resolver)), thread_([this] { Main(); }) {}

DomainKeeper::~DomainKeeper() { Stop(); }

void DomainKeeper::CheckNow(DomainRequest request, uint32_t uid, IdentityService::Done done) {
  {
    std::lock_guard lock(mutex_);
    if (!stopping_ && wanted_.size() < limits::kIdentityRequestsMax) {
      wanted_.push_back({std::move(request), uid, std::move(done)});
      changed_.notify_all();
      return;
    }
  }
  service_->Request(std::move(request), uid, std::move(done));
}

void DomainKeeper::Wake() {
  std::lock_guard lock(mutex_);
  woken_ = true;
  changed_.notify_all();
}

void DomainKeeper::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  for (Wanted& one : wanted_) {
    service_->Request(std::move(one.request), one.uid, std::move(one.done));
  }
  wanted_.clear();
}

bool DomainKeeper::WaitForWork(std::optional<Wanted>* wanted) {
  std::unique_lock lock(mutex_);
  auto wait = std::chrono::milliseconds(kLook);
  if (next_due_) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*next_due_ - ReadWallClock());
    wait = std::clamp(left, std::chrono::milliseconds(0), wait);
  }
  changed_.wait_for(lock, wait, [this] { return stopping_ || woken_ || !wanted_.empty(); });
  if (stopping_) return false;
  woken_ = false;
  if (wanted_.empty()) return true;
  *wanted = std::move(wanted_.front());
  wanted_.pop_front();
  return true;
}

bool DomainKeeper::stopping() {
  std::lock_guard lock(mutex_);
  return stopping_;
}

// What advice wants to know first is asked together with the rest: a DNS that does not answer costs
// one time-out.
std::vector<dns::Answer> DomainKeeper::Answers(DomainBook::Check* check) {
  dns::KnownAnswers known;
  std::vector<dns::Question> questions = check->questions;
  identity::SendingAdvice(check->subject, &known);
  std::vector<dns::Question> wanted = known.TakeWanted();
  questions.insert(questions.end(), wanted.begin(), wanted.end());
  std::vector<dns::Answer> answers = resolver_->AskAll(questions);
  for (const dns::Answer& answer : answers) known.Add(answer);
  answers.resize(check->questions.size());
  for (int round = 0; round < identity::limits::kAdviceRoundsMax && !stopping(); ++round) {
    check->advice = identity::SendingAdvice(check->subject, &known);
    wanted = known.TakeWanted();
    if (wanted.empty()) break;
    for (dns::Answer& answer : resolver_->AskAll(wanted)) known.Add(std::move(answer));
  }
  return answers;
}

void DomainKeeper::Ask(DomainBook::Check check) {
  std::vector<dns::Answer> answers = Answers(&check);
  service_->Run([&](DomainBook* book) { book->Judge(check, answers, ReadWallClock()); });
}

void DomainKeeper::CheckDue() {
  std::vector<DomainBook::Check> checks;
  std::optional<WallTime> next;
  service_->Run([&](DomainBook* book) {
    checks = book->TakeDue(ReadWallClock(), limits::kDomainChecksAtOnce);
    next = book->NextDue();
  });
  for (const DomainBook::Check& check : checks) {
    if (stopping()) return;
    Ask(check);
  }
  std::lock_guard lock(mutex_);
  next_due_ = next;
  woken_ = woken_ || !checks.empty();
}

void DomainKeeper::Serve(Wanted wanted) {
  std::optional<DomainBook::Check> check;
  service_->Run([&](DomainBook* book) { check = book->CheckOf(wanted.request.name); });
  if (check && wanted.request.command == ControlCommand::kDomainRotate) {
    std::vector<dns::Answer> answers = Answers(&*check);
    identity::Json answer;
    bool done = service_->Run([&](DomainBook* book) {
      answer = book->Rotate(*check, answers, wanted.uid, ReadWallClock());
    });
    if (done) return wanted.done(answer);
  } else if (check) {
    Ask(std::move(*check));
  }
  service_->Request(std::move(wanted.request), wanted.uid, std::move(wanted.done));
}

void DomainKeeper::Main() {
  sigset_t all;
  sigfillset(&all);  // signals are the main thread's
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  prctl(PR_SET_NAME, "rp-domains");
  std::optional<Wanted> wanted;
  while (WaitForWork(&wanted)) {
    if (!wanted) {
      CheckDue();
      continue;
    }
    Serve(std::move(*wanted));
    wanted.reset();
  }
}

}  // namespace ringpost::app
