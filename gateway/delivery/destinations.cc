#include "gateway/delivery/destinations.h"

#include <utility>

#include "gateway/smtp/address.h"

namespace ringpost::delivery {

StatusOr<DestinationTable> DestinationTable::Make(std::vector<Destination> destinations) {
  DestinationTable table;
  table.destinations_ = std::move(destinations);
  for (size_t i = 0; i < table.destinations_.size(); ++i) {
    const std::string& domain = table.destinations_[i].domain;
    switch (table.patterns_.Add(smtp::DomainKey(domain), i)) {
      case DomainPatterns::Added::kYes:
        break;
      case DomainPatterns::Added::kTwice:
        return MakeStatus(StatusCode::kInvalidArgument,
                          "destination \"" + domain + "\": is given twice");
      case DomainPatterns::Added::kNoDomain:
        return MakeStatus(StatusCode::kInvalidArgument,
                          "destination \"" + domain + "\": is not a domain");
    }
  }
  return table;
}

HopTls DestinationTable::TlsFloor(std::string_view domain_key) const {
  std::optional<size_t> found = patterns_.Find(domain_key);
  return found ? destinations_[*found].tls : HopTls::kOpportunistic;
}

}  // namespace ringpost::delivery
