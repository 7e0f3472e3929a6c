#include "gateway/mail/return_paths.h"

#include "gateway/base/text.h"

namespace ringpost::mail {

std::string ReturnPaths::Make(std::string_view domain, std::string_view region, const MessageId& id,
                              WallTime now) const {
  auto its = domains_->Find(domain);
  if (!its || !its->works || keys_.empty()) return {};
  if (its->region >= regions_.size() || regions_[its->region] != region) return {};
  std::string name(its->label);
  name.append(".").append(domain);
  const auto& [number, key] = keys_.front();
  return MakeReturnPath({number, &key}, name, id, now) + "@" + name;
}

std::optional<ReturnPaths::Found> ReturnPaths::Find(std::string_view address, WallTime now) const {
  size_t at = address.rfind('@');
  if (at == std::string_view::npos) return std::nullopt;
  std::string name = ToLower(address.substr(at + 1));
  size_t dot = name.find('.');
  if (dot == std::string::npos) return std::nullopt;
  auto domain = domains_->Find(std::string_view(name).substr(dot + 1));
  if (!domain || domain->label != name.substr(0, dot)) return std::nullopt;
  std::vector<ReturnPathKey> keys;
  keys.reserve(keys_.size());
  for (const auto& [number, key] : keys_) keys.push_back({number, &key});
  ReturnPathResult result = VerifyReturnPath(address.substr(0, at), name, keys, now);
  return Found{result.verdict, result.id, domain->account};
}

}  // namespace ringpost::mail
