// What the control socket's "sender ..." commands ask for, as plain data. Sans-IO.
//
//   {"command":"sender add","name":"bob@example.com","account":"acme"}
//   {"command":"sender link","name":"bob@example.com"}
//
//   add   an address that is to be verified by a mailed link: pending until it is confirmed
//   link  another link to one that is pending
#pragma once

#include <string>
#include <variant>

#include "gateway/app/control_request.h"
#include "gateway/identity/records.h"

namespace ringpost::app {

struct LinkRequest {
  bool add = false;
  std::string name, account;
};

// `command` is one of them, `members` the whole request object.
std::variant<LinkRequest, ControlError> ParseLinkRequest(ControlCommand command,
                                                         identity::Json members);

}  // namespace ringpost::app
