// IdentityBook: what is shown beside one record: how much of its limits is used.
#include "gateway/app/identity_book_parts.h"
#include "gateway/identity/period_count.h"

namespace ringpost::app {
namespace {

using identity::Json;
using identity::QuotaTable;

Json PeriodJson(uint64_t recipients, uint32_t quota, WallTime begins_anew) {
  return {
      {"recipients", recipients}, {"quota", quota}, {"begins_anew", FormatRfc3339(begins_anew)}};
}

}  // namespace

// A period without a quota is not there: nothing is counted for it.
Json IdentityBook::UseOfAccount(uint32_t id, WallTime now) const {
  Json use = Json::object();
  const identity::Account* account = directory_->FindAccount(id);
  uint32_t ramp = account ? identity::RampLimit(account->ramp, now) : 0;
  if (ramp == 0) return use;
  uint32_t used = uses_.quotas->UseOf(QuotaTable::Kind::kAccount, id, now).day;
  use["day"] = PeriodJson(used, ramp, identity::NextUtcDay(now));
  return use;
}

Json IdentityBook::UseOfCredential(identity::CredentialKind kind, const std::string& name,
                                   WallTime now) const {
  Json use = Json::object();
  auto credential = directory_->FindExactly(kind, name);
  if (!credential) return use;
  auto used = uses_.quotas->UseOf(QuotaTable::Kind::kCredential, credential->id, now);
  const identity::CredentialSettings& settings = *credential->settings;
  if (settings.daily_quota > 0) {
    use["day"] = PeriodJson(used.day, settings.daily_quota, identity::NextUtcDay(now));
  }
  if (settings.monthly_quota > 0) {
    use["month"] = PeriodJson(used.month, settings.monthly_quota, identity::NextUtcMonth(now));
  }
  identity::OutcomeCounts::Sums sums = uses_.outcomes->Of(credential->id, now);
  use["last_24_hours"] = {{"recipients", sums.accepted},
                          {"hard_bounces", sums.hard_bounces},
                          {"complaints", sums.complaints}};
  return use;
}

}  // namespace ringpost::app
