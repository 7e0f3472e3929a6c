// Gateway: the running daemon: its shards, its regions' spools, its listeners, and what an operator
// may ask.
//
// It owns one thread per shard (pinned; each with its ring, and per region an inbound service and a
// dispatcher), one spool per region, and the listening sockets. main.cc owns the Gateway and the
// control server; the control server asks through the calls marked "any thread".
//
// Order of life: Make, Start, then any number of requests, BeginDrain, drained() or the end of the
// grace period, Stop. The control server goes before Stop: a command posted to a shard that has
// stopped would never be answered.
//
// Threads: Make, Start, ServeRequests, Reload, BeginDrain, Tick and Stop belong to the main thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/app/config.h"
#include "gateway/app/domain_request.h"
#include "gateway/app/identity_request.h"
#include "gateway/app/link_request.h"
#include "gateway/app/listen_fds.h"
#include "gateway/app/sts_request.h"
#include "gateway/app/tls_report_request.h"
#include "gateway/app/suppression_request.h"
#include "gateway/base/ip_address.h"
#include "gateway/base/log.h"
#include "gateway/base/status.h"
#include "gateway/base/time.h"
#include "gateway/http/acme_service.h"
#include "gateway/session/queue_control.h"
#include "storage/spool.h"

namespace ringpost::app {

struct RegionStatus {
  std::string name;
  storage::SpoolHealth spool;
  uint64_t queued_entries = 0;   // in the schedule, over all shards
  uint64_t held_body_bytes = 0;  // bodies in memory for their first attempt
  bool scan_done = false;        // the queue found at start is scheduled
};

struct ShardStatus {
  uint32_t connections = 0;  // inbound
  uint64_t pool_bytes = 0;
  uint64_t pool_bytes_held = 0;
  std::vector<uint64_t> counters;  // by Counter; empty: not known
};

struct GatewayStatus {
  std::string version;
  std::string hostname;
  std::string config_path;  // empty: the embedded development mode
  std::string state;        // "starting", "running", "draining", "shedding"
  WallTime started;
  WallTime config_loaded;
  uint64_t memory_bytes = 0;          // resident now
  uint64_t memory_ceiling_bytes = 0;  // 0: none known
  uint64_t open_files_max = 0;
  std::vector<std::string> listeners;
  std::string reactor_features;  // what was probed of the kernel, and whether it is used
  std::vector<RegionStatus> regions;
  std::vector<ShardStatus> shards;
  std::vector<http::AcmeNameStatus> acme;                       // empty: no [acme]
  std::vector<std::pair<std::string_view, uint64_t>> counters;  // summed over all threads
};

// What a reload did, in words for the log and for `ringpost`.
struct ReloadOutcome {
  bool applied = false;
  std::string words;                       // why not, or what changed
  std::vector<std::string> needs_restart;  // keys that differ and take effect at the next start
};

class Gateway {
 public:
  using TraceSink = std::function<void(std::string_view line)>;

  // Opens stores, binds listeners, probes the ring. The status says in words what failed and what
  // to do. `handed_over`: sockets of the service manager; what is not taken stays in it. `log`: the
  // daemon's own lines; outlives the Gateway.
  static StatusOr<std::unique_ptr<Gateway>> Make(Config config, ListenFds* handed_over, Log* log);
  virtual ~Gateway() = default;

  // Listens; the scan of what is queued begins. Whoever can connect finds everything there: the
  // calls marked "any thread" work from Make on. Where it fails, Stop.
  virtual Status Start() = 0;

  // --- Any thread
  virtual uint32_t shards() const = 0;
  virtual std::vector<std::string> regions() const = 0;
  // Hands `command` to one shard of one region; it comes back through command->reply_to with
  // command->done. False (and nothing posted) where there is no such region or shard.
  virtual bool PostQueueCommand(std::string_view region, uint32_t shard,
                                session::QueueCommand* command) = 0;
  virtual GatewayStatus GetStatus() const = 0;
  // Lines of inbound sessions whose client lies in `client` go to `sink` until StopTrace. One trace
  // at a time: false where there is one. The sink is called on shard threads, several at once; it
  // must not block. A few lines may still come after StopTrace returns: the sink's state must live
  // as long as it.
  virtual bool StartTrace(const IpNetwork& client, TraceSink sink) = 0;
  // The same for outbound sessions to one next hop ("127.0.0.1:2626"; empty: all). It shares the
  // "one trace at a time".
  virtual bool StartOutboundTrace(std::string_view next_hop, TraceSink sink) = 0;
  virtual void StopTrace() = 0;
  // As SIGHUP; `done` (may be null) is called on the main thread.
  virtual void RequestReload(std::function<void(const ReloadOutcome&)> done) = 0;
  // Accounts and credentials: `done` is called once, on any thread, when what it changes is on disk
  // and with every shard. `uid`: of who asks.
  virtual void RequestIdentity(IdentityRequest request, uint32_t uid,
                               std::function<void(const identity::Json&)> done) = 0;
  // The same of domains; kDomainCheck and kDomainRotate ask the DNS first.
  virtual void RequestDomain(DomainRequest request, uint32_t uid,
                             std::function<void(const identity::Json&)> done) = 0;
  // The same of links to senders; the mail is queued when it is answered.
  virtual void RequestLink(LinkRequest request, uint32_t uid,
                           std::function<void(const identity::Json&)> done) = 0;
  // What came of TLS with mail exchangers, and the reports on it; sending one may take a minute.
  virtual void RequestTlsReport(TlsReportRequest request,
                                std::function<void(const identity::Json&)> done) = 0;
  // Policies of MTA-STS that are known: as RequestIdentity.
  virtual void RequestSts(StsRequest request, uint32_t uid,
                          std::function<void(const identity::Json&)> done) = 0;
  // The same of suppressions; what is changed is in force at once, and answered when on disk.
  virtual void RequestSuppression(SuppressionRequest request, uint32_t uid,
                                  std::function<void(const identity::Json&)> done) = 0;
  // As SIGTERM.
  virtual void RequestDrain() = 0;

  // --- Main thread
  // ---------------------------------------------------------------------------------- Readable
  // when a request is waiting; then call ServeRequests. True: a drain was asked for.
  virtual int request_fd() const = 0;
  virtual bool ServeRequests() = 0;
  // Reads the configuration file again; keeps the old one where the new one is bad.
  virtual ReloadOutcome Reload() = 0;
  // Stops accepting; transactions in hand are finished, committed, handed on.
  virtual void BeginDrain() = 0;
  virtual bool drained() const = 0;
  // Looks at the memory ceiling. Returns when to call it again.
  [[nodiscard]] virtual Millis Tick() = 0;
  // Ends what is left without waiting, joins every thread, closes the stores. False where a shard
  // did not end in time: the process must end without destroying the Gateway.
  virtual bool Stop() = 0;
  // The regions' log files are opened anew (after log rotation).
  virtual void ReopenLogs() = 0;
  // The listening sockets that the service manager is to keep, each with its name there: all but
  // those of .socket units.
  virtual std::vector<std::pair<std::string, int>> ListeningSockets() const = 0;
  // What to say once it runs: addresses, next hops, stores, the ring's features; a line each.
  virtual std::vector<std::string> Introduction() const = 0;
  virtual Seconds drain_grace() const = 0;
};

}  // namespace ringpost::app
