#include "tools/ringpost/import_blocks.h"

#include <utility>

#include "gateway/base/text.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/view.h"

namespace ringpost::cli {

bool ImportBlock::Add(DocumentSection section, uint64_t number, const Json& record) {
  std::string text = JsonText(record);
  const bool hashes = record.contains("password");
  const bool fits = records_.size() < kRecordsMax && text_.size() + text.size() < kBytesMax &&
                    passwords_ + hashes <= kPasswordsMax;
  if (!fits && !empty()) return false;
  ImportedRecord added{section, number, TextOf(record, "kind"), TextOf(record, "name")};
  added.has_secret = hashes || record.contains("password_record") || record.contains("key") ||
                     record.contains("key_record");
  records_.push_back(std::move(added));
  passwords_ += hashes;
  text_.append(text_.empty() ? "" : ",").append(text);
  const std::string account = ToLower(TextOf(record, "account"));
  if (assumed_.contains(account)) needed_.insert(account);
  return true;
}

std::string ImportBlock::Line() const {
  std::string line = R"({"command":"identity put","mode":"put",)";
  if (dry_run_) line += R"("dry_run":true,)";
  if (!needed_.empty()) line += "\"assume_accounts\":" + JsonText(Json(needed_)) + ",";
  return line + "\"records\":[" + text_ + "]}\n";
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
