#include "gateway/tls/ticket_keys.h"

#include <cstring>
#include <utility>

#include "gateway/base/limits.h"
#include "gateway/tls/aead.h"

namespace ringpost::tls {
namespace {

constexpr size_t kNameBytes = 16;
constexpr Seconds kTurn{limits::kTicketKeySeconds};

}  // namespace

struct TicketKeys::Entry {
  Entry() : aead(Key::Random()) { RandomBytes(name); }
  std::string_view name_view() const {
    return {reinterpret_cast<const char*>(name.data()), name.size()};
  }

  std::array<uint8_t, kNameBytes> name;
  Aead aead;
};

TicketKeys::TicketKeys() = default;
TicketKeys::~TicketKeys() = default;

// Turns what is due. After a long silence all that there was is too old.
void TicketKeys::Turn(MonoTime now) {
  if (!entries_[0] || now >= turns_at_ + 2 * kTurn) {
    entries_ = {std::make_unique<Entry>(), nullptr, nullptr};
    turns_at_ = now + kTurn;
  }
  while (now >= turns_at_) {
    entries_ = {std::make_unique<Entry>(), std::move(entries_[0]), std::move(entries_[1])};
    turns_at_ += kTurn;
  }
}

void TicketKeys::Seal(std::string_view session, MonoTime now, char* out) {
  std::lock_guard lock(mutex_);
  Turn(now);
  const Entry& newest = *entries_[0];
  std::memcpy(out, newest.name.data(), kNameBytes);
  Nonce nonce = RandomNonce();
  std::memcpy(out + kNameBytes, nonce.data(), kNonceBytes);
  std::string_view parts[] = {session};
  newest.aead.Seal(parts, newest.name_view(), nonce, out + kNameBytes + kNonceBytes);
}

bool TicketKeys::Open(std::string_view ticket, MonoTime now, char* out) {
  if (ticket.size() < kTicketOverheadBytes) return false;
  std::lock_guard lock(mutex_);
  Turn(now);
  for (const std::unique_ptr<Entry>& entry : entries_) {
    if (!entry || entry->name_view() != ticket.substr(0, kNameBytes)) continue;
    Nonce nonce;
    std::memcpy(nonce.data(), ticket.data() + kNameBytes, kNonceBytes);
    return entry->aead.Open(ticket.substr(kNameBytes + kNonceBytes), entry->name_view(), nonce,
                            out);
  }
  return false;
}

}  // namespace ringpost::tls
