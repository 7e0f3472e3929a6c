#include "gateway/app/tls_report_sender.h"

#include <signal.h>
#include <sys/prctl.h>

#include <algorithm>
#include <utility>

#include "gateway/base/text.h"
#include "gateway/dns/name.h"
#include "gateway/mail/tls_report_limits.h"
#include "gateway/session/host_addresses.h"

namespace ringpost::app {
namespace {

namespace limits = mail::limits;
using mail::TlsReportTarget;
using State = TlsReportState::Target::State;

constexpr std::string_view kMailto = "mailto:";

uint64_t SeedOf(std::string_view hostname) {
  tls::Sha256 hash;
  hash.Update(hostname);
  uint64_t seed = 0;
  for (uint8_t byte : hash.Finish()) seed = seed << 8 | byte;
  return seed;
}

dns::Question RecordOf(const std::string& domain) {
  return {"_smtp._tls." + domain, dns::RecordType::kTxt};
}

std::vector<std::string> TextsOf(const dns::Answer& answer) {
  std::vector<std::string> texts;
  for (const dns::Record& record : answer.records) texts.push_back(record.value);
  return texts;
}

bool IsMail(const TlsReportState::Target& target) { return target.uri.starts_with(kMailto); }

}  // namespace

TlsReportSender::TlsReportSender(Setup setup, TlsReportConfig config)
    : setup_(std::move(setup)),
      targets_(setup_.allowed_targets),
      seed_(SeedOf(setup_.hostname)),
      random_(Random::FromSystem()),
      config_(std::move(config)) {}

void TlsReportSender::Start() {
  stopping_ = false;
  thread_ = std::thread([this] { Main(); });
}

void TlsReportSender::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  std::deque<Wanted> left;
  {
    std::lock_guard lock(mutex_);
    left.swap(wanted_);
  }
  for (Wanted& one : left) one.done({"the daemon stops", {}});
}

void TlsReportSender::Configure(TlsReportConfig config) {
  std::lock_guard lock(mutex_);
  config_ = std::move(config);
}

TlsReportConfig TlsReportSender::config() {
  std::lock_guard lock(mutex_);
  return config_;
}

void TlsReportSender::Send(UtcDay day, std::string domain, Done done) {
  std::string error;
  {
    std::lock_guard lock(mutex_);
    if (config_.from.empty()) {
      error = "no reports are sent from here: the configuration has no [tls_reports]";
    } else if (stopping_) {
      error = "the daemon stops";
    } else if (wanted_.size() >= limits::kTlsReportRequestsMax) {
      error = "too many reports wait to be sent already; try again in a moment";
    } else {
      wanted_.push_back({day, std::move(domain), std::move(done)});
      changed_.notify_all();
      return;
    }
  }
  done({error, {}});
}

bool TlsReportSender::stopping() {
  std::lock_guard lock(mutex_);
  return stopping_;
}

bool TlsReportSender::WaitForWork(std::optional<Wanted>* wanted) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::seconds(limits::kTlsReportLookSeconds),
                    [this] { return stopping_ || !wanted_.empty(); });
  if (stopping_) return false;
  current_ = config_;
  if (wanted_.empty()) return true;
  *wanted = std::move(wanted_.front());
  wanted_.pop_front();
  return true;
}

void TlsReportSender::Main() {
  sigset_t all;
  sigfillset(&all);  // signals are the main thread's
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  prctl(PR_SET_NAME, "rp-tls-reports");
  std::optional<Wanted> wanted;
  while (WaitForWork(&wanted)) {
    if (wanted) {
      Serve(std::move(*wanted));
      wanted.reset();
      continue;
    }
    if (!current_.from.empty()) SendDue();
  }
}

mail::TlsReport TlsReportSender::Build(UtcDay day, const std::string& domain,
                                       const mail::TlsPolicySums& sums, WallTime now) {
  TlsReportConfig config = this->config();
  if (config.from.empty()) {
    config.organization = setup_.hostname;
    config.contact = config.from = "postmaster@" + setup_.hostname;
  }
  mail::TlsReportInput input;
  input.organization = config.organization;
  input.contact = config.contact;
  input.submitter = config.submitter();
  input.hostname = setup_.hostname;
  input.domain = domain;
  input.begin = day.begin();
  input.end = std::clamp(now, day.begin() + Seconds(1), day.end());
  input.sums = &sums;
  return mail::BuildTlsReport(input);
}

