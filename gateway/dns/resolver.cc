#include "gateway/dns/resolver.h"

#include <poll.h>
#include <unbound.h>

#include <algorithm>
#include <cerrno>

#include "gateway/base/check.h"
#include "gateway/base/time.h"
#include "gateway/dns/message.h"
#include "gateway/dns/name.h"

namespace ringpost::dns {
namespace {

using Result = std::unique_ptr<ub_result, decltype(&ub_resolve_free)>;

// A question in work. The library has its address until the answer is there or it is cancelled.
struct Asked {
  const Question* question = nullptr;
  Answer* answer = nullptr;
  int id = 0;
  bool done = false;
};

// "192.0.2.1@53": how the library writes an endpoint.
std::string AtPort(const Endpoint& endpoint) {
  return endpoint.address.ToString() + "@" + std::to_string(endpoint.port);
}

bool IsLoopback(const IpAddress& address) {
  constexpr size_t kV4At = 12;
  return address.is_v4() ? address.bytes[kV4At] == 127 : address == *IpAddress::Parse("::1");
}

Answer AnswerOf(const Question& question, const ub_result& result) {
  if (result.bogus != 0) {
    return FailedAnswer(question, result.why_bogus != nullptr ? result.why_bogus : "bogus",
                        Answer::Failure::kBogus);
  }
  if (result.answer_packet == nullptr) {
    return FailedAnswer(question,
                        "the answer is " + RcodeName(static_cast<uint16_t>(result.rcode)));
  }
  Answer answer = ReadAnswer(question, {static_cast<const char*>(result.answer_packet),
                                        static_cast<size_t>(result.answer_len)});
  if (answer.known() && result.secure != 0) answer.security = Answer::Security::kSecure;
  return answer;
}

void OnResult(void* argument, int error, ub_result* raw) {
  Result result(raw, &ub_resolve_free);
  auto* asked = static_cast<Asked*>(argument);
  asked->done = true;
  *asked->answer = error != 0 || result == nullptr
                       ? FailedAnswer(*asked->question, ub_strerror(error))
                       : AnswerOf(*asked->question, *result);
}

}  // namespace

struct Resolver::Impl {
  ub_ctx* context = nullptr;
  uint32_t ask_millis = 0;

  ~Impl() {
    if (context != nullptr) ub_ctx_delete(context);
  }

  // The first thing that the library refuses is kept.
  Status status;
  void Take(int error, std::string_view what) {
    if (error == 0 || !status.ok()) return;
    status = MakeStatus(StatusCode::kInvalidArgument,
                        "the resolver refuses " + std::string(what) + ": " + ub_strerror(error));
  }
  void Set(const char* option, const std::string& value) {
    Take(ub_ctx_set_option(context, option, value.c_str()), option + (" " + value));
  }
  void SetBounds(const ResolverOptions& options);
  void SetServers(const ResolverOptions& options);

  // Answers that are there; false: the time is up.
  bool Process(MonoTime deadline);
  void Ask(std::span<const Question> questions, Answer* answers);
};

void Resolver::Impl::SetBounds(const ResolverOptions& options) {
  Take(ub_ctx_async(context, /*dothread=*/1), "a thread of its own");
  Set("outgoing-range:", std::to_string(limits::kResolverSocketsMax));
  Set("num-queries-per-thread:", std::to_string(limits::kResolverQuestionsMax));
  Set("infra-host-ttl:", std::to_string(limits::kServerForgetSeconds));
  Set("cache-max-negative-ttl:",
      std::to_string(std::min(options.cache_seconds_max.value_or(UINT32_MAX),
                              limits::kNegativeCacheSecondsMax)));
  if (options.cache_seconds_max) {
    Set("cache-max-ttl:", std::to_string(*options.cache_seconds_max));
    Set("infra-host-ttl:",
        std::to_string(std::min(*options.cache_seconds_max, limits::kServerForgetSeconds)));
  }
}

void Resolver::Impl::SetServers(const ResolverOptions& options) {
  bool loopback = false;
  for (const Endpoint& server : options.forwarders) {
    Take(ub_ctx_set_fwd(context, AtPort(server).c_str()), "the forwarder " + server.ToString());
    loopback |= IsLoopback(server.address);
  }
  for (const ResolverOptions::Stub& stub : options.stubs) {
    Take(ub_ctx_set_stub(context, (stub.zone + ".").c_str(), AtPort(stub.server).c_str(), 0),
         "the server of " + stub.zone);
    loopback |= IsLoopback(stub.server.address);
  }
  // Otherwise it takes none of this machine for a server, whoever's zone says so.
  if (loopback) Set("do-not-query-localhost:", "no");
  if (!options.root_hints_file.empty()) Set("root-hints:", options.root_hints_file);
  if (!options.trust_anchors_file.empty()) {
    Take(ub_ctx_add_ta_file(context, options.trust_anchors_file.c_str()),
         "the trust anchors of " + options.trust_anchors_file);
  }
}

bool Resolver::Impl::Process(MonoTime deadline) {
  pollfd waited{ub_fd(context), POLLIN, 0};
  Millis left = deadline - ReadMonoClock();
  int ready = ::poll(&waited, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
  if (ready > 0) {
    ub_process(context);
    return true;
  }
  return ready < 0 && errno == EINTR;
}

void Resolver::Impl::Ask(std::span<const Question> questions, Answer* answers) {
  std::vector<Asked> asked(questions.size());
  size_t open = 0;
  for (size_t i = 0; i < questions.size(); ++i) {
    asked[i] = {&questions[i], &answers[i], 0, true};
    if (!IsName(questions[i].name)) {
      answers[i] = FailedAnswer(questions[i], "this is no name that can be asked for",
                                Answer::Failure::kMalformed);
      continue;
    }
    int error = ub_resolve_async(context, (questions[i].name + ".").c_str(),
                                 static_cast<int>(questions[i].type), kClassIn, &asked[i],
                                 &OnResult, &asked[i].id);
    asked[i].done = error != 0;
    if (error != 0) answers[i] = FailedAnswer(questions[i], ub_strerror(error));
  }
  const MonoTime deadline = ReadMonoClock() + Millis(ask_millis);
  auto is_open = [](const Asked& one) { return !one.done; };
  do {
    open = static_cast<size_t>(std::count_if(asked.begin(), asked.end(), is_open));
  } while (open > 0 && Process(deadline));
  for (Asked& one : asked) {
    if (one.done) continue;
    ub_cancel(context, one.id);  // OnResult is not called for it any more
    *one.answer =
        FailedAnswer(*one.question, "no answer within " + std::to_string(ask_millis) + " ms",
                     Answer::Failure::kTimeout);
  }
}

Resolver::Resolver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Resolver::~Resolver() = default;

StatusOr<std::unique_ptr<Resolver>> Resolver::Create(const ResolverOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->context = ub_ctx_create();
  if (impl->context == nullptr) {
    return MakeStatus(StatusCode::kResourceExhausted, "no memory for a resolver");
  }
  // What it has to say of the servers of others is in the answers; what it logs besides is noise.
  ub_ctx_debugout(impl->context, nullptr);
  impl->ask_millis = options.ask_millis;
  impl->SetBounds(options);
  impl->SetServers(options);
  // It reads its files only now, and would say what is wrong with them at the first question; to
  // forget a zone that it never had makes it do so here.
  if (impl->status.ok()) {
    impl->Take(ub_ctx_zone_remove(impl->context, "nowhere.invalid."),
               "its files (" + options.trust_anchors_file + " " + options.root_hints_file + ")");
  }
  if (!impl->status.ok()) return impl->status;
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
