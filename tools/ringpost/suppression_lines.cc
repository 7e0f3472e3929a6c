#include "tools/ringpost/suppression_lines.h"

#include <algorithm>
#include <utility>

#include "gateway/base/json_depth.h"
#include "gateway/base/text.h"
#include "gateway/identity/address_list.h"
#include "gateway/identity/suppression_limits.h"
#include "tools/ringpost/text.h"

namespace ringpost::cli {
namespace {

using identity::SuppressionReason;

constexpr std::pair<std::string_view, SuppressionReason> kReasonWords[] = {
    {"hard bounce", SuppressionReason::kHardBounce},
    {"hard_bounce", SuppressionReason::kHardBounce},
    {"hard-bounce", SuppressionReason::kHardBounce},
    {"hardbounce", SuppressionReason::kHardBounce},
    {"bounced", SuppressionReason::kHardBounce},
    {"unsubscribed", SuppressionReason::kUnsubscribe},
    {"spam", SuppressionReason::kComplaint},
    {"spam complaint", SuppressionReason::kComplaint},
    {"spam_complaint", SuppressionReason::kComplaint},
    {"spam report", SuppressionReason::kComplaint},
};

std::string Shown(std::string_view text) { return "\"" + SafeText(Fit(text, 60)) + "\""; }

// "2026-11-28 07:16:24" is meant in UTC.
std::string AsTime(std::string text) {
  if (text.size() >= 19 && text[10] == ' ') text[10] = 'T';
  if (text.size() >= 19 && text.ends_with("+00:00")) text.resize(text.size() - 6);
  if (text.size() > 10 && IsDigit(text.back())) text.push_back('Z');
  return text;
}

}  // namespace

std::optional<SuppressionReason> ReasonInWords(std::string_view text) {
  std::string lower = ToLower(TrimSpace(text));
  if (auto reason = identity::SuppressionReasonOf(lower)) return reason;
  for (const auto& [words, reason] : kReasonWords) {
    if (words == lower) return reason;
  }
  return std::nullopt;
}

std::optional<std::vector<std::string>> CsvFields(std::string_view line) {
  std::vector<std::string> fields;
  size_t at = 0;
  while (true) {
    if (fields.size() == kSuppressionFieldsMax) return std::nullopt;
    std::string field;
    if (at < line.size() && line[at] == '"') {
      for (++at;;) {
        if (at == line.size()) return std::nullopt;
        char c = line[at++];
        if (c == '"' && (at == line.size() || line[at] != '"')) break;
        if (c == '"') ++at;  // doubled: one
        field.push_back(c);
      }
    }
    size_t end = std::min(line.find(',', at), line.size());
    field.append(line.substr(at, end - at));
    fields.push_back(std::move(field));
    if (end == line.size()) return fields;
    at = end + 1;
  }
}

std::string CsvField(std::string_view text) {
  // A line that begins with a brace is taken for JSON, and an address may begin with one.
  if (text.find_first_of(",\"\r\n") == std::string_view::npos && !text.starts_with('{')) {
    return std::string(text);
  }
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"') quoted.push_back('"');
    quoted.push_back(c == '\r' || c == '\n' ? ' ' : c);
  }
  return quoted + '"';
}

SuppressionLines::Column SuppressionLines::ColumnOf(std::string_view name) {
  static constexpr std::pair<std::string_view, Column> kNames[] = {{"entry", kEntry},
                                                                   {"email", kEntry},
                                                                   {"email_address", kEntry},
                                                                   {"email address", kEntry},
                                                                   {"address", kEntry},
                                                                   {"recipient", kEntry},
                                                                   {"domain", kEntry},
                                                                   {"reason", kReason},
                                                                   {"type", kReason},
                                                                   {"since", kSince},
                                                                   {"timestamp", kSince},
                                                                   {"date", kSince},
                                                                   {"created", kSince},
                                                                   {"created_at", kSince},
                                                                   {"detail", kDetail},
                                                                   {"description", kDetail},
                                                                   {"block_description", kDetail},
                                                                   {"message", kMessage}};
  std::string lower = ToLower(TrimSpace(name));
  for (const auto& [known, column] : kNames) {
    if (known == lower) return column;
  }
  return kOther;
}

