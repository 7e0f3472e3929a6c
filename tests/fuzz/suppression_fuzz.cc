// A file of suppressions and the requests about them: whatever the bytes, a line is left out,
// refused in words fit for a terminal, or an entry that the daemon takes just as it was read, and
// that its export writes so that it is read again, the same. Input: a file, line by line.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "gateway/app/suppression_request.h"
#include "gateway/base/check.h"
#include "gateway/base/text.h"
#include "gateway/identity/address_list.h"
#include "gateway/identity/suppression_limits.h"
#include "gateway/session/suppression_store.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/suppression_lines.h"
#include "tools/ringpost/text.h"

using namespace ringpost;
using namespace ringpost::cli;

namespace {

std::string Member(const Json& object, const char* name) {
  auto found = object.find(name);
  return found == object.end() ? "" : found->get<std::string>();
}

// As the daemon reads it.
identity::Suppression Sent(const Json& line, std::string* key) {
  Json members = {{"command", "suppression add"}, {"entries", {line}}};
  auto request = app::ParseSuppressionRequest(app::ControlCommand::kSuppressionAdd, members);
  RP_CHECK(std::holds_alternative<app::SuppressionRequest>(request));
  auto& changes = std::get<app::SuppressionRequest>(request).changes;
  RP_CHECK(changes.size() == 1 && changes[0].suppression);
  *key = changes[0].key;
  return *changes[0].suppression;
}

// As an export has it.
std::string Exported(const identity::Suppression& suppression, const std::string& key, bool csv) {
  std::string entry = identity::ListEntry(key), since = FormatRfc3339(suppression.time);
  std::string reason(identity::SuppressionReasonName(suppression.reason));
  if (!csv) {
    return JsonText(
        {{"entry", entry}, {"reason", reason}, {"since", since}, {"detail", suppression.detail}});
  }
  return CsvField(entry) + "," + reason + "," + since + "," + CsvField(suppression.detail);
}

void GoesRound(const Json& line) {
  std::string key;
  identity::Suppression first = Sent(line, &key);
  RP_CHECK(!key.empty() && key.size() <= identity::limits::kSuppressionKeyBytesMax);
  RP_CHECK(key == identity::ListKey(identity::ListEntry(key)));
  RP_CHECK(first.detail.size() <= identity::limits::kSuppressionDetailBytesMax);
  RP_CHECK(Member(line, "reason") == identity::SuppressionReasonName(first.reason));
  auto kept = session::DecodeSuppression(session::EncodeSuppression(first));
  RP_CHECK(kept.ok() && kept->time == first.time && kept->detail == first.detail);
  for (bool csv : {false, true}) {
    SuppressionLines reader(identity::SuppressionReason::kManual);
    // A year of more than four digits has no form here.
    std::string text = Exported(first, key, csv);
    if (csv) reader.Read("entry,reason,since,detail");
    auto again = reader.Read(text);
    RP_CHECK(std::holds_alternative<Json>(again));
    std::string key_again;
    identity::Suppression second = Sent(std::get<Json>(again), &key_again);
    RP_CHECK(key_again == key && second.reason == first.reason && second.time == first.time);
    RP_CHECK(second.detail == first.detail);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  SuppressionLines reader(identity::SuppressionReason::kComplaint);
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    auto read = reader.Read(line);
    if (const auto* bad = std::get_if<SuppressionLines::Bad>(&read)) {
      RP_CHECK(!bad->why.empty() && bad->why.size() < 1000 && bad->why == SafeText(bad->why));
    }
    if (const auto* json = std::get_if<Json>(&read)) GoesRound(*json);
    // Also what is no line of ours is one field again.
    if (auto field = CsvFields(CsvField(line));
        field && line.find('\r') == std::string_view::npos) {
      RP_CHECK(field->size() == 1 && field->front() == line);
    } else {
      RP_CHECK(line.find('\r') != std::string_view::npos);
    }
    Json members = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!members.is_object()) continue;
    using Command = app::ControlCommand;
    for (Command command : {Command::kSuppressionAdd, Command::kSuppressionRemove,
                            Command::kSuppressionList, Command::kSuppressionShow}) {
      auto request = app::ParseSuppressionRequest(command, members);
      if (const auto* error = std::get_if<app::ControlError>(&request)) {
        RP_CHECK(!error->message.empty());
        for (unsigned char c : error->message) RP_CHECK(c >= 0x20 && c != 0x7f);
      }
    }
  }
  return 0;
}
