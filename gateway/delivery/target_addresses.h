// TargetAddresses: which addresses mail may be sent to when a stranger's DNS names them.
//
// Whoever owns a domain writes into its records what he likes, the addresses of this machine and of
// the network around it too. Those, and all that cannot be a mail server of the Internet, are
// refused unless the operator has listed them. The ranges are those of IANA's registries of
// special-purpose addresses (RFC 6890) that are not reachable globally, and multicast. An IPv6
// address that a translator or a tunnel turns into an IPv4 one is judged by that: NAT64 (RFC 6052),
// 6to4 (RFC 3056), Teredo (RFC 4380: the server's and the client's), and IPv4-mapped.
//
// It is no firewall: next hops of the operator's own configuration are not asked about here.
//
// Threads: immutable once made; any.
#pragma once

#include <string_view>
#include <vector>

#include "gateway/base/ip_address.h"

namespace ringpost::delivery {

class TargetAddresses {
 public:
  // Whatever is within one of `allowed` is let pass, also as the IPv4 address inside of another;
  // but none of `own`, where this gateway itself would take the mail.
  explicit TargetAddresses(std::vector<IpNetwork> allowed, std::vector<IpAddress> own = {});

  bool MayConnect(const IpAddress& address) const { return WhyNot(address).empty(); }
  // "a private address"; empty: it may be connected to. Static text.
  std::string_view WhyNot(const IpAddress& address) const;

 private:
  std::vector<IpNetwork> allowed_;
  std::vector<IpAddress> own_;
};

}  // namespace ringpost::delivery
