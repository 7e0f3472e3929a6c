// A new configuration for a running gateway: what changes at once, what must wait for a restart.
#include <algorithm>

#include "gateway/app/gateway_impl.h"

namespace ringpost::app {
namespace {

bool SameListenAddresses(const Config& a, const Config& b) {
  return std::equal(a.listeners.begin(), a.listeners.end(), b.listeners.begin(), b.listeners.end(),
                    [](const auto& x, const auto& y) { return x.address == y.address; });
}

std::string Join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

ReloadOutcome GatewayImpl::Reload() {
  ReloadOutcome outcome;
  if (config_.development) {
    outcome.words = "there is no configuration file: the daemon runs in its development mode";
  } else if (draining_) {
    outcome.words = "the daemon is shutting down";
  } else {
    ConfigResult result = LoadConfig(config_.source_path);
    if (result.config) {
      outcome = Apply(std::move(*result.config));
    } else {
      outcome.words =
          "the old configuration stays in force:\n" + result.ErrorText(config_.source_path);
    }
  }
  LogReload(outcome);
  return outcome;
}

std::vector<std::string> GatewayImpl::RestartKeys(const Config& fresh) const {
  std::vector<std::string> keys;
  auto differs = [&](bool different, const char* key) {
    if (different) keys.emplace_back(key);
  };
  differs(fresh.hostname != config_.hostname, "hostname");
  differs(!(fresh.store == config_.store), "[store]");
  differs(!(fresh.reactor == config_.reactor), "[reactor]");
  differs(fresh.regions != config_.regions, "[[region]]");
  differs(fresh.ktls != config_.ktls, "[tls] ktls");
  differs(!(fresh.dns == config_.dns), "[dns]");
  differs(!(fresh.log == config_.log), "[log]");
  differs(!(fresh.control == config_.control), "[control]");
  return keys;
}

bool GatewayImpl::OpenNewListeners(const Config& fresh, Sockets* opened, std::string* why_not) {
  for (const ListenerConfig& listener : fresh.listeners) {
    if (RegionIndex(listener.region) == std::string::npos) {
      *why_not = "the listener " + listener.address.ToString() + " belongs to the region " +
                 listener.region + ", which is new; a new region needs a restart";
      break;
    }
    if (sockets_.contains(listener.address)) continue;
    Status status = OpenListeners(listener.address, shard_count_, &(*opened)[listener.address]);
    if (!status.ok()) {
      *why_not = std::string(MessageOf(status));
      break;
    }
  }
  if (why_not->empty()) return true;
  for (auto& [address, sockets] : *opened) CloseAll(sockets);
  return false;
}

ReloadOutcome GatewayImpl::Apply(Config fresh) {
  ReloadOutcome outcome;
  outcome.needs_restart = RestartKeys(fresh);
  auto tls = MakeClientTlsContexts(fresh);
  if (!tls.ok()) {
    outcome.words = "the old configuration stays in force: " + std::string(MessageOf(tls.status()));
    return outcome;
  }
  Sockets opened;
  std::string why_not;
  if (!OpenNewListeners(fresh, &opened, &why_not)) {
    outcome.words = "the old configuration stays in force: " + why_not;
    return outcome;
  }
  if (Status acme = PrepareAcme(fresh); !acme.ok()) {
    for (auto& [address, sockets] : opened) CloseAll(sockets);
    outcome.words = "the old configuration stays in force: [acme] " + std::string(MessageOf(acme));
    return outcome;
  }
  bool listeners_changed = !SameListenAddresses(config_, fresh);
  // What needs a restart stays as it is, so that the next reload still sees that it differs.
  fresh.hostname = config_.hostname;
  fresh.store = config_.store;
  fresh.reactor = config_.reactor;
  fresh.regions = config_.regions;
  fresh.ktls = config_.ktls;
  fresh.dns = config_.dns;
  fresh.log = config_.log;
  fresh.control = config_.control;
  config_ = std::move(fresh);
  std::erase_if(sockets_, [&](const auto& one) {
    return std::none_of(config_.listeners.begin(), config_.listeners.end(),
                        [&](const auto& listener) { return listener.address == one.first; });
  });
  for (const auto& one : opened) sockets_.insert(one);
  delivery_ = MakeDeliveryConfig(config_);
  ApplyLimits();
  limits_->SetRule(config_.brake);
  tls_reports_->Configure(config_.tls_reports);
  // Before the shards may ask for policies.
  Status sts = TrustForSts(*tls);
  if (sts.ok()) sts = StartSts();
  if (!sts.ok()) {
    LogLine(ReadWallClock(), "sts_trouble").Text("words", MessageOf(sts)).To(*log_);
  }
  ForEachShard([delivery = delivery_, tls = *tls](Shard& shard) {
    shard.Reload(delivery, tls.any, tls.verified);
  });
  HandOutListeners(opened);
  outcome.applied = true;
  outcome.words = listeners_changed ? "loaded; listeners were added or removed" : "loaded";
  if (!outcome.needs_restart.empty()) {
    outcome.words += "; takes effect at the next start: " + Join(outcome.needs_restart);
  }
  std::lock_guard lock(mutex_);
  config_loaded_ = ReadWallClock();
  return outcome;
}

void GatewayImpl::LogReload(const ReloadOutcome& outcome) {
  LogLine(ReadWallClock(), outcome.applied ? "reloaded" : "reload_refused")
      .Text("file", config_.source_path)
      .Text("words", outcome.words)
      .To(*log_);
}

}  // namespace ringpost::app
