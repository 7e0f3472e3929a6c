// TlsReportSender: sends reports on TLS (RFC 8460) to domains that ask for them: of each day that
// is over, spread over some hours (section 4.1), by mail and by HTTPS, as the record at
// _smtp._tls.DOMAIN has it.
//
// A report by mail is an own mail that the spool delivers, signed by the keys of its From domain
// (section 5.3), and is tried as long as any mail; before it is queued it is written down as sent,
// so that a kill between the two loses one and never sends it twice. One by HTTPS is written down
// when it was taken: after a kill it may come twice, under the same id. What failed is tried again,
// later each time, for a day (section 5.5).
//
// Threads: one of its own, which asks the DNS, waits for the spool and for HTTPS servers; Configure
// and Send from any; Stop before the spool and the shards end.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gateway/app/tls_report_book.h"
#include "gateway/app/tls_report_config.h"
#include "gateway/base/random.h"
#include "gateway/delivery/target_addresses.h"
#include "gateway/dns/resolver.h"
#include "gateway/http/report_post.h"
#include "gateway/mail/tls_report.h"
#include "gateway/mail/tls_report_record.h"
#include "gateway/session/dispatcher.h"

namespace ringpost::app {

class TlsReportSender {
 public:
  struct Setup {
    TlsReportBook* book = nullptr;  // outlives it
    Log* log = nullptr;             // likewise
    std::string hostname, user_agent;
    dns::ResolverOptions resolver;
    std::vector<IpNetwork> allowed_targets;         // as of session::MailLookupOptions
    std::shared_ptr<const tls::ClientContext> tls;  // that verifies nobody
    // Queues a mail and waits until it is durable; DEADLINE_EXCEEDED: that is not known.
    std::function<Status(session::OwnMail mail)> queue;
  };

  TlsReportSender(Setup setup, TlsReportConfig config);
  ~TlsReportSender() { Stop(); }
  TlsReportSender(const TlsReportSender&) = delete;
  TlsReportSender& operator=(const TlsReportSender&) = delete;

  void Start();
  void Stop();  // waits for what is under way: seconds, where servers are slow
  void Configure(TlsReportConfig config);
  TlsReportConfig config();

  // The report as it would be sent; `now` ends a day that is not over.
  mail::TlsReport Build(UtcDay day, const std::string& domain, const mail::TlsPolicySums& sums,
                        WallTime now);
  // Sends it now, whatever was sent before; of a day that is over it counts as the day's report.
  // `done` is called once, with what came of it: at once, where it cannot be.
  struct Sent {
    std::string error;  // not empty: nothing was tried
    TlsReportState state;
  };
  using Done = std::function<void(const Sent& sent)>;
  void Send(UtcDay day, std::string domain, Done done);

 private:
  struct Wanted {
    UtcDay day;
    std::string domain;
    Done done;
  };
  using State = TlsReportState::Target::State;
  // One report on its way.
  struct Job {
    TlsReportBook::Due due;
    mail::TlsReport report;
    std::string compressed;
    std::vector<State> before;  // of the targets
    bool remember = true;
    bool failed = false;  // something is to be tried again
  };
  // One of its targets that is an URL.
  struct Posting {
    Job* job = nullptr;
    size_t target = 0;
    http::ReportPost post;
  };

  void Main();
  bool WaitForWork(std::optional<Wanted>* wanted);
  bool stopping();
  Status OpenResolver();
  void SendDue();
  void Serve(Wanted wanted);
  void Process(std::vector<Job>* jobs);
  void FindTargets(std::vector<Job>* jobs);
  void MailAll(Job* job);
  void PostAll(std::vector<Job>* jobs);
  void FindAddresses(std::vector<Posting>* postings);
  void Finish(Job* job);
  void Remember(const Job& job);

  const Setup setup_;
  const delivery::TargetAddresses targets_;
  const uint64_t seed_;
  Random random_;
  std::unique_ptr<dns::Resolver> resolver_;  // once there was something to ask
  TlsReportConfig current_;                  // of the work in hand

  std::mutex mutex_;
  std::condition_variable changed_;
  TlsReportConfig config_;
  std::deque<Wanted> wanted_;
  bool stopping_ = true;  // until Start
  std::thread thread_;
};

}  // namespace ringpost::app
