// What the control socket's "domain ..." and "dns ..." commands ask for, as plain data. Sans-IO.
//
//   {"command":"domain add","name":"customer.example","account":"acme","ed25519":false}
//   {"command":"domain show","name":"customer.example"}      also: check, remove, rotate
//   {"command":"domain list","account":"acme","after":"...","limit":100}
//   {"command":"domain export","secrets":true,"after":"...","limit":100}
//   {"command":"domain import","dry_run":true,"assume_accounts":["acme"],"domains":[{...}]}
//   {"command":"dns zone"}      {"command":"dns records"}
//
//   domains          as identity/sender_domain_document.h has them: all of them or none
//   assume_accounts  (dry runs alone) names that count as there
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <variant>

#include "gateway/app/control_request.h"
#include "gateway/identity/records.h"

namespace ringpost::app {

struct DomainRequest {
  ControlCommand command = ControlCommand::kDomainList;
  std::string name, account, after;
  bool ed25519 = false;
  bool secrets = false;  // an export: with private keys
  bool dry_run = false;
  std::set<std::string, std::less<>> assume_accounts;  // lower case
  identity::Json domains;                              // an array
  uint32_t limit = limits::kControlListEntriesDefault;
};

// `command` is one of them, `members` the whole request object.
std::variant<DomainRequest, ControlError> ParseDomainRequest(ControlCommand command,
                                                             identity::Json members);

}  // namespace ringpost::app
