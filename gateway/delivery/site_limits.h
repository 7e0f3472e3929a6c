// SiteLimits: what holds for the connections of one site, as values: of the shaping rules
// (shaping.h), or of [delivery] where there are none.
//
// Threads: values; any.
#pragma once

#include <cstdint>
#include <string>

#include "gateway/base/time.h"
#include "gateway/delivery/pace.h"

namespace ringpost::delivery {

struct DeliveryConfig;
class Shaping;

struct SiteLimits {
  uint32_t connections = 1;  // from all shards together
  PaceLimit connection_rate, message_rate;
  uint32_t messages_per_connection = 0;  // 0: as many as the next hop allows
  uint32_t recipients_per_transaction = 1;
  Seconds connect_timeout{0}, command_timeout{0}, idle_timeout{0};
  // Of all sites of the provider together; no provider: of nobody.
  std::string provider;
  uint32_t total_connections = 0;  // 0: no limit
  PaceLimit total_connection_rate, total_message_rate;

  static SiteLimits Of(const DeliveryConfig& config);
  // What `shaping` says in the place of [delivery].
  static SiteLimits Of(const DeliveryConfig& config, const Shaping& shaping);
};

}  // namespace ringpost::delivery
