// ControlTarget: what the control server needs of the running gateway, and nothing more.
// GatewayControl (control_gateway.h) is the real one; tests use a fake.
//
// Threads: every method is called on the control thread. None waits for a shard or for the main
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/app/gateway.h"
#include "gateway/app/identity_request.h"
#include "gateway/app/link_request.h"
#include "gateway/app/sts_request.h"
#include "gateway/app/tls_report_request.h"
#include "gateway/app/suppression_request.h"
#include "gateway/base/ip_address.h"
#include "gateway/base/status.h"
#include "gateway/session/queue_control.h"

namespace ringpost::app {

// What the configuration file is like now, should it be loaded. `ok`: it would be taken.
struct ConfigCheck {
  bool ok = false;
  std::string path;
  std::vector<std::string> errors;  // "FILE:LINE:COLUMN: key: words"
};

// Live sessions to show: those whose client is in `client`, or, outbound, whose next hop is
// `next_hop` (as routes name it). Exactly one is set.
struct TraceFilter {
  std::optional<IpNetwork> client;
  std::string next_hop;
};

class ControlTarget {
 public:
  // Called on shards' threads, several at once; never blocks; may be called a little after
  // StopTrace.
  using TraceSink = std::function<void(std::string_view line)>;
  // Called once, on any thread.
  using ReloadDone = std::function<void(const ReloadOutcome&)>;
  using IdentityDone = std::function<void(const identity::Json& answer)>;

  virtual ~ControlTarget() = default;

  virtual GatewayStatus GetStatus() = 0;
  // Neither changes while the daemon runs.
  virtual std::vector<std::string> regions() = 0;
  virtual uint32_t shards() = 0;
  // Hands `command` to one shard of one region; it comes back through command->reply_to with
  // command->done. False: nothing was posted, and the command stays the caller's.
  virtual bool PostQueueCommand(std::string_view region, uint32_t shard,
                                session::QueueCommand* command) = 0;
  virtual void RequestReload(ReloadDone done) = 0;  // as SIGHUP
  // Accounts and credentials; `uid`: who asks.
  virtual void RequestIdentity(IdentityRequest request, uint32_t uid, IdentityDone done) = 0;
  virtual void RequestDomain(DomainRequest request, uint32_t uid, IdentityDone done) = 0;
  virtual void RequestLink(LinkRequest request, uint32_t uid, IdentityDone done) = 0;
  virtual void RequestTlsReport(TlsReportRequest request, uint32_t uid, IdentityDone done) = 0;
  virtual void RequestSts(StsRequest request, uint32_t uid, IdentityDone done) = 0;
  virtual void RequestSuppression(SuppressionRequest request, uint32_t uid, IdentityDone done) = 0;
  virtual ConfigCheck CheckConfig() = 0;  // reads the file; changes nothing
  virtual void RequestDrain() = 0;        // as SIGTERM
  // One trace at a time. Not OK: why not, in words.
  virtual Status StartTrace(const TraceFilter& filter, TraceSink sink) = 0;
  virtual void StopTrace() = 0;
};

}  // namespace ringpost::app
