#include "gateway/delivery/domain_patterns.h"

#include <algorithm>

#include "gateway/smtp/address.h"
#include "gateway/smtp/idna.h"

namespace ringpost::delivery {
namespace {

// Nothing: it is ASCII, and as it should be already.
std::optional<std::string> ALabelsOf(std::string_view domain) {
  auto ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(domain.begin(), domain.end(), ascii)) return std::nullopt;
  return smtp::CanonicalDomain(domain);
}

}  // namespace

DomainPatterns::Added DomainPatterns::Add(std::string_view pattern, size_t number) {
  bool fresh = true;
  if (pattern == "*") {
    fresh = !all_.has_value();
    all_ = number;
  } else if (pattern.starts_with("*.")) {
    pattern.remove_prefix(2);
    if (!smtp::IsDomain(pattern, true)) return Added::kNoDomain;
    fresh = below_.emplace(ALabelsOf(pattern).value_or(std::string(pattern)), number).second;
  } else {
    bool domain = smtp::IsDomain(pattern, true) || smtp::IsAddressLiteral(pattern);
    if (!domain) return Added::kNoDomain;
    fresh = exact_.emplace(ALabelsOf(pattern).value_or(std::string(pattern)), number).second;
  }
  return fresh ? Added::kYes : Added::kTwice;
}

std::optional<size_t> DomainPatterns::Find(std::string_view domain_key) const {
  std::optional<std::string> canonical = ALabelsOf(domain_key);
  return FindCanonical(canonical ? std::string_view(*canonical) : domain_key);
}

std::optional<size_t> DomainPatterns::FindCanonical(std::string_view domain_key) const {
  if (auto found = exact_.find(domain_key); found != exact_.end()) return found->second;
  // Longest wildcard first: cut one label after the other. A domain has at most 127 labels.
  std::string_view rest = domain_key.starts_with('[') ? std::string_view() : domain_key;
  for (size_t dot = rest.find('.'); !below_.empty() && dot != std::string_view::npos;
       dot = rest.find('.')) {
    rest.remove_prefix(dot + 1);
    if (auto found = below_.find(rest); found != below_.end()) return found->second;
  }
  return all_;
}

}  // namespace ringpost::delivery
