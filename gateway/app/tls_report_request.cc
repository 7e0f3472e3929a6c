#include "gateway/app/tls_report_request.h"

#include "gateway/identity/record_reader.h"
#include "gateway/smtp/address.h"

namespace ringpost::app {

std::variant<TlsReportRequest, ControlError> ParseTlsReportRequest(ControlCommand command,
                                                                   identity::Json members) {
  members.erase("command");
  TlsReportRequest request;
  request.report = command == ControlCommand::kTlsReport;
  identity::RecordReader reader(members, "the request");
  std::string day;
  reader.Text("day", limits::kDomainBytesMax, &day);
  if (request.report) {
    reader.Text("name", limits::kDomainBytesMax, &request.name);
    reader.Flag("send", &request.send);
    request.name = smtp::DomainKey(request.name);
    if (request.name.empty()) reader.Fail("name", "is missing: which domain");
  } else {
    reader.Text("after", limits::kControlKeyBytesMax, &request.after);
    reader.Number("limit", limits::kControlListEntriesMax, &request.limit);
    if (request.limit == 0) reader.Fail("limit", "is at least 1");
  }
  if (!day.empty()) {
    request.day = UtcDay::Parse(day);
    if (!request.day) reader.Fail("day", "is a day such as \"2026-11-28\"");
  }
  Status status = reader.Finish();
  if (!status.ok()) return ControlError{"bad_request", std::string(MessageOf(status)), ""};
  return request;
}

}  // namespace ringpost::app