SuppressionLines::Line SuppressionLines::Read(std::string_view text) {
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (first_ && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (TrimSpace(text).empty()) return Nothing{};
  if (text.size() > kSuppressionLineBytesMax) {
    return Bad{"is longer than " + std::to_string(kSuppressionLineBytesMax) + " bytes"};
  }
  bool first = std::exchange(first_, false);
  if (TrimSpace(text).starts_with('{')) return ReadJson(text);
  auto fields = CsvFields(text);
  if (!fields) return Bad{"is no CSV: a quote is not closed, or there are too many fields"};
  if (!first) return ReadFields(*fields);
  std::vector<Column> columns;
  bool head = false;
  for (const std::string& field : *fields) {
    columns.push_back(ColumnOf(field));
    head |= columns.back() == kEntry;
  }
  if (!head) return ReadFields(*fields);
  columns_ = std::move(columns);
  return Nothing{};
}

SuppressionLines::Line SuppressionLines::ReadJson(std::string_view text) const {
  if (NestsDeeper(text, 3)) return Bad{"is JSON that is too deep"};
  Json object = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return Bad{"is no JSON object"};
  std::string values[kOther];
  for (const auto& [name, value] : object.items()) {
    Column column = ColumnOf(name);
    if (column == kOther) continue;
    const auto* given = value.get_ptr<const std::string*>();
    if (!given) return Bad{"has a " + Shown(name) + " that is no text"};
    values[column] = *given;
  }
  return Checked(std::move(values[kEntry]), std::move(values[kReason]), std::move(values[kSince]),
                 std::move(values[kDetail]), std::move(values[kMessage]));
}

SuppressionLines::Line SuppressionLines::ReadFields(const std::vector<std::string>& fields) const {
  std::string values[kOther];
  for (size_t i = 0; i < fields.size() && i < columns_.size(); ++i) {
    if (columns_[i] != kOther && values[columns_[i]].empty()) values[columns_[i]] = fields[i];
  }
  return Checked(std::move(values[kEntry]), std::move(values[kReason]), std::move(values[kSince]),
                 std::move(values[kDetail]), std::move(values[kMessage]));
}

SuppressionLines::Line SuppressionLines::Checked(std::string entry, std::string reason,
                                                 std::string since, std::string detail,
                                                 std::string message) const {
  entry = std::string(TrimSpace(entry));
  auto key = identity::ListKey(entry);
  if (!key || key->size() > identity::limits::kSuppressionKeyBytesMax) {
    return Bad{Shown(entry) +
               " is no entry: \"user@example.com\", \"example.com\" or \"*.example.com\" is one"};
  }
  auto known = reason.empty() ? std::optional(reason_) : ReasonInWords(reason);
  if (!known) {
    return Bad{Shown(reason) + " is no reason: bounce, unsubscribe, complaint, manual"};
  }
  Json line = {{"entry", std::move(entry)}, {"reason", identity::SuppressionReasonName(*known)}};
  if (!since.empty()) {
    since = AsTime(std::move(since));
    if (!identity::ParseSuppressionTime(since)) {
      return Bad{Shown(since) + " is no time in UTC, as \"2026-11-28T07:16:24Z\" is one"};
    }
    line["since"] = std::move(since);
  }
  if (!message.empty()) {
    if (!MessageId::Parse(message)) return Bad{Shown(message) + " is no message's id"};
    line["message"] = std::move(message);
  }
  if (!detail.empty()) {
    line["detail"] = Printable(detail, identity::limits::kSuppressionDetailBytesMax);
  }
  return line;
}

}  // namespace ringpost::cli
