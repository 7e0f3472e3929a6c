// Lines of a file of suppressions, as `ringpost suppression export` writes them and as other
// services do: JSON, an object a line, or CSV (RFC 4180, but for line breaks within a field). Pure:
// no file, no daemon.
//
//   {"entry":"bob@example.com","reason":"bounce","since":"2026-11-28T07:16:24.000Z"}
//
//   entry,reason,since,detail          the head may be missing: the columns are these, then
//   bob@example.com,complaint,2026-11-28,"said so, twice"
//
// Of a head's columns the names that are known count (also email, email_address, address,
// recipient, domain; type; timestamp, date, created, created_at; description, block_description);
// others are left out. A line may be of anybody's making: whatever is wrong with it is said in
// words.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gateway/identity/suppression.h"
#include "tools/ringpost/connection.h"

namespace ringpost::cli {

// Of one line; longer: it is refused, unread.
inline constexpr size_t kSuppressionLineBytesMax = 8192;
// Fields of one; more: it is refused.
inline constexpr size_t kSuppressionFieldsMax = 64;

class SuppressionLines {
 public:
  // `reason`: of lines that have none.
  explicit SuppressionLines(identity::SuppressionReason reason) : reason_(reason) {}

  struct Nothing {};  // a blank line, or the head
  struct Bad {
    std::string why;
  };
  // An entry of a "suppression add" request.
  using Line = std::variant<Nothing, Bad, Json>;
  // `text` without its line feed.
  Line Read(std::string_view text);

 private:
  enum Column : uint8_t { kEntry, kReason, kSince, kDetail, kMessage, kOther };
  static Column ColumnOf(std::string_view name);

  Line ReadJson(std::string_view text) const;
  Line ReadFields(const std::vector<std::string>& fields) const;
  Line Checked(std::string entry, std::string reason, std::string since, std::string detail,
               std::string message) const;

  identity::SuppressionReason reason_;
  bool first_ = true;
  std::vector<Column> columns_ = {kEntry, kReason, kSince, kDetail, kMessage};
};

// The fields of a line of CSV; nothing: a quote is not closed, or too many fields.
std::optional<std::vector<std::string>> CsvFields(std::string_view line);
// A field as it is written.
std::string CsvField(std::string_view text);
// The reason of this name here, or as other services say it ("spam", "hard bounce").
std::optional<identity::SuppressionReason> ReasonInWords(std::string_view text);

}  // namespace ringpost::cli
