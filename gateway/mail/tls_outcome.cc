#include "gateway/mail/tls_outcome.h"

#include <algorithm>
#include <iterator>

namespace ringpost::mail {
namespace {

constexpr std::string_view kTypes[] = {"tlsa", "sts", "no-policy-found"};
constexpr std::string_view kResults[] = {
    "success",
    "starttls-not-supported",
    "certificate-host-mismatch",
    "certificate-expired",
    "certificate-not-trusted",
    "validation-failure",
    "tlsa-invalid",
    "dnssec-invalid",
    "dane-required",
    "sts-policy-fetch-error",
    "sts-policy-invalid",
    "sts-webpki-invalid",
};
static_assert(std::size(kResults) == static_cast<size_t>(TlsResult::kStsWebpkiInvalid) + 1);

template <typename Value, size_t kCount>
std::optional<Value> Find(const std::string_view (&names)[kCount], std::string_view name) {
  const auto* found = std::find(std::begin(names), std::end(names), name);
  if (found == std::end(names)) return std::nullopt;
  return static_cast<Value>(found - std::begin(names));
}

}  // namespace

std::string_view NameOf(TlsPolicyType type) { return kTypes[static_cast<size_t>(type)]; }
std::string_view NameOf(TlsResult result) { return kResults[static_cast<size_t>(result)]; }

std::optional<TlsPolicyType> TlsPolicyTypeOf(std::string_view name) {
  return Find<TlsPolicyType>(kTypes, name);
}

std::optional<TlsResult> TlsResultOf(std::string_view name) {
  return Find<TlsResult>(kResults, name);
}

}  // namespace ringpost::mail
