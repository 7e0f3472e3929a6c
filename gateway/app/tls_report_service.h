// TlsReportService: what came of TLS with mail exchangers, from the shards to the reports on it
// (RFC 8460): a thread that sums up what shards record and saves it, the TlsReportSender, and what
// an operator asks of both.
//
//   TlsReportService service(std::move(setup), config);   // setup.book is set here
//   service.Load(now);                                    // before anybody records
//   service.Start();
//   service.StopSending();                                // before the shards end
//   service.Stop();                                       // when nobody records any more
//
// Threads: Answer and Configure from any; the others the owner's.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "gateway/app/tls_report_book.h"
#include "gateway/app/tls_report_request.h"
#include "gateway/app/tls_report_sender.h"

namespace ringpost::app {

class TlsReportService {
 public:
  using Done = std::function<void(const identity::Json& answer)>;

  // `store` outlives it, and what `setup` points to.
  TlsReportService(storage::ControlStore* store, TlsReportSender::Setup setup,
                   TlsReportConfig config);
  ~TlsReportService();  // as a kill: after Stop nothing is left to do
  TlsReportService(const TlsReportService&) = delete;
  TlsReportService& operator=(const TlsReportService&) = delete;

  session::TlsOutcomes* outcomes() { return book_.outcomes(); }
  void Load(WallTime now) { book_.Load(now); }
  void Start();
  void StopSending() { sender_.Stop(); }
  void Stop();

  void Configure(TlsReportConfig config) { sender_.Configure(std::move(config)); }
  // `done` is called once: at once and here, but where something is to be sent.
  void Answer(const TlsReportRequest& request, WallTime now, const Done& done);

 private:
  void Main();
  void EndThread();
  identity::Json List(const TlsReportRequest& request, UtcDay day) const;

  TlsReportBook book_;
  TlsReportSender sender_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ringpost::app
