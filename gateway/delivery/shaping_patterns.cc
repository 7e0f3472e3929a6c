#include "gateway/delivery/shaping_patterns.h"

#include <algorithm>

#include "gateway/base/ip_address.h"
#include "gateway/base/text.h"
#include "gateway/smtp/address.h"
#include "gateway/smtp/idna.h"

namespace ringpost::delivery {

std::optional<std::string> CanonicalPattern(std::string_view pattern) {
  if (pattern == "*") return std::string(pattern);
  if (auto address = IpAddress::Parse(pattern)) return address->ToString();
  bool below = pattern.starts_with("*.");
  if (below) pattern.remove_prefix(2);
  if (pattern.ends_with('.')) pattern.remove_suffix(1);
  if (!smtp::IsDomain(pattern, true)) return std::nullopt;
  std::optional<std::string> domain = smtp::CanonicalDomain(pattern);
  if (!domain || !smtp::IsDomain(*domain, false)) return std::nullopt;
  return below ? "*." + *domain : *domain;
}

std::string CanonicalDomainName(std::string_view domain_key) {
  if (HasEighthBit(domain_key)) {
    if (auto canonical = smtp::CanonicalDomain(domain_key)) return *canonical;
  }
  return std::string(domain_key);
}

bool FitsPattern(std::string_view pattern, std::string_view name) {
  if (pattern == "*") return true;
  if (!pattern.starts_with("*.")) return pattern == name;
  pattern.remove_prefix(1);  // ".example.com"
  return name.size() > pattern.size() && name.ends_with(pattern);
}

bool FitsOneOf(std::span<const std::string> patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& one) { return FitsPattern(one, name); });
}

bool AllFit(std::span<const std::string> patterns, std::span<const std::string> names) {
  return !names.empty() && std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return FitsOneOf(patterns, name);
  });
}

void PatternIndex::Add(std::string_view pattern, uint32_t number) {
  std::vector<uint32_t>* list = nullptr;
  if (pattern == "*") {
    list = &all_;
  } else if (pattern.starts_with("*.")) {
    list = &below_[std::string(pattern.substr(2))];
  } else {
    list = &exact_[std::string(pattern)];
  }
  if (list->empty() || list->back() != number) list->push_back(number);
}

void PatternIndex::Collect(std::string_view name, std::vector<uint32_t>* numbers) const {
  size_t before = numbers->size();
  auto take = [numbers](const std::vector<uint32_t>& list) {
    numbers->insert(numbers->end(), list.begin(), list.end());
  };
  if (auto found = exact_.find(name); found != exact_.end()) take(found->second);
  // A domain has at most 127 labels.
  std::string_view rest = name;
  for (size_t dot = rest.find('.'); !below_.empty() && dot != std::string_view::npos;
       dot = rest.find('.')) {
    rest.remove_prefix(dot + 1);
    if (auto found = below_.find(rest); found != below_.end()) take(found->second);
  }
  take(all_);
  auto first = numbers->begin() + static_cast<std::ptrdiff_t>(before);
  std::sort(first, numbers->end());
  numbers->erase(std::unique(first, numbers->end()), numbers->end());
}

}  // namespace ringpost::delivery
