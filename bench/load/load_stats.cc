#include "bench/load/load_stats.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "bench/load/net.h"

namespace ringpost::bench {
namespace {

double Micros(uint64_t nanos) { return static_cast<double>(nanos) / 1e3; }

nlohmann::ordered_json HistogramJson(const Histogram& histogram) {
  return {{"count", histogram.count()},
          {"mean", histogram.mean() / 1e3},
          {"p50", Micros(histogram.Quantile(0.5))},
          {"p90", Micros(histogram.Quantile(0.9))},
          {"p99", Micros(histogram.Quantile(0.99))},
          {"p999", Micros(histogram.Quantile(0.999))},
          {"max", Micros(histogram.max())}};
}

double SecondsOf(const LoadStats& stats) {
  if (stats.last_reply_nanos <= stats.first_nanos) return 0;
  return static_cast<double>(stats.last_reply_nanos - stats.first_nanos) / 1e9;
}

double RateOf(const LoadStats& stats) {
  const double seconds = SecondsOf(stats);
  return seconds > 0 ? static_cast<double>(stats.accepted) / seconds : 0;
}

}  // namespace

void LoadStats::Merge(const LoadStats& other) {
  started += other.started;
  accepted += other.accepted;
  refused += other.refused;
  unanswered += other.unanswered;
  text_bytes += other.text_bytes;
  connects += other.connects;
  connect_failures += other.connect_failures;
  disconnects += other.disconnects;
  tls_handshakes += other.tls_handshakes;
  tls_resumed += other.tls_resumed;
  tls_failures += other.tls_failures;
  if (tls_failure.empty()) tls_failure = other.tls_failure;
  backlog_max += other.backlog_max;
  if (other.first_nanos != 0) {
    first_nanos = first_nanos == 0 ? other.first_nanos : std::min(first_nanos, other.first_nanos);
  }
  last_reply_nanos = std::max(last_reply_nanos, other.last_reply_nanos);
  final_reply.Merge(other.final_reply);
  due.Merge(other.due);
  mail_reply.Merge(other.mail_reply);
  transaction.Merge(other.transaction);
  for (const auto& [key, value] : other.replies) {
    auto& [count, sample] = replies[key];
    if (count == 0) sample = value.second;
    count += value.first;
  }
}

std::string LoadStats::Json(std::string_view run_id) const {
  nlohmann::ordered_json codes = nlohmann::ordered_json::object();
  nlohmann::ordered_json samples = nlohmann::ordered_json::object();
  for (const auto& [key, value] : replies) {
    const std::string name = std::string(key.first) + " " + std::to_string(key.second);
    codes[name] = value.first;
    if (key.second >= 400) samples[name] = value.second;
  }
  const nlohmann::ordered_json json = {
      {"run", run_id},
      {"started", started},
      {"accepted", accepted},
      {"refused", refused},
      {"unanswered", unanswered},
      {"seconds", SecondsOf(*this)},
      {"rate", RateOf(*this)},
      {"text_bytes", text_bytes},
      {"connects", connects},
      {"connect_failures", connect_failures},
      {"disconnects", disconnects},
      {"tls_handshakes", tls_handshakes},
      {"tls_resumed", tls_resumed},
      {"tls_failures", tls_failures},
      {"tls_failure", tls_failure},
      {"backlog_max", backlog_max},
      {"first_seconds", static_cast<double>(first_nanos) / 1e9},
      {"last_reply_seconds", static_cast<double>(last_reply_nanos) / 1e9},
      {"final_reply_us", HistogramJson(final_reply)},
      {"due_us", HistogramJson(due)},
      {"mail_reply_us", HistogramJson(mail_reply)},
      {"transaction_us", HistogramJson(transaction)},
      {"replies", codes},
      {"refusal_samples", samples},
      {"cpu_seconds", static_cast<double>(ProcessCpuNanos()) / 1e9},
  };
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string LoadStats::Text() const {
  std::array<char, 512> line;
  std::string text;
  std::snprintf(line.data(), line.size(),
                "%llu accepted, %llu refused, %llu unanswered in %.2f s: %.0f a second\n",
                static_cast<unsigned long long>(accepted), static_cast<unsigned long long>(refused),
                static_cast<unsigned long long>(unanswered), SecondsOf(*this), RateOf(*this));
  text += line.data();
  const std::array<std::pair<const char*, const Histogram*>, 3> rows = {
      {{"final reply", &final_reply}, {"transaction", &transaction}, {"due to reply", &due}}};
  for (const auto& [name, histogram] : rows) {
    if (histogram->count() == 0) continue;
    std::snprintf(line.data(), line.size(),
                  "%s in ms: p50 %.2f, p90 %.2f, p99 %.2f, p99.9 %.2f, worst %.2f\n", name,
                  Micros(histogram->Quantile(0.5)) / 1e3, Micros(histogram->Quantile(0.9)) / 1e3,
                  Micros(histogram->Quantile(0.99)) / 1e3, Micros(histogram->Quantile(0.999)) / 1e3,
                  Micros(histogram->max()) / 1e3);
    text += line.data();
  }
  for (const auto& [key, value] : replies) {
    if (key.second < 400) continue;
    text += std::string(key.first) + " answered " + std::to_string(value.first) +
            " times: " + value.second + "\n";
  }
  if (connect_failures + disconnects > 0) {
    text += std::to_string(connect_failures) + " connects failed, " + std::to_string(disconnects) +
            " connections ended by the server\n";
  }
  if (tls_handshakes + tls_failures > 0) {
    text += std::to_string(tls_handshakes) + " TLS handshakes, " + std::to_string(tls_resumed) +
            " of them resumed, " + std::to_string(tls_failures) + " failed" +
            (tls_failure.empty() ? "" : ": " + tls_failure) + "\n";
  }
  return text;
}

}  // namespace ringpost::bench
