// What the control socket's "suppression ..." commands ask for, as plain data. Sans-IO.
//
//   {"command":"suppression add","account":"acme","entries":[{"entry":"bob@example.com",
//    "reason":"complaint","since":"2026-11-28","detail":"feedback loop"},{"entry":"example.org"}]}
//   {"command":"suppression remove","account":"acme","entries":["bob@example.com"]}
//   {"command":"suppression list","account":"acme","limit":100,"after":"..."}
//   {"command":"suppression show","account":"acme","name":"bob@example.com"}
//
//   account  whose list; without it: the one of the operator's own hosts ([[trust]])
//   region   which region's; without it: the account's, or the only one
//   add      entries as identity/suppression.h says; reason "manual" and since now where they are
//            not given. What is there for the same reason or a stronger one stays. At most
//            kSuppressionChangesMax. dry_run: says what would be done
//   list     reason, domain: those alone. after: what the page before said as "next"
//   show     what keeps mail from going to this address: itself, its domain, those above; or the
//            entry of that name
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "gateway/app/control_request.h"
#include "gateway/identity/records.h"
#include "gateway/session/suppression_store.h"

namespace ringpost::app {

struct SuppressionRequest {
  ControlCommand command = ControlCommand::kSuppressionList;
  std::string account, region;  // empty: see above
  uint32_t account_id = 0;      // once it was looked up; of the changes too
  bool dry_run = false;
  // Without a time where none was given: WallTime().
  std::vector<session::SuppressionStore::Change> changes;
  std::string name, after, domain;
  std::optional<identity::SuppressionReason> reason;
  uint32_t limit = limits::kControlListEntriesDefault;
};

// `command` is one of them, `members` the whole request object.
std::variant<SuppressionRequest, ControlError> ParseSuppressionRequest(ControlCommand command,
                                                                       identity::Json members);

}  // namespace ringpost::app
