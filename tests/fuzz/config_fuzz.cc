// ringpost.toml from anywhere: every input is a configuration or a list of errors, never both, and
// never more than the bound.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/app/config.h"
#include "gateway/delivery/routing.h"

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
  if (!delivery::RouteTable::Make(result.config->routes).ok()) std::abort();
  for (const auto& region : result.config->regions) {
    if (!region.store.starts_with('/') || !region.log.starts_with('/')) std::abort();
  }
  if (!result.config->control.socket.starts_with('/')) std::abort();
  return 0;
}
