// TicketKeys: the keys under which a server seals its session tickets (RFC 8446 section 4.6.1,
// RFC 5077): they turn, and all shards and all configurations that follow one another share them.
//
// Three live at once: the newest seals, all open. A key seals for kTicketKeySeconds and opens for
// twice as long again, which is at least as long as a session may be resumed; then it is wiped. So
// who takes the memory of the process later cannot open what was recorded of TLS 1.2 before that.
// Keys are in memory only: after a restart clients make full handshakes.
//
// A ticket: key name (16) | nonce (12) | AES-256-GCM of the session | tag (16), the name bound to
// it. Nonces are random; one key seals far fewer than 2^32 tickets in its time.
//
// Threads: any, one at a time behind a lock: a ticket takes a microsecond, the handshake it belongs
// to a hundred.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/time.h"

namespace ringpost::tls {

inline constexpr size_t kTicketOverheadBytes = 16 + 12 + 16;

class TicketKeys {
 public:
  TicketKeys();
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  // Writes session.size() + kTicketOverheadBytes to `out`, which does not overlap it.
  void Seal(std::string_view session, MonoTime now, char* out);
  // Writes ticket.size() - kTicketOverheadBytes to `out`. False: not ours, forged, or too old.
  bool Open(std::string_view ticket, MonoTime now, char* out);

 private:
  struct Entry;
  void Turn(MonoTime now);

  std::mutex mutex_;
  std::array<std::unique_ptr<Entry>, 3> entries_;  // the newest first
  MonoTime turns_at_;
};

}  // namespace ringpost::tls
