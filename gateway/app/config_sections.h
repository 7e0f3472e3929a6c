// What the readers of ringpost.toml's sections share. Private to config_*.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/app/config_reader.h"

namespace ringpost::app {

// "[section]" or null where it is absent; an error where it is something else.
const toml::table* Section(TableReader* root, std::string_view name);
// The tables of "[[section]]"; more than `most` are an error.
std::vector<const toml::table*> Sections(TableReader* root, std::string_view name, size_t most);
TableReader::ParseFn NetworksInto(std::vector<IpNetwork>* networks);
void CheckAbsolutePath(TableReader* table, std::string_view key, const std::string& path);

// The waits of `retry`. False: not there, or wrong; `to` stays as it is.
bool ReadRetry(TableReader* table, std::vector<Seconds>* to);
inline constexpr std::string_view kHopTlsChoices[] = {"opportunistic", "required", "verified"};

// config_limits.cc
void ReadLimits(TableReader* root, LimitsConfig* to);
void ReadListenerRate(TableReader* table, ListenerConfig* listener);
void ReadBrake(TableReader* root, identity::BrakeRule* to);

// config_bounces.cc
void ReadBounces(TableReader* root, BouncesConfig* to);

// config_dns.cc
void ReadRegionMail(TableReader* table, RegionConfig* region);
void ReadDns(TableReader* root, Config* config);

// config_tls_reports.cc
void ReadTlsReports(TableReader* root, TlsReportConfig* to);

// config_routes.cc
void ReadRoutes(TableReader* root, Config* config);
void ReadDestinations(TableReader* root, Config* config);

// The whole file, of which more than limits::kConfigBytesMax is too much for who reads it, or
// errno's words in `error`.
std::optional<std::string> ReadConfigFile(const std::string& path, std::string* error);

}  // namespace ringpost::app
