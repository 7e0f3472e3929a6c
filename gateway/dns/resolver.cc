#include "gateway/dns/resolver.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "gateway/base/time.h"
#include "gateway/dns/resolver_context.h"

namespace ringpost::dns {
namespace {

// A question in work. The library has its address until the answer is there or it is cancelled.
struct Asked {
  const Question* question = nullptr;
  Answer* answer = nullptr;
  int id = 0;
  bool done = false;
};

void OnResult(void* argument, int error, ub_result* result) {
  auto* asked = static_cast<Asked*>(argument);
  asked->done = true;
  *asked->answer = AnswerOfResult(*asked->question, error, result);
}

}  // namespace

struct Resolver::Impl {
  ResolverContext context;
  uint32_t ask_millis = 0;

  // Answers that are there; false: the time is up.
  bool Process(MonoTime deadline);
  void Ask(std::span<const Question> questions, Answer* answers);
};

bool Resolver::Impl::Process(MonoTime deadline) {
  pollfd waited{ub_fd(context.get()), POLLIN, 0};
  Millis left = deadline - ReadMonoClock();
  int ready = ::poll(&waited, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
  if (ready > 0) {
    ub_process(context.get());
    return true;
  }
  return ready < 0 && errno == EINTR;
}

void Resolver::Impl::Ask(std::span<const Question> questions, Answer* answers) {
  std::vector<Asked> asked(questions.size());
  size_t open = 0;
  for (size_t i = 0; i < questions.size(); ++i) {
    asked[i] = {&questions[i], &answers[i], 0, false};
    asked[i].done = !StartQuestion(context.get(), questions[i], &asked[i], &OnResult, &asked[i].id,
                                   &answers[i]);
  }
  const MonoTime deadline = ReadMonoClock() + Millis(ask_millis);
  auto is_open = [](const Asked& one) { return !one.done; };
  do {
    open = static_cast<size_t>(std::count_if(asked.begin(), asked.end(), is_open));
  } while (open > 0 && Process(deadline));
  for (Asked& one : asked) {
    if (one.done) continue;
    ub_cancel(context.get(), one.id);  // OnResult is not called for it any more
    *one.answer = LateAnswer(*one.question, ask_millis);
  }
}

Resolver::Resolver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Resolver::~Resolver() = default;

StatusOr<std::unique_ptr<Resolver>> Resolver::Create(const ResolverOptions& options) {
  StatusOr<ResolverContext> context = MakeResolverContext(options);
  if (!context.ok()) return context.status();
  auto impl = std::make_unique<Impl>();
  impl->context = std::move(*context);
  impl->ask_millis = options.ask_millis;
  return std::unique_ptr<Resolver>(new Resolver(std::move(impl)));
}

Answer Resolver::Ask(const Question& question) { return AskAll({&question, 1})[0]; }

std::vector<Answer> Resolver::AskAll(std::span<const Question> questions) {
  std::vector<Answer> answers(questions.size());
  for (size_t at = 0; at < questions.size(); at += limits::kQuestionsAtOnceMax) {
    size_t count = std::min(limits::kQuestionsAtOnceMax, questions.size() - at);
    impl_->Ask(questions.subspan(at, count), &answers[at]);
  }
  return answers;
}

}  // namespace ringpost::dns
