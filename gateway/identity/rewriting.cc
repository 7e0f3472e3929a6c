#include "gateway/identity/rewriting.h"

namespace ringpost::identity {
namespace {

// The last "@" outside of a quoted local part ends that.
size_t DomainAt(std::string_view address) {
  size_t at = address.rfind('@');
  return at == std::string_view::npos || address.ends_with('"') ? address.size() : at;
}

std::string Rewritten(const std::string& forced, const std::string& default_domain,
                      std::string_view address) {
  if (!forced.empty()) return forced;
  if (default_domain.empty() || !IsUnqualified(address)) return std::string(address);
  return std::string(address.substr(0, DomainAt(address))) + "@" + default_domain;
}

}  // namespace

bool IsUnqualified(std::string_view address) {
  std::string_view domain = address.substr(DomainAt(address));
  if (domain.empty()) return true;
  domain.remove_prefix(1);
  if (domain.ends_with('.')) domain.remove_suffix(1);
  return !domain.starts_with('[') && domain.find('.') == std::string_view::npos;
}

void RewriteReversePath(const CredentialSettings& settings, std::string* reverse_path) {
  if (reverse_path->empty()) return;
  *reverse_path = Rewritten(settings.forced_reverse_path, settings.default_domain, *reverse_path);
}

std::string RewrittenFrom(const CredentialSettings& settings, std::string_view address) {
  return Rewritten(settings.forced_from, settings.default_domain, address);
}

}  // namespace ringpost::identity
