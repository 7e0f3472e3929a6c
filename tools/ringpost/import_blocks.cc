#include "tools/ringpost/import_blocks.h"

#include <utility>

#include "gateway/base/text.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/view.h"

namespace ringpost::cli {

bool ImportBlock::Add(DocumentSection section, uint64_t number, const Json& record) {
  std::string text = JsonText(record);
  const bool hashes = record.contains("password");
  const bool domain = section == DocumentSection::kDomains;
  const bool alike = empty() || domain == (records_.back().section == DocumentSection::kDomains);
  const bool fits = alike && records_.size() < kRecordsMax &&
                    text_.size() + text.size() < kBytesMax && passwords_ + hashes <= kPasswordsMax;
  if (!fits && !empty()) return false;
  ImportedRecord added{section, number, TextOf(record, "kind"), TextOf(record, "name")};
  added.has_secret = hashes || record.contains("password_record") || record.contains("key") ||
                     record.contains("key_record") || record.contains("keys");
  records_.push_back(std::move(added));
  passwords_ += hashes;
  text_.append(text_.empty() ? "" : ",").append(text);
  const std::string account = ToLower(TextOf(record, "account"));
  if (assumed_.contains(account)) needed_.insert(account);
  return true;
}

std::string ImportBlock::Line() const {
  const bool domains = !empty() && records_.back().section == DocumentSection::kDomains;
  std::string line =
      domains ? R"({"command":"domain import",)" : R"({"command":"identity put","mode":"put",)";
  if (dry_run_) line += R"("dry_run":true,)";
  if (!needed_.empty()) line += "\"assume_accounts\":" + JsonText(Json(needed_)) + ",";
  return line + (domains ? "\"domains\":[" : "\"records\":[") + text_ + "]}\n";
}

void ImportBlock::Clear() {
  text_.clear();
  records_.clear();
  needed_.clear();
  passwords_ = 0;
}

void ImportBlock::AssumeAccount(const std::string& name) {
  if (assumed_.size() >= kAssumedMax) {
    forgot_accounts_ = true;
    return;
  }
  assumed_.insert(ToLower(name));
}

}  // namespace ringpost::cli
