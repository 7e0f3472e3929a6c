// DestinationTable: what is asked of delivery for the domain of a recipient, whatever its route.
//
// TLS: a floor under what the route says. The stricter of the two holds: a route can be made safer
// for a domain here, never less safe. Recipients of one route whose floors differ do not share
// connections: see DispatcherCore::RouteSite.
//
// Threads: immutable once built; shared by all shards.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/status.h"
#include "gateway/delivery/domain_patterns.h"
#include "gateway/delivery/routing.h"

namespace ringpost::delivery {

struct Destination {
  std::string domain;  // as of Route
  HopTls tls = HopTls::kOpportunistic;
};

class DestinationTable {
 public:
  // INVALID_ARGUMENT: a domain that is none, or one given twice; the message names it.
  static StatusOr<DestinationTable> Make(std::vector<Destination> destinations);
  DestinationTable() = default;

  // `domain_key` as smtp::DomainKey makes it. kOpportunistic where nothing is said.
  HopTls TlsFloor(std::string_view domain_key) const;

 private:
  std::vector<Destination> destinations_;
  DomainPatterns patterns_;
};

}  // namespace ringpost::delivery
