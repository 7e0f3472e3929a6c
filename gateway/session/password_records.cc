#include "gateway/session/password_records.h"

#include <utility>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::session {

const identity::PasswordRecord* PasswordRecords::Find(std::string_view name, uint64_t version) {
  GoTo(version);
  auto found = records_.find(ToLower(name));
  return found == records_.end() ? nullptr : &found->second;
}

void PasswordRecords::Keep(std::string_view name, uint64_t version,
                           const identity::PasswordRecord& record) {
  GoTo(version);
  std::string key = ToLower(name);
  if (!records_.insert_or_assign(key, record).second) return;
  if (order_.size() < limits::kPasswordRecordsKeptMax) {
    order_.push_back(std::move(key));
    return;
  }
  records_.erase(std::exchange(order_[oldest_], std::move(key)));
  oldest_ = (oldest_ + 1) % order_.size();
}

void PasswordRecords::GoTo(uint64_t version) {
  if (std::exchange(version_, version) == version) return;
  records_.clear();
  order_.clear();
  oldest_ = 0;
}

}  // namespace ringpost::session
