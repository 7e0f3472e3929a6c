#include "gateway/session/password_turns.h"

#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"

namespace ringpost::session {

PasswordTurns::Address PasswordTurns::AddressOf(const IpAddress& client) {
  Address address{};
  const size_t bytes = client.is_v4() ? client.bytes.size() : client.bytes.size() / 2;
  std::copy_n(client.bytes.begin(), bytes, address.begin());
  return address;
}

bool PasswordTurns::Take(const IpAddress& client, InboundLogin* login) {
  Turns& turns = by_address_[AddressOf(client)];
  if (turns.taken < limits::kPasswordJobsPerAddressMax) {
    ++turns.taken;
    return true;
  }
  turns.waiting.push_back(login);
  return false;
}

void PasswordTurns::Return(const IpAddress& client) {
  auto found = by_address_.find(AddressOf(client));
  RP_CHECK(found != by_address_.end() && found->second.taken > 0);
  if (--found->second.taken == 0 && found->second.waiting.empty()) by_address_.erase(found);
}

InboundLogin* PasswordTurns::Next(const IpAddress& client) {
  auto found = by_address_.find(AddressOf(client));
  if (found == by_address_.end()) return nullptr;
  Turns& turns = found->second;
  if (turns.waiting.empty() || turns.taken >= limits::kPasswordJobsPerAddressMax) return nullptr;
  InboundLogin* next = turns.waiting.front();
  turns.waiting.pop_front();
  if (turns.taken == 0 && turns.waiting.empty()) by_address_.erase(found);
  return next;
}

void PasswordTurns::Forget(const IpAddress& client, const InboundLogin* login) {
  auto found = by_address_.find(AddressOf(client));
  if (found == by_address_.end()) return;
  std::deque<InboundLogin*>& waiting = found->second.waiting;
  waiting.erase(std::remove(waiting.begin(), waiting.end(), login), waiting.end());
  if (found->second.taken == 0 && waiting.empty()) by_address_.erase(found);
}

}  // namespace ringpost::session
