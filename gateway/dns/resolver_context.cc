#include "gateway/dns/resolver_context.h"

#include <algorithm>
#include <string>
#include <utility>

#include "gateway/dns/dns_limits.h"
#include "gateway/dns/message.h"
#include "gateway/dns/name.h"

namespace ringpost::dns {
namespace {

// "192.0.2.1@53": how the library writes an endpoint.
std::string AtPort(const Endpoint& endpoint) {
  return endpoint.address.ToString() + "@" + std::to_string(endpoint.port);
}

bool IsLoopback(const IpAddress& address) {
  constexpr size_t kV4At = 12;
  return address.is_v4() ? address.bytes[kV4At] == 127 : address == *IpAddress::Parse("::1");
}

// Sets a context up; the first thing that the library refuses is kept.
class Maker {
 public:
  explicit Maker(ub_ctx* context) : context_(context) {}

  void SetBounds(const ResolverOptions& options);
  void SetServers(const ResolverOptions& options);
  void ReadFiles(const ResolverOptions& options);
  const Status& status() const { return status_; }

 private:
  void Take(int error, std::string_view what) {
    if (error == 0 || !status_.ok()) return;
    status_ = MakeStatus(StatusCode::kInvalidArgument,
                         "the resolver refuses " + std::string(what) + ": " + ub_strerror(error));
  }
  void Set(const char* option, const std::string& value) {
    Take(ub_ctx_set_option(context_, option, value.c_str()), option + (" " + value));
  }

  ub_ctx* context_;
  Status status_;
};

void Maker::SetBounds(const ResolverOptions& options) {
  Take(ub_ctx_async(context_, /*dothread=*/1), "a thread of its own");
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

void Maker::SetServers(const ResolverOptions& options) {
  bool loopback = false;
  for (const Endpoint& server : options.forwarders) {
    Take(ub_ctx_set_fwd(context_, AtPort(server).c_str()), "the forwarder " + server.ToString());
    loopback |= IsLoopback(server.address);
  }
  for (const ResolverOptions::Stub& stub : options.stubs) {
    Take(ub_ctx_set_stub(context_, (stub.zone + ".").c_str(), AtPort(stub.server).c_str(), 0),
         "the server of " + stub.zone);
    loopback |= IsLoopback(stub.server.address);
  }
  // Otherwise it takes none of this machine for a server, whoever's zone says so.
  if (loopback) Set("do-not-query-localhost:", "no");
  if (!options.root_hints_file.empty()) Set("root-hints:", options.root_hints_file);
  if (!options.trust_anchors_file.empty()) {
    Take(ub_ctx_add_ta_file(context_, options.trust_anchors_file.c_str()),
         "the trust anchors of " + options.trust_anchors_file);
  }
}

// It reads its files only at the first question, and would say only there what is wrong with them;
// to forget a zone that it never had makes it do so here.
void Maker::ReadFiles(const ResolverOptions& options) {
  if (!status_.ok()) return;
  Take(ub_ctx_zone_remove(context_, "nowhere.invalid."),
       "its files (" + options.trust_anchors_file + " " + options.root_hints_file + ")");
}

}  // namespace

StatusOr<ResolverContext> MakeResolverContext(const ResolverOptions& options) {
  ResolverContext context(ub_ctx_create());
  if (context == nullptr) {
    return MakeStatus(StatusCode::kResourceExhausted, "no memory for a resolver");
  }
  // What it has to say of the servers of others is in the answers; what it logs besides is noise.
  ub_ctx_debugout(context.get(), nullptr);
  Maker maker(context.get());
  maker.SetBounds(options);
  maker.SetServers(options);
  maker.ReadFiles(options);
  if (!maker.status().ok()) return maker.status();
  return context;
}

bool StartQuestion(ub_ctx* context, const Question& question, void* asked,
                   ub_callback_type on_result, int* id, Answer* failure) {
  if (!IsName(question.name)) {
    *failure = FailedAnswer(question, "this is no name that can be asked for",
                            Answer::Failure::kMalformed);
    return false;
  }
  int error = ub_resolve_async(context, (question.name + ".").c_str(),
                               static_cast<int>(question.type), kClassIn, asked, on_result, id);
  if (error != 0) *failure = FailedAnswer(question, ub_strerror(error));
  return error == 0;
}

Answer AnswerOfResult(const Question& question, int error, ub_result* raw) {
  std::unique_ptr<ub_result, decltype(&ub_resolve_free)> result(raw, &ub_resolve_free);
  if (error != 0 || result == nullptr) return FailedAnswer(question, ub_strerror(error));
  if (result->bogus != 0) {
    return FailedAnswer(question, result->why_bogus != nullptr ? result->why_bogus : "bogus",
                        Answer::Failure::kBogus);
  }
  if (result->answer_packet == nullptr) {
    return FailedAnswer(question,
                        "the answer is " + RcodeName(static_cast<uint16_t>(result->rcode)));
  }
  Answer answer = ReadAnswer(question, {static_cast<const char*>(result->answer_packet),
                                        static_cast<size_t>(result->answer_len)});
  if (answer.known() && result->secure != 0) answer.security = Answer::Security::kSecure;
  return answer;
}

Answer LateAnswer(const Question& question, uint32_t ask_millis) {
  return FailedAnswer(question, "no answer within " + std::to_string(ask_millis) + " ms",
                      Answer::Failure::kTimeout);
}

}  // namespace ringpost::dns