Status TlsReportSender::OpenResolver() {
  if (resolver_) return OkStatus();
  auto resolver = dns::Resolver::Create(setup_.resolver);
  if (!resolver.ok()) return resolver.status();
  resolver_ = std::move(*resolver);
  return OkStatus();
}

void TlsReportSender::SendDue() {
  for (;;) {
    WallTime now = ReadWallClock();
    std::vector<Job> jobs;
    for (TlsReportBook::Due& due : setup_.book->TakeDue(now, seed_, limits::kTlsReportBatch)) {
      jobs.emplace_back().due = std::move(due);
    }
    if (jobs.empty() || stopping()) return;
    Process(&jobs);
    std::lock_guard lock(mutex_);
    if (!wanted_.empty()) return;
  }
}

void TlsReportSender::Serve(Wanted wanted) {
  auto sums = setup_.book->Find(wanted.day, wanted.domain);
  if (!sums) {
    wanted.done({"nothing is known of " + wanted.domain + " on that day", {}});
    return;
  }
  std::vector<Job> jobs(1);
  Job& job = jobs[0];
  job.due = {wanted.day, wanted.domain, std::move(*sums), {}};
  job.remember = wanted.day.end() <= ReadWallClock();
  Process(&jobs);
  wanted.done({"", job.due.state});
}

void TlsReportSender::Process(std::vector<Job>* jobs) {
  Status opened = OpenResolver();
  if (!opened.ok()) {
    for (Job& job : *jobs) {
      job.failed = true;
      job.due.state.words = std::string(MessageOf(opened));
    }
  } else {
    FindTargets(jobs);
    WallTime now = ReadWallClock();
    for (Job& job : *jobs) {
      if (job.due.state.targets.empty()) continue;
      for (const auto& target : job.due.state.targets) job.before.push_back(target.state);
      job.report = Build(job.due.day, job.due.domain, job.due.sums, now);
      job.compressed = mail::Gzip(job.report.json);
      MailAll(&job);
    }
    PostAll(jobs);
  }
  for (Job& job : *jobs) Finish(&job);
}

// Of those that have none yet: the record is asked for.
void TlsReportSender::FindTargets(std::vector<Job>* jobs) {
  std::vector<dns::Question> questions;
  std::vector<Job*> asking;
  for (Job& job : *jobs) {
    dns::Question question = RecordOf(job.due.domain);
    if (!job.due.state.targets.empty()) continue;
    if (!dns::IsName(question.name)) {
      job.due.state.words = "it is no name of the DNS";
      continue;
    }
    questions.push_back(std::move(question));
    asking.push_back(&job);
  }
  std::vector<dns::Answer> answers = resolver_->AskAll(questions);
  for (size_t i = 0; i < asking.size(); ++i) {
    TlsReportState& state = asking[i]->due.state;
    if (!answers[i].known()) {
      asking[i]->failed = true;
      state.words = "the DNS does not say whether it wants reports: " + answers[i].words;
      continue;
    }
    mail::TlsReportRecord record = mail::ReadTlsReportRecord(TextsOf(answers[i]));
    state.words = std::move(record.words);
    for (const TlsReportTarget& target : record.targets) {
      state.targets.push_back({target.ToUri(), State::kOpen, ""});
    }
  }
}

void TlsReportSender::MailAll(Job* job) {
  const std::string submitter(current_.submitter());
  for (TlsReportState::Target& target : job->due.state.targets) {
    if (target.state != State::kOpen || !IsMail(target)) continue;
    WallTime now = ReadWallClock();
    session::OwnMail mail;
    mail.id = MessageId::Make(now, 0, random_);
    mail.recipient = target.uri.substr(kMailto.size());
    mail.signing_domain = ToLower(submitter);
    mail.text = mail::BuildTlsReportMail({.report = &job->report,
                                          .compressed = job->compressed,
                                          .from = current_.from,
                                          .to = mail.recipient,
                                          .submitter = submitter,
                                          .hostname = setup_.hostname,
                                          .domain = job->due.domain,
                                          .id = mail.id,
                                          .now = now});
    target.state = State::kSent;
    Remember(*job);
    Status status = setup_.queue(std::move(mail));
    if (status.ok() || status.code() == StatusCode::kDeadlineExceeded) continue;
    target.state = State::kOpen;
    target.words = std::string(MessageOf(status));
    job->failed = true;
    Remember(*job);
  }
}

