// What a connection costs before it is known what it is, and an answer on the web ports.
#include <benchmark/benchmark.h>

#include "gateway/http/front_door.h"
#include "gateway/session/protocol_choice.h"

namespace ringpost::http {
namespace {

void FirstWordsOfSmtpAndHttp(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(session::LookAtFirstWords("EHLO client.example\r\n"));
    benchmark::DoNotOptimize(session::LookAtFirstWords("PATCH / HTTP/1.1\r\n"));
  }
  state.SetItemsProcessed(2 * state.iterations());
}
BENCHMARK(FirstWordsOfSmtpAndHttp);

void Redirect(benchmark::State& state) {
  AcmeChallenges none;
  Request request{"GET", "/a/path?with=a&query=1", "www.example.com:80", 1, 11, false};
  for (auto _ : state) benchmark::DoNotOptimize(AnswerTo(request, none, 443));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Redirect);

}  // namespace
}  // namespace ringpost::http
