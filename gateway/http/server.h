// Server: the HTTP side: one control thread that serves the connections which shards hand over
// (session/hand_over.h). What it answers: front_door.h.
//
// HTTP/1.1 with keep-alive, over AsyncStream, in clear or under TLS as the connection came. Bounds
// (base/limits.h): connections in all and per client address, the size of a header, the time for
// it, the time for an answer to be read, requests per connection. Bodies are refused unread, but
// small ones where front_door.h says that a form may come. Each request is a line "http_request" in
// the log of its region. What is known of a link is asked of SenderLinks; the thread does not wait
// for it.
//
// Order of life: Start, any number of Take, BeginDrain, drained() or not, the destructor (which
// ends what is left). The shards must be gone by then.
//
// Threads: Take from any shard; the rest from the main thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "gateway/base/status.h"
#include "gateway/http/acme_challenges.h"
#include "gateway/http/sender_link.h"
#include "gateway/session/hand_over.h"

namespace ringpost::http {

class Server final : public session::HttpSide {
 public:
  // Both outlive it; of `links`, which may be null (no link can be looked up), what was asked has
  // been answered by then.
  static StatusOr<std::unique_ptr<Server>> Start(const AcmeChallenges* challenges,
                                                 SenderLinks* links = nullptr);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  bool Take(session::HandedOver* connection) override;

  // Where requests in clear are redirected to; 0: nowhere.
  void SetHttpsPort(uint16_t port);
  // Nothing is taken any more; idle connections are closed now, the others after their answer.
  void BeginDrain();
  bool drained() const { return connections() == 0; }
  // Those on their way from the shards included.
  uint32_t connections() const;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpost::http
