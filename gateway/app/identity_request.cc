#include "gateway/app/identity_request.h"

#include "gateway/base/text.h"
#include "gateway/identity/record_reader.h"

namespace ringpost::app {
namespace {

using identity::Json;
using identity::RecordReader;

constexpr std::pair<std::string_view, RecordType> kTypes[] = {
    {"account", RecordType::kAccount},
    {"sender", RecordType::kSender},
    {"credential", RecordType::kCredential}};
constexpr std::pair<std::string_view, identity::CredentialKind> kKinds[] = {
    {"user", identity::CredentialKind::kUser},
    {"api_key", identity::CredentialKind::kApiKey},
    {"network", identity::CredentialKind::kNetwork},
    {"address", identity::CredentialKind::kAddress}};
constexpr std::pair<std::string_view, IdentityPut::Mode> kModes[] = {
    {"put", IdentityPut::Mode::kPut},
    {"create", IdentityPut::Mode::kCreate},
    {"update", IdentityPut::Mode::kUpdate}};
constexpr size_t kCursorBytesMax = limits::kControlKeyBytesMax;

ControlError Refused(const Status& status) {
  return {"bad_request", std::string(MessageOf(status)), ""};
}

void ReadLimit(RecordReader* reader, uint32_t* limit) {
  reader->Number("limit", limits::kControlListEntriesMax, limit);
  if (*limit == 0) reader->Fail("limit", "is at least 1");
}

std::variant<IdentityRequest, ControlError> ParsePut(Json* members) {
  IdentityPut put;
  if (auto records = members->find("records"); records != members->end()) {
    put.records = std::move(*records);
    members->erase(records);
  }
  RecordReader reader(*members, "the request");
  std::vector<std::string> assumed;
  reader.Choice<IdentityPut::Mode>("mode", kModes, &put.mode);
  reader.Flag("dry_run", &put.dry_run);
  reader.Texts("assume_accounts", limits::kAssumedAccountsMax, &assumed);
  if (!put.dry_run && !assumed.empty()) reader.Fail("assume_accounts", "is for dry runs alone");
  if (Status status = reader.Finish(); !status.ok()) return Refused(status);
  if (!put.records.is_array() || put.records.size() > limits::kIdentityRecordsMax) {
    reader.Fail("records",
                "is a list of at most " + std::to_string(limits::kIdentityRecordsMax) + " objects");
  }
  if (Status status = reader.Finish(); !status.ok()) return Refused(status);
  for (const std::string& name : assumed) put.assume_accounts.insert(ToLower(name));
  return IdentityRequest(std::move(put));
}

std::variant<IdentityRequest, ControlError> ParseRemove(const Json& members) {
  IdentityRemove remove;
  RecordReader reader(members, "the request");
  reader.Choice<RecordType>("type", kTypes, &remove.type);
  reader.Choice<identity::CredentialKind>("kind", kKinds, &remove.kind);
  reader.Text("name", limits::kPathBytesMax, &remove.name);
  reader.Flag("with", &remove.with);
  reader.Flag("dry_run", &remove.dry_run);
  if (!members.contains("type") || members["type"].is_null())
    reader.Fail("type", "is missing: what is to be removed");
  if (remove.name.empty()) reader.Fail("name", "is missing: which one is to be removed");
  if (Status status = reader.Finish(); !status.ok()) return Refused(status);
  return IdentityRequest(std::move(remove));
}

std::variant<IdentityRequest, ControlError> ParseList(const Json& members) {
  IdentityList list;
  RecordType type{};
  identity::CredentialKind kind{};
  RecordReader reader(members, "the request");
  reader.Choice<RecordType>("type", kTypes, &type);
  reader.Choice<identity::CredentialKind>("kind", kKinds, &kind);
  reader.Text("name", limits::kPathBytesMax, &list.name);
  reader.Text("account", limits::kAccountNameBytesMax, &list.account);
  reader.Text("after", kCursorBytesMax, &list.after);
  reader.Flag("secrets", &list.secrets);
  ReadLimit(&reader, &list.limit);
  if (members.contains("type")) list.type = type;
  if (members.contains("kind")) list.kind = kind;
  if (!list.name.empty() && !list.type) {
    reader.Fail("type", "is missing: of which type is \"name\"?");
  }
  if (Status status = reader.Finish(); !status.ok()) return Refused(status);
  return IdentityRequest(std::move(list));
}

std::variant<IdentityRequest, ControlError> ParseAudit(const Json& members) {
  IdentityAudit audit;
  RecordReader reader(members, "the request");
  reader.Text("account", limits::kAccountNameBytesMax, &audit.account);
  reader.Text("after", kCursorBytesMax, &audit.after);
  ReadLimit(&reader, &audit.limit);
  if (Status status = reader.Finish(); !status.ok()) return Refused(status);
  return IdentityRequest(std::move(audit));
}

}  // namespace

std::string_view RecordTypeName(RecordType type) { return kTypes[static_cast<size_t>(type)].first; }

std::variant<IdentityRequest, ControlError> ParseIdentityRequest(ControlCommand command,
                                                                 Json members) {
  members.erase("command");
  switch (command) {
    case ControlCommand::kIdentityPut:
      return ParsePut(&members);
    case ControlCommand::kIdentityRemove:
      return ParseRemove(members);
    case ControlCommand::kIdentityList:
      return ParseList(members);
    default:
      return ParseAudit(members);
  }
}

}  // namespace ringpost::app
