// From configuration to what the rooms take: listener policies and the delivery configuration.
//
// Threads: the main thread; what is made is immutable and shared.
#pragma once

#include <map>
#include <memory>

#include "gateway/app/config.h"
#include "gateway/delivery/config.h"
#include "gateway/session/inbound_policy.h"

namespace ringpost::app {

// Open connections of each listener, kept across reloads.
using ListenerCounts = std::map<Endpoint, std::shared_ptr<std::atomic<uint32_t>>>;

std::shared_ptr<const delivery::DeliveryConfig> MakeDeliveryConfig(const Config& config);
std::shared_ptr<const session::ListenerPolicy> MakeListenerPolicy(
    const Config& config, const ListenerConfig& listener,
    std::shared_ptr<const delivery::DeliveryConfig> delivery, ListenerCounts* counts);

}  // namespace ringpost::app
