// Shaping: what holds for a site (asked once for a site, and for each entry whose account has
// rules), what a reply sets off, one step of a pace.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "gateway/app/config_shaping.h"
#include "gateway/base/check.h"
#include "gateway/delivery/pace.h"
#include "gateway/delivery/shaping_automation.h"

namespace ringpost::delivery {
namespace {

const std::vector<std::string> kGoogle = {
    "gmail-smtp-in.l.google.com", "alt1.gmail-smtp-in.l.google.com",
    "alt2.gmail-smtp-in.l.google.com", "alt3.gmail-smtp-in.l.google.com",
    "alt4.gmail-smtp-in.l.google.com"};
const std::vector<std::string> kNobody = {"mx1.mail.example.com", "mx2.mail.example.com"};

std::shared_ptr<const ShapingTable> Table(const std::string& text) {
  auto result = app::ParseShaping(text, "bench.toml", app::BaseShaping(app::Config()));
  RP_CHECK(result.table != nullptr);
  return result.table;
}

// 6,000 domains and 3,000 accounts with rules of their own.
std::string ManyRules() {
  std::string text;
  for (int i = 0; i < 6000; ++i) {
    std::string name = "d" + std::to_string(i) + ".example.net";
    text += "[[domain]]\ndomain = [\"" + name + "\", \"*." + name + "\"]\nconnections = 5\n";
  }
  for (int i = 0; i < 3000; ++i) {
    text += "[[account]]\naccount = \"a" + std::to_string(i) +
            "\"\nprovider = \"google\"\nmessage_rate = \"10/m\"\n";
  }
  return text;
}

void For(benchmark::State& state, const ShapingTable& table, const ShapingQuery& query) {
  for (auto _ : state) benchmark::DoNotOptimize(table.For(query));
}

void BM_ShapingForNobody(benchmark::State& state) {
  For(state, *Table(""), {"example.com", kNobody, "", ""});
}
BENCHMARK(BM_ShapingForNobody);

void BM_ShapingForProvider(benchmark::State& state) {
  For(state, *Table(""), {"gmail.com", kGoogle, "", ""});
}
BENCHMARK(BM_ShapingForProvider);

void BM_ShapingForAccountOfMany(benchmark::State& state) {
  For(state, *Table(ManyRules()), {"b.d77.example.net", kGoogle, "", "a2321"});
}
BENCHMARK(BM_ShapingForAccountOfMany);

void Observe(benchmark::State& state, const smtp::Reply& reply) {
  ShapingAutomation automation(Table(""));
  ShapingPlace place{"google", "google", "", "acme"};
  MonoTime now{Seconds(1)};
  for (auto _ : state) {
    now += Millis(1);
    benchmark::DoNotOptimize(
        automation.Observe({"gmail.com", kGoogle, "", "acme"}, place, reply, now));
  }
}

void BM_ShapingObserveNothing(benchmark::State& state) {
  Observe(state,
          {550,
           {5, 1, 1},
           "The email account that you tried to reach does not exist. Please try\n"
           "double-checking the recipient's email address for typos or unnecessary spaces."});
}
BENCHMARK(BM_ShapingObserveNothing);

void BM_ShapingObserveSomething(benchmark::State& state) {
  Observe(state, {421,
                  {4, 7, 28},
                  "[192.0.2.1] Our system has detected an unusual rate of\nunsolicited mail "
                  "originating from your IP address. To protect our\nusers from spam"});
}
BENCHMARK(BM_ShapingObserveSomething);

void BM_ShapingParseBuiltIn(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Table(""));
}
BENCHMARK(BM_ShapingParseBuiltIn);

void BM_ShapingParseMany(benchmark::State& state) {
  std::string text = ManyRules();
  for (auto _ : state) benchmark::DoNotOptimize(Table(text));
}
BENCHMARK(BM_ShapingParseMany)->Unit(benchmark::kMillisecond);

void BM_PaceTake(benchmark::State& state) {
  static Pace pace;
  PaceLimit limit{1'000'000, Seconds(1)};
  int64_t now = 1;
  for (auto _ : state) {
    benchmark::DoNotOptimize(pace.Take(limit, MonoTime(Millis(now))));
    ++now;
  }
}
BENCHMARK(BM_PaceTake)->ThreadRange(1, 2);

}  // namespace
}  // namespace ringpost::delivery
