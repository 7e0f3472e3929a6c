// What the control socket's "tls outcomes" and "tls report" ask for, as plain data. Sans-IO.
//
//   {"command":"tls outcomes","day":"2026-11-28","after":"b.example","limit":100}
//   {"command":"tls report","name":"b.example","day":"2026-11-28","send":true}
//
//   day   a UTC day; without it: today
//   send  the report is sent now, whatever was sent before
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "gateway/app/control_request.h"
#include "gateway/app/tls_report_book.h"
#include "gateway/identity/records.h"

namespace ringpost::app {

struct TlsReportRequest {
  bool report = false;
  std::string name, after;
  std::optional<UtcDay> day;
  bool send = false;
  uint32_t limit = limits::kControlListEntriesDefault;
};

// `command` is one of the two, `members` the whole request object.
std::variant<TlsReportRequest, ControlError> ParseTlsReportRequest(ControlCommand command,
                                                                   identity::Json members);

}  // namespace ringpost::app
