#include "gateway/tls/session_cache.h"

#include <utility>

#include "gateway/base/limits.h"

namespace ringpost::tls {

void SessionCache::Keep(const std::string& peer, bssl::UniquePtr<SSL_SESSION> session) {
  std::lock_guard lock(mutex_);
  bool full = sessions_.size() >= limits::kTlsClientSessionsMax;
  if (full && !sessions_.contains(peer)) sessions_.erase(sessions_.begin());
  sessions_[peer] = std::move(session);
}

bssl::UniquePtr<SSL_SESSION> SessionCache::Find(const std::string& peer) {
  std::lock_guard lock(mutex_);
  auto found = sessions_.find(peer);
  if (found == sessions_.end()) return nullptr;
  if (!SSL_SESSION_should_be_single_use(found->second.get())) {
    return bssl::UpRef(found->second);
  }
  bssl::UniquePtr<SSL_SESSION> session = std::move(found->second);
  sessions_.erase(found);
  return session;
}

void SessionCache::Forget(const std::string& peer) {
  std::lock_guard lock(mutex_);
  sessions_.erase(peer);
}

}  // namespace ringpost::tls
