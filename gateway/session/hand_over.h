// HandedOver: a connection that a shard gives to the HTTP side, once it is known to be HTTP.
// HttpSide: who takes it (gateway/http).
//
// Threads: a HandedOver belongs to one thread at a time, all of it: the TLS connection and the
// bytes too. Take is called by any shard.
#pragma once

#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "gateway/base/ip_address.h"
#include "gateway/base/log.h"
#include "gateway/tls/connection.h"

namespace ringpost::session {

class HandedOver {
 public:
  explicit HandedOver(int fd) : fd_(fd) {}
  HandedOver(HandedOver&& other) noexcept
      : tls(std::move(other.tls)),
        received(std::move(other.received)),
        client(other.client),
        listener(std::move(other.listener)),
        log(other.log),
        fd_(std::exchange(other.fd_, -1)) {}
  HandedOver& operator=(HandedOver&&) = delete;
  ~HandedOver() {
    if (fd_ >= 0) close(fd_);
  }
  // The socket; the caller's from now on.
  int TakeFd() { return std::exchange(fd_, -1); }

  std::unique_ptr<tls::Connection> tls;  // its handshake is done; null: in clear
  std::string received;                  // came already and is not looked at; under TLS: records
  IpAddress client;                      // as PROXY said, where it did
  std::string listener;                  // its address as configured
  Log* log = nullptr;                    // the region's; outlives the HTTP side

 private:
  int fd_;
};

class HttpSide {
 public:
  // Moves from `connection`. False: it has too many already, or is ending, and has not.
  virtual bool Take(HandedOver* connection) = 0;

 protected:
  ~HttpSide() = default;
};

}  // namespace ringpost::session
