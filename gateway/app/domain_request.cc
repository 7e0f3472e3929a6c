#include "gateway/app/domain_request.h"

#include "gateway/identity/record_reader.h"

namespace ringpost::app {

std::variant<DomainRequest, ControlError> ParseDomainRequest(ControlCommand command,
                                                             identity::Json members) {
  members.erase("command");
  DomainRequest request;
  request.command = command;
  identity::RecordReader reader(members, "the request");
  bool list = command == ControlCommand::kDomainList;
  bool add = command == ControlCommand::kDomainAdd;
  bool named = add || command == ControlCommand::kDomainShow ||
               command == ControlCommand::kDomainCheck ||
               command == ControlCommand::kDomainRemove || command == ControlCommand::kDomainRotate;
  if (named) reader.Text("name", limits::kDomainBytesMax, &request.name);
  if (add || list) reader.Text("account", limits::kAccountNameBytesMax, &request.account);
  if (add) reader.Flag("ed25519", &request.ed25519);
  if (list) {
    reader.Text("after", limits::kControlKeyBytesMax, &request.after);
    reader.Number("limit", limits::kControlListEntriesMax, &request.limit);
    if (request.limit == 0) reader.Fail("limit", "is at least 1");
  }
  if (named && request.name.empty()) reader.Fail("name", "is missing: which domain");
  if (add && request.account.empty()) reader.Fail("account", "is missing: whose domain it is");
  Status status = reader.Finish();
  if (!status.ok()) return ControlError{"bad_request", std::string(MessageOf(status)), ""};
  return request;
}

}  // namespace ringpost::app
