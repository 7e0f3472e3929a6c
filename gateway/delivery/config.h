// DeliveryConfig: what an operator decides of delivery: routes, retries, limits, time-outs.
//
// Immutable once built and shared by all shards through shared_ptr<const>; a reload makes a new
// one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/limits.h"
#include "gateway/base/time.h"
#include "gateway/delivery/destinations.h"
#include "gateway/delivery/retry.h"
#include "gateway/delivery/routing.h"
#include "gateway/smtp/address.h"

namespace ringpost::delivery {

class ShapingTable;  // shaping.h

struct DeliveryConfig {
  std::string hostname;  // in EHLO and in reports; empty: the region's
  RouteTable routes;
  DestinationTable destinations;
  RetryPolicy retry;

  // Connections to one site (the next hops of a route) from all shards together; at least 1.
  uint32_t connections_per_site = limits::kConnectionsPerSiteDefault;
  // Messages on one connection before it is closed; 0: as many as the next hop allows.
  uint32_t messages_per_connection = 0;
  // Recipients of one transaction; what the next hop says by LIMITS comes on top.
  uint32_t recipients_per_transaction = limits::kRecipientsPerTransactionDefault;
  // How long a connection without work is kept.
  Seconds idle_connection = Seconds(limits::kIdleConnectionSecondsDefault);

  Seconds connect_timeout = Seconds(limits::kClientConnectSeconds);
  // Caps every wait for a reply; 0: those of RFC 5321 section 4.5.3.2.
  Seconds command_timeout = Seconds(0);

  // What holds for whom of all this; what is here otherwise is its base.
  std::shared_ptr<const ShapingTable> shaping;

  // The life of messages made here (reports). Accepted mail brings its own deadline.
  Seconds message_lifetime = Seconds(limits::kMessageLifetimeSecondsDefault);
  // Recipients that asked for it (NOTIFY=DELAY) are told after this time; 0: never.
  Seconds delay_warning = Seconds(limits::kDelayWarningSecondsDefault);
};

}  // namespace ringpost::delivery
