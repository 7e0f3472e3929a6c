// Requests about accounts, credentials, senders, links, suppressions, domains and TLS: whatever the
// bytes, they are read into values within their bounds or refused in words for a terminal; and a
// record that is taken is, written and read again, the same, with all that was given.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "gateway/app/domain_request.h"
#include "gateway/app/identity_request.h"
#include "gateway/app/link_request.h"
#include "gateway/app/sts_request.h"
#include "gateway/app/suppression_request.h"
#include "gateway/app/tls_report_request.h"
#include "gateway/base/check.h"
#include "gateway/identity/directory.h"

using namespace ringpost;
using namespace ringpost::app;
using identity::Json;

namespace {

void IsForATerminal(std::string_view words) {
  RP_CHECK(!words.empty());
  for (unsigned char c : words) RP_CHECK(c >= 0x20 && c != 0x7f);
}

Json Member(const Json& object, const char* name, const Json& other) {
  auto found = object.find(name);
  return found == object.end() || found->is_null() ? other : *found;
}

// What it means where it is not written at all (gateway/identity/records.h).
bool IsDefault(const std::string& name, const Json& value, const Json& record) {
  if (value.is_null() || value == "" || value == 0 || value == false || value == Json::array()) {
    return true;
  }
  if (name == "status") return value == "allowed";
  if (name == "lane") return value == "transactional";
  if (name == "state") return value == "pending";
  if (name == "begins") return value == "1970-01-01";
  if (name == "blocked_because") return Member(record, "status", "allowed") != "blocked";
  if (name == "rate") return Member(value, "count", 0) == 0;
  if (name == "ramp") return Member(value, "first_day", 0) == 0;
  if (name == "senders" || name == "recipients") {
    return Member(value, "mode", "off") == "off" && Member(value, "entries", Json::array()).empty();
  }
  return false;
}

void KeepsAll(const Json& given, const Json& written) {
  for (const auto& [name, value] : given.items()) {
    if (IsDefault(name, value, given)) continue;
    auto kept = written.find(name);
    RP_CHECK(kept != written.end());
    if (value.is_object()) {
      KeepsAll(value, *kept);
    } else {
      RP_CHECK(*kept == value);
    }
  }
}

template <typename Record>
std::optional<Record> ReadTwice(const Json& given) {
  auto record = Record::Parse(given);
  if (!record.ok()) {
    IsForATerminal(MessageOf(record.status()));
    return std::nullopt;
  }
  Json written = record->ToJson();
  KeepsAll(given, written);
  auto again = Record::Parse(Json::parse(written.dump()));
  RP_CHECK(again.ok() && again->ToJson() == written);
  return *record;
}

void LookAtRecord(Json record) {
  if (record.is_object()) {
    for (const char* other : {"type", "password", "password_record"}) record.erase(other);
  }
  if (auto account = ReadTwice<identity::AccountRecord>(record)) {
    RP_CHECK(account->ToAccount(1).ok());
  }
  if (auto credential = ReadTwice<identity::CredentialRecord>(record)) {
    RP_CHECK(credential->ToSettings().ok());
    auto key = identity::Directory::KeyOf(credential->kind, credential->name);
    if (!key.ok()) IsForATerminal(MessageOf(key.status()));
  }
  ReadTwice<identity::SenderRecord>(record);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > limits::kControlRequestBytesMax) return 0;
  std::string_view line(reinterpret_cast<const char*>(data), size);
  auto parsed = ParseControlRequest(line);
  const auto* request = std::get_if<ControlRequest>(&parsed);
  if (!request || !request->identity) return 0;
  auto refusal = [](const auto& read_or_not) {
    if (const auto* error = std::get_if<ControlError>(&read_or_not)) {
      IsForATerminal(error->message);
    }
    return 0;
  };
  ControlCommand command = request->command;
  const Json& members = *request->identity;
  if (IsLinkCommand(command)) return refusal(ParseLinkRequest(command, members));
  if (IsStsCommand(command)) return refusal(ParseStsRequest(members));
  if (IsTlsReportCommand(command)) return refusal(ParseTlsReportRequest(command, members));
  if (IsSuppressionCommand(command)) return refusal(ParseSuppressionRequest(command, members));
  if (IsDomainCommand(command)) return refusal(ParseDomainRequest(command, members));
  auto read = ParseIdentityRequest(request->command, *request->identity);
  if (const auto* error = std::get_if<ControlError>(&read)) {
    IsForATerminal(error->message);
  } else if (const auto* put = std::get_if<IdentityPut>(&std::get<IdentityRequest>(read))) {
    RP_CHECK(put->records.size() <= limits::kIdentityRecordsMax);
    for (const Json& record : put->records) LookAtRecord(record);
  } else if (const auto* list = std::get_if<IdentityList>(&std::get<IdentityRequest>(read))) {
    RP_CHECK(list->limit >= 1 && list->limit <= limits::kControlListEntriesMax);
  }
  return 0;
}
