// LinkDesk: what the HTTP side asks about links, brought to the IdentityService and back, within
// bounds: strangers must not stand in the way of who asks for accounts.
//
// Bounds (base/limits.h): questions that are under way, and those of one client in a minute; of
// IPv6 a /64 is one client.
//
// Threads: any.
#pragma once

#include <atomic>

#include "gateway/app/identity_service.h"
#include "gateway/http/sender_link.h"
#include "gateway/identity/rate_table.h"
#include "gateway/tls/keyed_hash.h"

namespace ringpost::app {

class LinkDesk final : public http::SenderLinks {
 public:
  // `service` answers all that was asked before it goes.
  explicit LinkDesk(IdentityService* service) : service_(service) {}

  void Ask(http::LinkQuestion question, const IpAddress& client, Done done) override;

 private:
  bool TooMany(const IpAddress& client);

  IdentityService* service_;
  std::atomic<uint32_t> under_way_{0};
  tls::KeyedHash hash_;
  identity::RateTable rates_{limits::kLinkClientPlaces};
};

}  // namespace ringpost::app
