#include "tools/ringpost/view_identity.h"

#include <algorithm>
#include <vector>

#include "tools/ringpost/record_fields.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"

namespace ringpost::cli {
namespace {

constexpr size_t kLabelColumns = 18;

std::string Label(std::string_view name) {
  std::string label = "  " + std::string(name);
  label.resize(std::max(label.size() + 1, kLabelColumns), ' ');
  return label;
}

// What a record is called by: said in its title.
bool IsIdentity(std::string_view member) {
  return member == "type" || member == "kind" || member == "name";
}

const Field* FindField(std::string_view type, std::string_view member) {
  for (const Field& field : FieldsOf(type)) {
    if (member == field.member) return &field;
  }
  return nullptr;
}

const Json& MemberOf(const Json& record, const char* name) {
  static const Json kNone;
  auto found = record.find(name);
  return found != record.end() ? *found : kNone;
}

// A cell: empty where the member is as usual.
std::string Cell(const Json& record, const char* member) {
  const Field* field = FindField(TextOf(record, "type"), member);
  const Json& value = MemberOf(record, member);
  return field && !IsUsual(*field, value) ? FieldWords(*field, value) : "";
}

std::string Choice(const Json& record, const char* member) {
  const Field* field = FindField(TextOf(record, "type"), member);
  return field ? FieldWords(*field, MemberOf(record, member)) : "";
}

std::string AccountState(const Json& record) {
  std::string state = FlagOf(record, "suspended") ? "suspended" : "active";
  return FlagOf(record, "exempt") ? state + ", exempt" : state;
}

std::string Owner(const Json& record) {
  const std::string account = SafeText(TextOf(record, "account"));
  return account.empty() ? "" : " of account " + account;
}

std::string LabelOf(std::string_view type, const std::string& member) {
  const Field* field = FindField(type, member);
  if (field) return field->label;
  // Of no option: "blocked_because".
  std::string label = SafeText(member);
  std::replace(label.begin(), label.end(), '_', ' ');
  return label;
}

std::string WordsOf(std::string_view type, const std::string& member, const Json& value) {
  const Field* field = FindField(type, member);
  if (field) return FieldWords(*field, value);
  if (value.is_null()) return "none";
  return SafeText(value.is_string() ? value.get<std::string>() : JsonText(value));
}

bool Differs(std::string_view type, const std::string& member, const Json& before,
             const Json& after) {
  const Field* field = FindField(type, member);
  if (field && IsUsual(*field, before) && IsUsual(*field, after)) return false;
  return before != after;
}

// "12 (3.5 %)"
std::string Share(uint64_t part, uint64_t whole) {
  std::string text = FormatCount(part);
  if (part == 0 || whole == 0) return text;
  const uint64_t tenths = (part * 1000 + whole / 2) / whole;
  return text + " (" + std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " %)";
}

}  // namespace

std::string RecordTitle(const Json& record) {
  std::string type = TextOf(record, "type"), kind = TextOf(record, "kind");
  std::string word = type != "credential" ? type : kind == "api_key" ? "API key" : kind;
  if (word.empty()) word = "record";
  return SafeText(word) + " " + SafeText(TextOf(record, "name"));
}

Table RecordTable(std::string_view type) {
  using Columns = std::vector<Table::Column>;
  if (type == "account") {
    return Table(Columns{{"NAME", false, true}, {"STATE"}, {"RATE"}, {"DESCRIPTION", false, true}});
  }
  if (type == "credential") {
    return Table(Columns{{"NAME", false, true},
                         {"KIND"},
                         {"ACCOUNT", false, true},
                         {"STATUS"},
                         {"LANE"},
                         {"RATE"},
                         {"DESCRIPTION", false, true}});
  }
  return Table(Columns{{"NAME", false, true}, {"ACCOUNT", false, true}, {"STATE"}});
}

void AddRecordRow(const Json& record, Table* table) {
  const std::string type = TextOf(record, "type"), name = SafeText(TextOf(record, "name"));
  if (type == "account") {
    return table->Row(
        {name, AccountState(record), Cell(record, "rate"), Cell(record, "description")});
  }
  const std::string account = SafeText(TextOf(record, "account"));
  if (type == "credential") {
    return table->Row({name, SafeText(TextOf(record, "kind")), account, Choice(record, "status"),
                       Choice(record, "lane"), Cell(record, "rate"), Cell(record, "description")});
  }
  table->Row({name, account, Choice(record, "state")});
}

std::string ViewRecord(const Json& record, const Terminal& terminal) {
  const std::string type = TextOf(record, "type");
  std::string differs, usual;
  for (const Field& field : FieldsOf(type)) {
    const Json& value = MemberOf(record, field.member);
    std::string line = Label(field.label) + FieldWords(field, value);
    if (IsUsual(field, value)) {
      usual += terminal.Dim(line) + "\n";
    } else {
      differs += line + "\n";
    }
  }
  // What this program does not know comes from a newer daemon.
  for (const auto& [member, value] : record.items()) {
    if (IsIdentity(member) || member == "account" || FindField(type, member)) continue;
    differs += Label(LabelOf(type, member)) + WordsOf(type, member, value) + "\n";
  }
  return terminal.Bold(RecordTitle(record)) + Owner(record) + "\n" + differs + usual;
}

std::string ViewUse(const Json& use) {
  std::string text;
  for (const auto& [member, label] :
       {std::pair("day", "today"), std::pair("month", "this month")}) {
    const Json& period = ListOf(use, member);
    if (!period.is_object()) continue;
    text += Label(label) + FormatCount(NumberOf(period, "recipients")) + " of " +
            FormatCount(NumberOf(period, "quota")) + " recipients, begins anew " +
            FormatTime(TextOf(period, "begins_anew")) + "\n";
  }
  const Json& day = ListOf(use, "last_24_hours");
  if (day.is_object()) {
    const uint64_t recipients = NumberOf(day, "recipients");
    text += Label("last 24 hours") + FormatCount(recipients) +
            (recipients == 1 ? " recipient, " : " recipients, ") +
            Share(NumberOf(day, "hard_bounces"), recipients) + " bounced for good, " +
            Share(NumberOf(day, "complaints"), recipients) + " complained\n";
  }
  return text.empty() ? "" : "Used:\n" + text;
}

std::string ViewAuditEntry(const Json& entry, std::string_view who, const Terminal& terminal) {
  const std::string type = TextOf(entry, "type"), what = TextOf(entry, "what");
  std::string text = FormatTime(TextOf(entry, "time")) + "  " + SafeText(who) + " " +
                     SafeText(what) + " " + terminal.Bold(RecordTitle(entry)) + Owner(entry) + "\n";
  if (what == "removed") return text;
  const Json& before = ListOf(entry, "before");
  const Json& after = ListOf(entry, "after");
  std::string lines;
  auto compare = [&](const std::string& member) {
    const Json& old_value = MemberOf(before, member.c_str());
    const Json& new_value = MemberOf(after, member.c_str());
    if (IsIdentity(member) || !Differs(type, member, old_value, new_value)) return;
    if (what == "added" && member == "account") return;
    std::string old_words = what == "added" ? "" : WordsOf(type, member, old_value) + " -> ";
    lines +=
        "  " + Label(LabelOf(type, member)) + old_words + WordsOf(type, member, new_value) + "\n";
  };
  if (after.is_object()) {
    for (const auto& item : after.items()) compare(item.key());
  }
  if (before.is_object()) {
    for (const auto& item : before.items()) {
      if (!after.is_object() || !after.contains(item.key())) compare(item.key());
    }
  }
  // Which it is is in no entry.
  for (const char* secret : {"password", "key"}) {
    if (!TextOf(entry, secret).empty()) lines += "  " + Label(secret) + "set\n";
  }
  for (const char* member : {"client", "message"}) {
    const std::string value = TextOf(entry, member);
    if (!value.empty()) lines += "  " + Label(member) + SafeText(value) + "\n";
  }
  return text + lines;
}

}  // namespace ringpost::cli
