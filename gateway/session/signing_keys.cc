#include "gateway/session/signing_keys.h"

#include <utility>

namespace ringpost::session {

StatusOr<SigningKeys::Selectors> SigningKeys::Get(const std::string& domain, uint32_t number) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = by_domain_.find(domain);
    if (found != by_domain_.end() && found->second->number == number) {
      kept_.splice(kept_.begin(), kept_, found->second);
      return found->second->selectors;
    }
  }
  // Two that want the same both read it: that is rare, and cheaper than to wait for each other.
  StatusOr<Selectors> read = load_(domain);
  if (!read.ok()) return read.status();
  std::lock_guard<std::mutex> lock(mutex_);
  auto [at, fresh] = by_domain_.try_emplace(domain);
  if (fresh) {
    kept_.push_front({domain, 0, nullptr});
    at->second = kept_.begin();
  }
  kept_.splice(kept_.begin(), kept_, at->second);
  // A shard may still go by an older number: what it reads is no older for that.
  at->second->number = number;
  at->second->selectors = *read;
  if (kept_.size() > domains_max_) {
    by_domain_.erase(kept_.back().domain);
    kept_.pop_back();
  }
  return *read;
}

}  // namespace ringpost::session
