// The library of Resolver and AsyncResolver: a context of libunbound as ResolverOptions want it,
// and what its results say.
//
// Not for anybody else: this is where the library's types are.
//
// Threads: as libunbound has it. A context runs a thread of its own from the first question on, and
// calls back in the thread that processes its results.
#pragma once

#include <unbound.h>

#include <memory>
#include <string_view>

#include "gateway/base/status.h"
#include "gateway/dns/answer.h"
#include "gateway/dns/resolver.h"

namespace ringpost::dns {

// Questions that are open end with it, and call back no more.
struct ContextDeleter {
  void operator()(ub_ctx* context) const { ub_ctx_delete(context); }
};
using ResolverContext = std::unique_ptr<ub_ctx, ContextDeleter>;

// Its files are read. INVALID_ARGUMENT: as Resolver::Create.
StatusOr<ResolverContext> MakeResolverContext(const ResolverOptions& options);

// Asks; `on_result` is called by ub_process with `asked`, but not before this returns. False: it
// will not be, and `*failure` says why.
[[nodiscard]] bool StartQuestion(ub_ctx* context, const Question& question, void* asked,
                                 ub_callback_type on_result, int* id, Answer* failure);
// What a callback got. Takes `result`, which may be null.
Answer AnswerOfResult(const Question& question, int error, ub_result* result);
// "no answer within 15000 ms".
Answer LateAnswer(const Question& question, uint32_t ask_millis);

}  // namespace ringpost::dns
