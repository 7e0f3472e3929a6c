#include "gateway/http/acme_service.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "gateway/base/counters.h"
#include "gateway/base/limits.h"
#include "gateway/base/random.h"
#include "gateway/base/wipe.h"
#include "gateway/http/acme/issuance.h"
#include "gateway/http/acme/schedule.h"
#include "gateway/http/acme_client.h"
#include "gateway/http/acme_records.h"

namespace ringpost::http {
namespace {

namespace asio = boost::asio;
using acme::ChallengeKind;
using acme::Issuance;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

// The clock on the wall may be set: it is looked at this often.
constexpr Seconds kLookEvery{30};

class Service final : public AcmeService {
 public:
  Service(Setup setup, AcmeOptions options) : setup_(std::move(setup)) { Take(std::move(options)); }
  ~Service() override {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  void Start() override {
    asio::co_spawn(io_, Loop(), asio::detached);
    thread_ = std::thread([this] { io_.run(); });
  }

  void Configure(AcmeOptions options) override {
    asio::post(io_, [this, options = std::move(options)]() mutable {
      Take(std::move(options));
      timer_.cancel();
      setup_.changed();
    });
  }

  std::vector<std::shared_ptr<const tls::Certificate>> certificates() const override {
    std::lock_guard lock(mutex_);
    return shown_certificates_;
  }
  std::vector<AcmeNameStatus> status() const override {
    std::lock_guard lock(mutex_);
    return shown_status_;
  }

 private:
  struct Name {
    std::shared_ptr<const tls::Certificate> certificate;
    std::string directory;  // who issued it
    WallTime next_try;
    uint32_t failures = 0;
    std::string last_failure;
  };
  // What an attempt shows to the server that validates, for as long as it lasts.
  struct Published {
    const Setup* setup;
    std::vector<acme::ChallengeAnswer> answers;
    ~Published() {
      for (const auto& one : answers) {
        if (one.kind == ChallengeKind::kHttp01) {
          setup->http_challenges->Remove(one.token);
        } else {
          setup->alpn_challenges->Remove(one.name);
        }
      }
    }
  };
  using OptionsPtr = std::shared_ptr<const AcmeOptions>;

  void Take(AcmeOptions options);
  void Load(const std::string& name, Name* state);
  Status Adopt(const AcmeCertificate& record, Name* state);
  void Show();
  void LogTrouble(std::string_view name, const Status& status);

  void MendClock(WallTime now);
  bool FoundInStore(const std::string& name);
  asio::awaitable<void> Loop();
  asio::awaitable<void> Attempt(std::string name);
  asio::awaitable<StatusOr<AcmeCertificate>> Obtain(std::string name, OptionsPtr options,
                                                    uint32_t failures, Seconds* retry_after);
  asio::awaitable<void> Drive(Issuance* issuance, OptionsPtr options, AcmeAccount* account,
                              Published* published, Status* trouble);
  StatusOr<AcmeAccount> ReadAccount(const std::string& directory);
  Status KeepAccount(const std::string& directory, const AcmeAccount& account);
  Status Publish(const acme::ChallengeAnswer& answer, Published* published);
  void Succeeded(const std::string& name, const AcmeCertificate& record);
  void FailedWith(const std::string& name, std::string words, Seconds retry_after);

  const Setup setup_;
  asio::io_context io_{1};
  asio::steady_timer timer_{io_};
  Random random_ = Random::FromSystem();
  OptionsPtr options_;
  std::string asked_directory_;
  std::map<std::string, Name> names_;
  std::thread thread_;

  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<const tls::Certificate>> shown_certificates_;
  std::vector<AcmeNameStatus> shown_status_;
};

// --- What is known

void Service::Take(AcmeOptions options) {
  options_ = std::make_shared<const AcmeOptions>(std::move(options));
  std::map<std::string, Name> before = std::exchange(names_, {});
  WallTime now = setup_.wall_clock();
  for (const std::string& name : options_->names) {
    Name& state = names_[name];
    auto known = before.find(name);
    if (known != before.end()) {
      state = std::move(known->second);
      if (asked_directory_ != options_->directory) state.failures = 0;
    } else {
      Load(name, &state);
    }
    bool due = !state.certificate || state.failures > 0 || state.directory != options_->directory;
    if (due) state.next_try = now;
  }
  asked_directory_ = options_->directory;
  Show();
}

void Service::LogTrouble(std::string_view name, const Status& status) {
  LogLine(setup_.wall_clock(), "acme_store_trouble")
      .Text("name", name)
      .Text("words", MessageOf(status))
      .To(*setup_.log);
}

void Service::Load(const std::string& name, Name* state) {
  auto stored = setup_.store->Get(CertificateRecordKey(name));
  if (!stored.ok()) LogTrouble(name, stored.status());
  if (!stored.ok() || !*stored) return;
  WipedAtEnd wiped(&**stored);
  auto record = DecodeCertificate(**stored);
  Status adopted = record.ok() ? Adopt(*record, state) : record.status();
  if (!adopted.ok()) LogTrouble(name, adopted);
}

// What has expired meanwhile is an error too.
Status Service::Adopt(const AcmeCertificate& record, Name* state) {
  std::string key = record.key->ToPem();
  WipedAtEnd wiped(&key);
  WallTime now = setup_.wall_clock();
  auto loaded = tls::Certificate::Parse(record.chain, key, {"its certificate", "its key"}, now);
  if (!loaded.ok()) return loaded.status();
  state->certificate = std::move(*loaded);
  state->directory = record.directory;
  state->next_try =
      acme::RenewAt(state->certificate->not_before(), state->certificate->not_after(), &random_);
  return OkStatus();
}

void Service::Show() {
  std::lock_guard lock(mutex_);
  shown_certificates_.clear();
  shown_status_.clear();
  for (const std::string& name : options_->names) {
    const Name& state = names_[name];
    AcmeNameStatus& status = shown_status_.emplace_back();
    status = {name, std::nullopt, state.next_try, state.failures, state.last_failure};
    if (!state.certificate) continue;
    status.not_after = state.certificate->not_after();
    shown_certificates_.push_back(state.certificate);
  }
}

// --- What is done

// The clock on the wall may be set back: no name waits longer than it could have been told to.
void Service::MendClock(WallTime now) {
  constexpr Seconds kLongest(limits::kAcmeRetryAfterSecondsMax / 4 * 5);
  for (auto& [name, state] : names_) {
    if (state.failures > 0 && state.next_try - now > kLongest) state.next_try = now;
  }
}

asio::awaitable<void> Service::Loop() {
  while (true) {
    MendClock(setup_.wall_clock());
    auto first = std::min_element(names_.begin(), names_.end(), [](const auto& a, const auto& b) {
      return a.second.next_try < b.second.next_try;
    });
    WallTime now = setup_.wall_clock();
    if (first != names_.end() && first->second.next_try <= now) {
      co_await Attempt(first->first);
      continue;
    }
    Millis wait = kLookEvery;
    if (first != names_.end()) wait = std::min(wait, first->second.next_try - now);
    timer_.expires_after(wait);
    (void)co_await timer_.async_wait(kToken);
  }
}

asio::awaitable<void> Service::Attempt(std::string name) {
  if (FoundInStore(name)) co_return;
  Seconds retry_after{0};
  OptionsPtr asked = options_;
  auto record = co_await Obtain(name, asked, names_[name].failures, &retry_after);
  if (!names_.contains(name)) co_return;  // the configuration has changed meanwhile
  if (record.ok()) {
    Succeeded(name, *record);
  } else if (asked == options_) {
    FailedWith(name, std::string(MessageOf(record.status())), retry_after);
  }  // else what failed was asked in another way: when to ask in the new one is decided
}

// What was not valid yet, or not any more, by a clock that has been set since.
bool Service::FoundInStore(const std::string& name) {
  Name& state = names_[name];
  if (state.certificate) return false;
  Load(name, &state);
  if (!state.certificate || state.next_try <= setup_.wall_clock()) return false;
  state.failures = 0;
  Show();
  setup_.changed();
  return true;
}

asio::awaitable<StatusOr<AcmeCertificate>> Service::Obtain(std::string name, OptionsPtr options,
                                                           uint32_t failures,
                                                           Seconds* retry_after) {
  auto account = ReadAccount(options->directory);
  if (!account.ok()) co_return account.status();
  // A certificate that cannot be stored is lost, and servers count what they issue: whether the
  // store writes is found out before.
  Status writes = KeepAccount(options->directory, *account);
  if (!writes.ok()) co_return writes;
  AcmeCertificate record{options->directory, tls::AcmeKey::Generate(), ""};
  Issuance::Options asked;
  asked.directory = options->directory;
  asked.email = options->email;
  asked.name = name;
  asked.challenges = options->challenges;
  std::rotate(asked.challenges.begin(),
              asked.challenges.begin() + failures % asked.challenges.size(),
              asked.challenges.end());
  asked.account_key = account->key;
  asked.account_url = account->url;
  asked.certificate_key = record.key;
  Issuance issuance(std::move(asked), ReadMonoClock());
  Published published{&setup_, {}};
  Status trouble = OkStatus();
  co_await Drive(&issuance, options, &*account, &published, &trouble);
  *retry_after = issuance.failure().retry_after;
  if (!trouble.ok()) co_return trouble;
  if (issuance.chain().empty()) {
    co_return MakeStatus(StatusCode::kUnavailable, issuance.failure().words);
  }
  record.chain = issuance.chain();
  std::string encoded = EncodeCertificate(record);
  WipedAtEnd wiped(&encoded);
  Status kept = setup_.store->Put(CertificateRecordKey(name), encoded);
  if (!kept.ok()) co_return kept;
  co_return record;
}

// Until it is done, has failed, or something of ours is in trouble.
asio::awaitable<void> Service::Drive(Issuance* issuance, OptionsPtr options, AcmeAccount* account,
                                     Published* published, Status* trouble) {
  while (trouble->ok()) {
    Issuance::Action action = issuance->Next(ReadMonoClock());
    if (action.kind == Issuance::ActionKind::kDone ||
        action.kind == Issuance::ActionKind::kFailed) {
      co_return;
    }
    if (action.kind == Issuance::ActionKind::kPublish) {
      *trouble = Publish(action.answer, published);
      continue;
    }
    if (action.kind == Issuance::ActionKind::kWait) {
      asio::steady_timer wait(io_, action.wait);
      (void)co_await wait.async_wait(kToken);
      continue;
    }
    auto answer =
        co_await AskAcmeServer(std::move(action.request), options->authorities, setup_.user_agent);
    if (answer.ok()) {
      issuance->OnAnswer(*answer, setup_.wall_clock());
    } else {
      issuance->OnNoAnswer(MessageOf(answer.status()));
    }
    if (issuance->account_url() == account->url || issuance->account_url().empty()) continue;
    account->url = issuance->account_url();
    *trouble = KeepAccount(options->directory, *account);
    LogLine(setup_.wall_clock(), "acme_account")
        .Text("directory", options->directory)
        .Text("account", account->url)
        .To(*setup_.log);
  }
}

Status Service::Publish(const acme::ChallengeAnswer& answer, Published* published) {
  if (answer.kind == ChallengeKind::kHttp01) {
    Status added = setup_.http_challenges->Add(answer.token, answer.key_authorization);
    if (!added.ok()) return added;
  } else if (!setup_.alpn_challenges->Add(answer.name, answer.key_authorization,
                                          setup_.wall_clock())) {
    return MakeStatus(StatusCode::kResourceExhausted, "too many names are validated at once");
  }
  published->answers.push_back(answer);
  LogLine(setup_.wall_clock(), "acme_challenge")
      .Text("name", answer.name)
      .Text("challenge", acme::ChallengeName(answer.kind))
      .To(*setup_.log);
  return OkStatus();
}

// The key is stored before the server sees it: an account whose key is lost is lost.
StatusOr<AcmeAccount> Service::ReadAccount(const std::string& directory) {
  auto stored = setup_.store->Get(AccountRecordKey(directory));
  if (stored.ok() && *stored) {
    WipedAtEnd wiped(&**stored);
    auto account = DecodeAccount(**stored);
    if (account.ok()) return account;
    LogTrouble("", account.status());
  } else if (!stored.ok()) {
    if (stored.status().code() != StatusCode::kDataLoss) return stored.status();
    LogTrouble("", stored.status());
  }
  AcmeAccount fresh{"", tls::AcmeKey::Generate()};
  Status kept = KeepAccount(directory, fresh);
  if (!kept.ok()) return kept;
  return fresh;
}

Status Service::KeepAccount(const std::string& directory, const AcmeAccount& account) {
  std::string record = EncodeAccount(account);
  WipedAtEnd wiped(&record);
  return setup_.store->Put(AccountRecordKey(directory), record);
}

// --- What came of it

void Service::Succeeded(const std::string& name, const AcmeCertificate& record) {
  Name& state = names_[name];
  Status adopted = Adopt(record, &state);
  if (!adopted.ok()) {  // it has expired since it came
    FailedWith(name, std::string(MessageOf(adopted)), Seconds(0));
    return;
  }
  state.failures = 0;
  state.last_failure.clear();
  // Whatever lifetime the server gives and whatever the clock says, it is not asked all the time.
  WallTime now = setup_.wall_clock();
  WallTime soonest = now + std::max<Millis>(Seconds(limits::kAcmeRenewSecondsMin),
                                            (state.certificate->not_after() - now) / 3);
  bool moved = state.directory != options_->directory;  // meanwhile
  state.next_try =
      moved ? now + Seconds(limits::kAcmeRenewSecondsMin) : std::max(state.next_try, soonest);
  Count(Counter::kAcmeIssued);
  LogLine(setup_.wall_clock(), "acme_certificate")
      .Text("name", name)
      .Text("directory", record.directory)
      .Text("not_after", FormatRfc3339(state.certificate->not_after()))
      .Text("renewal", FormatRfc3339(state.next_try))
      .To(*setup_.log);
  Show();
  setup_.changed();
}

void Service::FailedWith(const std::string& name, std::string words, Seconds retry_after) {
  Name& state = names_[name];
  WallTime now = setup_.wall_clock();
  state.failures = std::min(state.failures + 1, uint32_t{1'000'000});
  state.last_failure = std::move(words);
  Millis wait = acme::RetryAfter(state.failures, retry_after, &random_);
  // A certificate that there is does not run out while the server makes us wait.
  if (state.certificate) {
    Millis half = (state.certificate->not_after() - now) / 2;
    wait = std::min(wait, std::max<Millis>(half, Seconds(limits::kAcmeRetrySeconds)));
  }
  state.next_try = now + wait;
  Count(Counter::kAcmeFailed);
  LogLine line(now, "acme_failed");
  line.Text("name", name)
      .Text("words", state.last_failure)
      .Number("failures", state.failures)
      .Text("next_try", FormatRfc3339(state.next_try));
  if (state.certificate) line.Text("not_after", FormatRfc3339(state.certificate->not_after()));
  line.To(*setup_.log);
  Show();
}

}  // namespace

std::unique_ptr<AcmeService> AcmeService::Make(Setup setup, AcmeOptions options) {
  return std::make_unique<Service>(std::move(setup), std::move(options));
}

}  // namespace ringpost::http
