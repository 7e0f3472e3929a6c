#include "gateway/app/tls_report_service.h"

#include <signal.h>
#include <sys/prctl.h>

#include <algorithm>
#include <utility>

#include "gateway/app/control_json.h"
#include "gateway/mail/tls_report_limits.h"

namespace ringpost::app {
namespace {

using identity::Json;

Json StateJson(const TlsReportState& state) {
  static constexpr std::string_view kStates[] = {"waits", "sent", "failed"};
  Json json = {{"targets", Json::array()}};
  for (const TlsReportState::Target& target : state.targets) {
    Json one = {{"uri", target.uri}, {"state", kStates[static_cast<size_t>(target.state)]}};
    if (!target.words.empty()) one["words"] = target.words;
    json["targets"].push_back(std::move(one));
  }
  if (!state.words.empty()) json["words"] = state.words;
  if (!state.over) json["next"] = FormatRfc3339(state.due);
  return json;
}

TlsReportSender::Setup With(TlsReportSender::Setup setup, TlsReportBook* book) {
  setup.book = book;
  return setup;
}

}  // namespace

TlsReportService::TlsReportService(storage::ControlStore* store, TlsReportSender::Setup setup,
                                   TlsReportConfig config)
    : book_(store, setup.log), sender_(With(std::move(setup), &book_), std::move(config)) {}

TlsReportService::~TlsReportService() {
  StopSending();
  EndThread();
}

void TlsReportService::Start() {
  thread_ = std::thread([this] { Main(); });
  sender_.Start();
}

void TlsReportService::Main() {
  sigset_t all;
  sigfillset(&all);  // signals are the main thread's
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  prctl(PR_SET_NAME, "rp-tls-sums");
  constexpr Seconds kSaveAfter{mail::limits::kTlsSaveSeconds};
  MonoTime save_at = ReadMonoClock() + kSaveAfter;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, std::chrono::milliseconds(mail::limits::kTlsOutcomesTakeMillis),
                        [this] { return stopping_; });
      if (stopping_) return;
    }
    book_.Take();
    if (ReadMonoClock() < save_at) continue;
    book_.Save(ReadWallClock());
    save_at = ReadMonoClock() + kSaveAfter;
  }
}

void TlsReportService::EndThread() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void TlsReportService::Stop() {
  StopSending();
  EndThread();
  book_.Take();
  book_.Save(ReadWallClock());
}

Json TlsReportService::List(const TlsReportRequest& request, UtcDay day) const {
  std::vector<TlsReportBook::Row> rows = book_.List(day, request.after, request.limit);
  Json answer = OkAnswer();
  answer["day"] = day.ToString();
  answer["lost"] = book_.lost();
  answer["outcomes"] = Json::array();
  for (const TlsReportBook::Row& row : rows) {
    answer["outcomes"].push_back(
        {{"domain", row.domain}, {"successful", row.successful}, {"failed", row.failed}});
  }
  if (rows.size() == request.limit) answer["next"] = rows.back().domain;
  return answer;
}

void TlsReportService::Answer(const TlsReportRequest& request, WallTime now, const Done& done) {
  book_.Take();
  const UtcDay day = request.day.value_or(UtcDay::Of(now));
  if (!request.report) return done(List(request, day));
  auto sums = book_.Find(day, request.name);
  if (!sums) {
    return done(ErrorAnswer(
        {"not_found",
         "no session with an exchanger of " + request.name + " is known of on " + day.ToString(),
         "ringpost tls outcomes lists the domains of a day"}));
  }
  mail::TlsReport report = sender_.Build(day, request.name, *sums, now);
  Json answer = OkAnswer();
  answer["day"] = day.ToString();
  answer["report"] = Json::parse(report.json, nullptr, /*allow_exceptions=*/false);
  if (!request.send) {
    if (auto state = book_.StateOf(day, request.name)) answer["sending"] = StateJson(*state);
    return done(answer);
  }
  sender_.Send(day, request.name,
               [answer = std::move(answer), done](const TlsReportSender::Sent& sent) mutable {
                 if (!sent.error.empty()) return done(ErrorAnswer({"unavailable", sent.error, ""}));
                 answer["sending"] = StateJson(sent.state);
                 done(answer);
               });
}

}  // namespace ringpost::app
