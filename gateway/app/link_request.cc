#include "gateway/app/link_request.h"

#include "gateway/identity/record_reader.h"

namespace ringpost::app {

std::variant<LinkRequest, ControlError> ParseLinkRequest(ControlCommand command,
                                                         identity::Json members) {
  members.erase("command");
  LinkRequest request;
  request.add = command == ControlCommand::kSenderAdd;
  identity::RecordReader reader(members, "the request");
  reader.Text("name", limits::kPathBytesMax, &request.name);
  if (request.add) reader.Text("account", limits::kAccountNameBytesMax, &request.account);
  if (request.name.empty()) reader.Fail("name", "is missing: which address");
  if (request.add && request.account.empty()) reader.Fail("account", "is missing: whose it is");
  Status status = reader.Finish();
  if (!status.ok()) return ControlError{"bad_request", std::string(MessageOf(status)), ""};
  return request;
}

}  // namespace ringpost::app
