#include "gateway/delivery/site_limits.h"

#include "gateway/delivery/config.h"
#include "gateway/delivery/shaping.h"

namespace ringpost::delivery {

SiteLimits SiteLimits::Of(const DeliveryConfig& config) {
  SiteLimits limits;
  limits.connections = config.connections_per_site;
  limits.messages_per_connection = config.messages_per_connection;
  limits.recipients_per_transaction = config.recipients_per_transaction;
  limits.connect_timeout = config.connect_timeout;
  limits.command_timeout = config.command_timeout;
  limits.idle_timeout = config.idle_connection;
  return limits;
}

SiteLimits SiteLimits::Of(const DeliveryConfig& config, const Shaping& shaping) {
  SiteLimits limits = Of(config);
  limits.connections = shaping.connections();
  limits.connection_rate = shaping.connection_rate();
  limits.message_rate = shaping.message_rate();
  limits.messages_per_connection = shaping.messages_per_connection();
  limits.recipients_per_transaction = shaping.recipients_per_transaction();
  limits.connect_timeout = shaping.connect_timeout();
  limits.command_timeout = shaping.command_timeout();
  limits.idle_timeout = shaping.idle_timeout();
  limits.provider = shaping.provider();
  if (limits.provider.empty()) return limits;
  limits.total_connections = shaping.total_connections();
  limits.total_connection_rate = shaping.total_connection_rate();
  limits.total_message_rate = shaping.total_message_rate();
  return limits;
}

}  // namespace ringpost::delivery
