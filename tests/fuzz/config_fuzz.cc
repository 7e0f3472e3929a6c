// ringpost.toml from anywhere: every input is a configuration or a list of errors, never both, and
// never more than the bound.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/app/config.h"
#include "gateway/delivery/destinations.h"
#include "gateway/delivery/routing.h"
#include "gateway/smtp/address.h"

namespace {

// Every route is found by its own domain, and names its next hops so that they parse again.
void CheckRoutes(const std::vector<ringpost::delivery::Route>& routes) {
  using namespace ringpost::delivery;
  auto table = RouteTable::Make(routes);
  if (!table.ok()) std::abort();
  for (const Route& route : routes) {
    std::string domain = route.DomainKey();
    bool wildcard = domain.starts_with("*.");
    if (wildcard) domain.replace(0, 1, "below");
    const Route* found = table->Find(domain);
    // Below a wildcard another route may know the name "below" itself.
    if (found == nullptr || (!wildcard && found->DomainKey() != domain)) std::abort();
    if (found->SiteName().empty()) std::abort();
    for (const NextHop& hop : route.next_hops) {
      std::optional<NextHop> again = NextHop::Parse(hop.ToString());
      if (!again || again->host != hop.host || again->port != hop.port) std::abort();
      if (hop.user.empty() != hop.secret_file.empty()) std::abort();
    }
  }
}

// A floor that was given is found by its domain.
void CheckDestinations(const std::vector<ringpost::delivery::Destination>& destinations) {
  using namespace ringpost::delivery;
  auto table = DestinationTable::Make(destinations);
  if (!table.ok()) std::abort();
  for (const Destination& destination : destinations) {
    bool plain = !destination.domain.starts_with("*");
    std::string key = ringpost::smtp::DomainKey(destination.domain);
    if (plain && table->TlsFloor(key) != destination.tls) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringpost;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  app::ConfigResult result = app::ParseConfig(text, "fuzz.toml", "gw.example.net");
  if (result.config.has_value() != result.errors.empty()) std::abort();
  if (result.errors.size() > limits::kConfigErrorsMax) std::abort();
  if (result.ErrorText("fuzz.toml").find('\0') != std::string::npos) std::abort();
  if (!result.config) return 0;
  // A whole configuration keeps its promises.
  if (result.config->listeners.empty() || result.config->routes.empty()) std::abort();
  for (const auto& listener : result.config->listeners) {
    bool found = false;
    for (const auto& region : result.config->regions) found |= region.name == listener.region;
    if (!found || listener.address.port == 0) std::abort();
  }
  CheckRoutes(result.config->routes);
  CheckDestinations(result.config->destinations);
  for (const auto& file : result.config->secret_files) {
    if (!file.path.starts_with('/')) std::abort();
  }
  for (const auto& region : result.config->regions) {
    if (!region.store.starts_with('/') || !region.log.starts_with('/')) std::abort();
  }
  if (!result.config->control.socket.starts_with('/')) std::abort();
  return 0;
}
