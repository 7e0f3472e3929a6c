#include "gateway/http/acme_challenges.h"

#include <algorithm>
#include <utility>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::http {

bool AcmeChallenges::IsToken(std::string_view text) {
  return !text.empty() && text.size() <= limits::kAcmeTokenBytesMax &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return IsAlpha(c) || IsDigit(c) || c == '-' || c == '_'; });
}

Status AcmeChallenges::Add(std::string_view token, std::string key_authorization) {
  if (!IsToken(token)) {
    return MakeStatus(StatusCode::kInvalidArgument,
                      "the ACME server's token is not base64url (RFC 8555 section 8.3)");
  }
  std::lock_guard lock(mutex_);
  auto at = authorizations_.find(token);
  if (at != authorizations_.end()) {
    at->second = std::move(key_authorization);
  } else if (authorizations_.size() >= limits::kAcmeChallengesMax) {
    return MakeStatus(StatusCode::kResourceExhausted, "too many ACME challenges are open at once");
  } else {
    authorizations_.emplace(token, std::move(key_authorization));
  }
  return OkStatus();
}

void AcmeChallenges::Remove(std::string_view token) {
  std::lock_guard lock(mutex_);
  auto at = authorizations_.find(token);
  if (at != authorizations_.end()) authorizations_.erase(at);
}

std::optional<std::string> AcmeChallenges::Find(std::string_view token) const {
  std::lock_guard lock(mutex_);
  auto at = authorizations_.find(token);
  if (at == authorizations_.end()) return std::nullopt;
  return at->second;
}

}  // namespace ringpost::http
