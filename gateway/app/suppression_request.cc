#include "gateway/app/suppression_request.h"

#include <utility>

#include "gateway/base/text.h"
#include "gateway/identity/address_list.h"
#include "gateway/identity/record_reader.h"
#include "gateway/identity/suppression_limits.h"
#include "gateway/session/suppression_limits.h"

namespace ringpost::app {
namespace {

using identity::Json;
using identity::RecordReader;
using identity::SuppressionReason;
using Change = session::SuppressionStore::Change;

constexpr std::pair<std::string_view, SuppressionReason> kReasons[] = {
    {"bounce", SuppressionReason::kHardBounce},
    {"unsubscribe", SuppressionReason::kUnsubscribe},
    {"complaint", SuppressionReason::kComplaint},
    {"manual", SuppressionReason::kManual}};

std::string NoEntry(std::string_view text) {
  return "\"" + Printable(text, 100) +
         "\" is no entry: it takes \"user@example.com\", \"example.com\" or \"*.example.com\" (all "
         "below it)";
}

// Of the text of an entry; empty: it is none.
std::string KeyOf(std::string_view entry) {
  auto key = identity::ListKey(TrimSpace(entry));
  bool good = key && key->size() <= identity::limits::kSuppressionKeyBytesMax;
  return good ? std::move(*key) : std::string();
}

// Empty: it was read.
std::string ReadAdded(const Json& object, Change* change) {
  RecordReader reader(object, "an entry");
  std::string entry, since, message;
  identity::Suppression added;
  reader.Text("entry", limits::kControlKeyBytesMax, &entry);
  reader.Choice<SuppressionReason>("reason", kReasons, &added.reason);
  reader.Text("since", 64, &since);
  reader.Text("message", 64, &message);
  reader.Text("detail", limits::kReplyTextKeptBytesMax, &added.detail);
  Status status = reader.Finish();
  if (!status.ok()) return std::string(MessageOf(status));
  change->key = KeyOf(entry);
  if (change->key.empty()) return NoEntry(entry);
  if (!since.empty()) {
    auto time = identity::ParseSuppressionTime(since);
    if (!time) return "\"since\" is a time in UTC, as \"2026-11-28\" or \"2026-11-28T07:16:24Z\"";
    added.time = *time;
  }
  if (!message.empty()) {
    auto id = MessageId::Parse(message);
    if (!id) return "\"message\" is a message's id";
    added.message = *id;
  }
  added.detail = Printable(added.detail, identity::limits::kSuppressionDetailBytesMax);
  change->suppression = std::move(added);
  return "";
}

std::string ReadRemoved(const Json& entry, Change* change) {
  const auto* text = entry.get_ptr<const std::string*>();
  if (!text) return "an entry to remove is text";
  change->key = KeyOf(*text);
  return change->key.empty() ? NoEntry(*text) : "";
}

std::optional<ControlError> ReadEntries(const Json& entries, bool add, std::vector<Change>* to) {
  constexpr size_t kMost = session::limits::kSuppressionChangesMax;
  if (!entries.is_array() || entries.empty() || entries.size() > kMost) {
    return ControlError{"bad_request",
                        "\"entries\" is a list of 1 to " + std::to_string(kMost) + " entries", ""};
  }
  to->reserve(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    Change& change = to->emplace_back();
    std::string why = add ? ReadAdded(entries[i], &change) : ReadRemoved(entries[i], &change);
    if (!why.empty()) {
      return ControlError{"bad_request", "entry " + std::to_string(i + 1) + ": " + why, ""};
    }
  }
  return std::nullopt;
}

}  // namespace

std::variant<SuppressionRequest, ControlError> ParseSuppressionRequest(ControlCommand command,
                                                                       Json members) {
  members.erase("command");
  SuppressionRequest request;
  request.command = command;
  bool add = command == ControlCommand::kSuppressionAdd;
  bool changes = add || command == ControlCommand::kSuppressionRemove;
  Json entries;
  if (auto given = members.find("entries"); changes && given != members.end()) {
    entries = std::move(*given);
    members.erase(given);
  }
  RecordReader reader(members, "the request");
  reader.Text("account", limits::kAccountNameBytesMax, &request.account);
  reader.Text("region", limits::kRegionNameBytesMax, &request.region);
  if (changes) reader.Flag("dry_run", &request.dry_run);
  if (command == ControlCommand::kSuppressionList) {
    SuppressionReason reason{};
    reader.Choice<SuppressionReason>("reason", kReasons, &reason);
    if (reason != SuppressionReason{}) request.reason = reason;
    reader.Text("domain", limits::kDomainBytesMax, &request.domain);
    reader.Text("after", limits::kControlKeyBytesMax, &request.after);
    reader.Number("limit", limits::kControlListEntriesMax, &request.limit);
    if (request.limit == 0) reader.Fail("limit", "is at least 1");
    if (!request.domain.empty()) {
      std::string key = KeyOf(request.domain);
      bool domain = !key.empty() && key.find_first_of("@*") == std::string::npos;
      if (!domain) reader.Fail("domain", "is a domain, as \"example.com\"");
      request.domain = std::move(key);
    }
  }
  if (command == ControlCommand::kSuppressionShow) {
    reader.Text("name", limits::kControlKeyBytesMax, &request.name);
    if (KeyOf(request.name).empty()) reader.Fail("name", "is an address or a domain");
  }
  Status status = reader.Finish();
  if (!status.ok()) return ControlError{"bad_request", std::string(MessageOf(status)), ""};
  if (changes) {
    if (auto error = ReadEntries(entries, add, &request.changes)) return *error;
  }
  return request;
}

}  // namespace ringpost::app