// Literal addresses are asked about nowhere.
void TlsReportSender::FindAddresses(std::vector<Posting>* postings) {
  std::vector<dns::Question> questions;
  for (Posting& posting : *postings) {
    const std::string& host = posting.post.url.host;
    if (IpAddress::Parse(host)) continue;
    questions.push_back({dns::CanonicalName(host), dns::RecordType::kAaaa});
    questions.push_back({dns::CanonicalName(host), dns::RecordType::kA});
  }
  std::vector<dns::Answer> answers = resolver_->AskAll(questions);
  size_t next = 0;
  for (Posting& posting : *postings) {
    std::string& words = posting.job->due.state.targets[posting.target].words;
    if (auto literal = IpAddress::Parse(posting.post.url.host)) {
      std::string_view why_not = targets_.WhyNot(*literal);
      if (why_not.empty()) posting.post.addresses = {*literal};
      words = std::string(why_not);
      continue;
    }
    session::HostAddresses found =
        session::ReadHostAddresses(answers[next], answers[next + 1], targets_);
    next += 2;
    posting.post.addresses = std::move(found.addresses);
    words = std::move(found.error);
  }
}

void TlsReportSender::PostAll(std::vector<Job>* jobs) {
  std::vector<Posting> postings;
  for (Job& job : *jobs) {
    std::vector<TlsReportState::Target>& targets = job.due.state.targets;
    for (size_t i = 0; i < targets.size(); ++i) {
      if (targets[i].state != State::kOpen || IsMail(targets[i])) continue;
      auto url = acme::ParseUrl(targets[i].uri);
      bool fine = url && (IpAddress::Parse(url->host) || dns::IsName(url->host));
      if (fine) {
        postings.push_back({&job, i, {std::move(*url), {}, job.compressed}});
      } else {
        targets[i].state = State::kFailed;
        targets[i].words = "it is no URL that can be posted to";
      }
    }
  }
  if (postings.empty()) return;
  FindAddresses(&postings);
  std::vector<http::ReportPost> posts;
  std::vector<const Posting*> posted;
  for (Posting& posting : postings) {
    if (posting.post.addresses.empty()) {
      posting.job->failed = true;
      continue;
    }
    posts.push_back(std::move(posting.post));
    posted.push_back(&posting);
  }
  std::vector<Status> said = http::PostReports(posts, setup_.tls, setup_.user_agent);
  for (size_t i = 0; i < said.size(); ++i) {
    TlsReportState::Target& target = posted[i]->job->due.state.targets[posted[i]->target];
    if (said[i].ok()) target.state = State::kSent;
    target.words = said[i].ok() ? "" : std::string(MessageOf(said[i]));
    posted[i]->job->failed |= !said[i].ok();
  }
}

void TlsReportSender::Remember(const Job& job) {
  if (job.remember) setup_.book->SetState(job.due.day, job.due.domain, job.due.state);
}

void TlsReportSender::Finish(Job* job) {
  TlsReportState& state = job->due.state;
  const WallTime now = ReadWallClock();
  if (state.first == WallTime()) state.first = now;
  // 15 minutes, then as long as it has been tried so far: twice as long each time.
  state.due = now + std::max<Millis>(Seconds(limits::kTlsReportRetrySeconds), now - state.first);
  state.over = !job->failed || state.due > state.first + Seconds(limits::kTlsReportGiveUpSeconds);
  for (size_t i = 0; i < job->before.size(); ++i) {
    TlsReportState::Target& target = state.targets[i];
    if (state.over && target.state == State::kOpen) target.state = State::kFailed;
    if (target.state == job->before[i]) continue;
    bool sent = target.state == State::kSent;
    LogLine(now, sent ? "tls_report_sent" : "tls_report_failed")
        .Text("domain", job->due.domain)
        .Text("day", job->due.day.ToString())
        .Text("to", target.uri)
        .Text("report", job->report.id)
        .Text("reason", target.words)
        .To(*setup_.log);
  }
  Remember(*job);
}

}  // namespace ringpost::app
