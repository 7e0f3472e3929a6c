#include "gateway/app/domain_request.h"

#include "gateway/base/text.h"
#include "gateway/identity/record_reader.h"

namespace ringpost::app {
namespace {

using identity::Json;
using identity::RecordReader;

// Out of the request, which the reader takes the rest of.
void TakeDomains(Json* members, Json* domains) {
  auto given = members->find("domains");
  if (given == members->end()) return;
  *domains = std::move(*given);
  members->erase(given);
}

void ReadImport(RecordReader* reader, DomainRequest* request) {
  std::vector<std::string> assumed;
  reader->Flag("dry_run", &request->dry_run);
  reader->Texts("assume_accounts", limits::kAssumedAccountsMax, &assumed);
  for (const std::string& name : assumed) request->assume_accounts.insert(ToLower(name));
  if (!request->dry_run && !assumed.empty()) {
    reader->Fail("assume_accounts", "is for dry runs alone");
  }
  if (!request->domains.is_array() || request->domains.size() > limits::kIdentityRecordsMax) {
    reader->Fail("domains", "is a list of at most " + std::to_string(limits::kIdentityRecordsMax) +
                                " objects");
  }
}

}  // namespace

std::variant<DomainRequest, ControlError> ParseDomainRequest(ControlCommand command,
                                                             identity::Json members) {
  members.erase("command");
  DomainRequest request;
  request.command = command;
  bool import = command == ControlCommand::kDomainImport;
  if (import) TakeDomains(&members, &request.domains);
  RecordReader reader(members, "the request");
  bool list = command == ControlCommand::kDomainList;
  bool exported = command == ControlCommand::kDomainExport;
  bool add = command == ControlCommand::kDomainAdd;
  bool named = add || command == ControlCommand::kDomainShow ||
               command == ControlCommand::kDomainCheck ||
               command == ControlCommand::kDomainRemove || command == ControlCommand::kDomainRotate;
  if (named) reader.Text("name", limits::kDomainBytesMax, &request.name);
  if (add || list) reader.Text("account", limits::kAccountNameBytesMax, &request.account);
  if (add) reader.Flag("ed25519", &request.ed25519);
  if (exported) reader.Flag("secrets", &request.secrets);
  if (import) ReadImport(&reader, &request);
  if (list || exported) {
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
