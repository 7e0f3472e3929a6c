// DKIM in the simulation: keys that are the same in every run, and what a next hop makes of the
// signatures it gets. All clients send as kSigningDomain.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/session/dispatcher.h"

namespace ringpost::sim {

inline constexpr std::string_view kSigningDomain = "example.com";

// Whether the gateways of a run have keys.
enum class Signing : uint8_t { kNever, kAtTimes, kAlways };

// An Ed25519 key under the selector "k1", "k2"...: signing with it takes little time. 0: none.
void SignWith(session::RegionContext* region, uint64_t number);

// Empty: all is well. Signatures that are there must verify; one must be there by `signing`.
std::string WhatIsWrongWithSignatures(std::string_view content, Signing signing);

}  // namespace ringpost::sim
