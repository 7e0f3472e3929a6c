// Who a client is by its address alone: [[trust]] networks, and the peers whose PROXY or XCLIENT
// words count.
//
// Trusted: the operator's own hosts, authenticated by IP and exempt from sender checks. Outside
// development mode nothing is trusted by default. Read-only once made; shared by all shards.
#pragma once

#include <vector>

#include "gateway/base/ip_address.h"

namespace ringpost::identity {

class NetworkList {
 public:
  void Add(const IpNetwork& network) { networks_.push_back(network); }
  bool Contains(const IpAddress& address) const {
    for (const IpNetwork& network : networks_) {
      if (network.Contains(address)) return true;
    }
    return false;
  }
  bool empty() const { return networks_.empty(); }
  const std::vector<IpNetwork>& networks() const { return networks_; }

 private:
  std::vector<IpNetwork> networks_;
};

}  // namespace ringpost::identity
