#include "gateway/dns/async_resolver.h"

#include <algorithm>
#include <list>
#include <utility>

#include "gateway/dns/resolver_context.h"

namespace ringpost::dns {
struct AsyncResolver::Impl {
  // A question in work. The library has its address until the answer is there or it is cancelled.
  struct Asked {
    Impl* owner = nullptr;
    std::list<Asked>::iterator self;
    Question question;
    void* asker = nullptr;
    MonoTime due;
    int id = 0;
  };

  std::list<Asked> asked;  // in work, the one that is due first at the front
  std::vector<Done> done;
  uint32_t ask_millis = 0;
  ResolverContext context;  // goes first, since its thread knows addresses of `asked`

  static void OnResult(void* argument, int error, ub_result* result) {
    auto* one = static_cast<Asked*>(argument);
    Impl* owner = one->owner;
    owner->done.push_back({one->asker, AnswerOfResult(one->question, error, result)});
    owner->asked.erase(one->self);
  }
  void GiveUpLate();
};

void AsyncResolver::Impl::GiveUpLate() {
  const MonoTime now = ReadMonoClock();
  while (!asked.empty() && asked.front().due <= now) {
    Asked& one = asked.front();
    ub_cancel(context.get(), one.id);  // OnResult is not called for it any more
    done.push_back({one.asker, LateAnswer(one.question, ask_millis)});
    asked.pop_front();
  }
}

AsyncResolver::AsyncResolver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AsyncResolver::~AsyncResolver() = default;

StatusOr<std::unique_ptr<AsyncResolver>> AsyncResolver::Create(const ResolverOptions& options) {
  StatusOr<ResolverContext> context = MakeResolverContext(options);
  if (!context.ok()) return context.status();
  auto impl = std::make_unique<Impl>();
  impl->context = std::move(*context);
  impl->ask_millis = options.ask_millis;
  return std::unique_ptr<AsyncResolver>(new AsyncResolver(std::move(impl)));
}

void AsyncResolver::Start(const Question& question, void* asker) {
  if (open() >= limits::kQuestionsInFlightMax) {
    impl_->done.push_back({asker, FailedAnswer(question, "too many questions at once")});
    return;
  }
  std::list<Impl::Asked>& asked = impl_->asked;
  Impl::Asked& one = asked.emplace_back();
  one = {impl_.get(), std::prev(asked.end()), question, asker,
         ReadMonoClock() + Millis(impl_->ask_millis)};
  Answer failure;
  if (!StartQuestion(impl_->context.get(), question, &one, &Impl::OnResult, &one.id, &failure)) {
    impl_->done.push_back({asker, std::move(failure)});
    asked.pop_back();
  }
}

size_t AsyncResolver::open() const { return impl_->asked.size() + impl_->done.size(); }

int AsyncResolver::fd() const { return ub_fd(impl_->context.get()); }

Millis AsyncResolver::UntilDue() const {
  if (!impl_->done.empty()) return Millis(0);
  if (impl_->asked.empty()) return Millis::max();
  return std::max(Millis(0), Millis(impl_->asked.front().due - ReadMonoClock()));
}

std::vector<AsyncResolver::Done> AsyncResolver::Process() {
  // What is there comes before what is late.
  if (ub_poll(impl_->context.get()) != 0) ub_process(impl_->context.get());
  impl_->GiveUpLate();
  return std::exchange(impl_->done, {});
}

}  // namespace ringpost::dns
