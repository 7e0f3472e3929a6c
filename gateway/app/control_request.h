// The control socket's requests: one JSON object a line, as plain data. Sans-IO.
//
//   {"command":"queue list","region":"local","domain":"example.com","limit":50,"after":"01K..."}
//
// Members, all optional but "command"; each command takes only those that mean something to it:
//   region    a region's name; without it: all
//   id, domain, next_hop, sender, held
//             which queue entries; all that are given must match. domain and next_hop are read as
//             the queue names them ("Example.COM." is "example.com", "relay" is "relay:25"); sender
//             "<>" is the null reverse-path; held is true or left out
//   all       true: every entry is meant. retry, hold, release, delete and bounce want this or a
//             filter
//   limit, after
//             a page of queue list: how many entries, behind which id
//   reason    bounce: words for the report
//   seconds   suspend: how long; domain or next_hop says what
//   client    trace: a network ("192.0.2.0/24") whose sessions are shown; or next_hop
//
// What "identity ..." takes is identity_request.h's, what "sender ..." takes is link_request.h's,
// what "suppression ..." takes is suppression_request.h's, what "domain ..." and "dns ..." take is
// domain_request.h's, what "tls policies" takes is sts_request.h's, and what "tls outcomes" and
// "tls report" take is tls_report_request.h's: here they are objects and no more.
//
// An unknown member, a wrong type or a value out of bounds refuses the request and says what is
// accepted.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "gateway/base/ip_address.h"
#include "gateway/base/limits.h"
#include "gateway/session/queue_control.h"

namespace ringpost::app {

enum class ControlCommand : uint8_t {
  kStatus,
  kQueueSummary,
  kQueueList,
  kQueueShow,
  kQueueRetry,
  kQueueHold,
  kQueueRelease,
  kQueueDelete,
  kQueueBounce,
  kSuspend,
  kResume,
  kSuspensions,
  kDrain,
  kReload,
  kConfigCheck,
  kTrace,
  kSuppressionAdd,
  kSuppressionRemove,
  kSuppressionList,
  kSuppressionShow,
  kIdentityPut,
  kIdentityRemove,
  kIdentityList,
  kIdentityAudit,
  kSenderAdd,
  kSenderLink,
  kTlsPolicies,
  kDomainAdd,
  kDomainShow,
  kDomainList,
  kDomainCheck,
  kDomainRemove,
  kDomainRotate,
  kDomainExport,
  kDomainImport,
  kDnsZone,
  kDnsRecords,
  kTlsOutcomes,
  kTlsReport,
};
std::string_view ControlCommandName(ControlCommand command);
bool ChangesSomething(ControlCommand command);
// What its members are is said elsewhere (see above).
constexpr bool IsIdentityCommand(ControlCommand command) {
  return command >= ControlCommand::kIdentityPut && command <= ControlCommand::kIdentityAudit;
}
constexpr bool IsSuppressionCommand(ControlCommand command) {
  return command >= ControlCommand::kSuppressionAdd && command <= ControlCommand::kSuppressionShow;
}
constexpr bool IsLinkCommand(ControlCommand command) {
  return command == ControlCommand::kSenderAdd || command == ControlCommand::kSenderLink;
}
constexpr bool IsStsCommand(ControlCommand command) {
  return command == ControlCommand::kTlsPolicies;
}
constexpr bool IsDomainCommand(ControlCommand command) {
  return command >= ControlCommand::kDomainAdd && command <= ControlCommand::kDnsRecords;
}
constexpr bool IsTlsReportCommand(ControlCommand command) {
  return command == ControlCommand::kTlsOutcomes || command == ControlCommand::kTlsReport;
}

struct ControlRequest {
  ControlCommand command = ControlCommand::kStatus;
  std::string region;
  session::QueueFilter filter;
  bool all = false;
  uint32_t limit = limits::kControlListEntriesDefault;
  std::optional<MessageId> after;
  std::string reason;
  uint32_t seconds = 0;
  std::optional<IpNetwork> client;
  std::shared_ptr<nlohmann::ordered_json> identity;  // the request as it came; of those commands
};

// Why a request is refused or failed. `code` is one word for programs:
//   protocol     not a JSON object, or no end of line: the connection is closed
//   bad_request  not a request this daemon knows
//   not_found    no such region, message, suspension or record
//   exists       it is there already, or others depend on it
//   busy         too many clients, or a trace runs already
//   config       the configuration file is bad
//   timeout      no shard answered in time: nothing is known of what was done
//   partial      some shards did not answer, or failed: the answer holds what the others said; or
//                a drain was cut short
//   unavailable  the daemon cannot do it now     unsupported  it cannot do it at all
//   stopping     the daemon ends
struct ControlError {
  std::string code;
  std::string message;  // what, and why
  std::string hint;     // what to do; may be empty
};

// `line` without its line feed, at most kControlRequestBytesMax bytes of anything.
std::variant<ControlRequest, ControlError> ParseControlRequest(std::string_view line);

}  // namespace ringpost::app
