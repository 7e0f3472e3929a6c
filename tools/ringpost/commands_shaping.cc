// ringpost shaping explain, check.
#include <unistd.h>

#include <cerrno>

#include "gateway/app/config.h"
#include "gateway/app/config_shaping.h"
#include "gateway/delivery/shaping_patterns.h"
#include "gateway/smtp/address.h"
#include "tools/ringpost/commands.h"
#include "tools/ringpost/connection.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view_shaping.h"

namespace ringpost::cli {
namespace {

// The rules that the configuration leads to; without one, those of the development mode.
std::optional<app::Config> Configuration(const Options& options) {
  std::string path = options.config.empty() ? kSystemConfigPath : options.config;
  bool none = options.config.empty() && ::access(path.c_str(), F_OK) != 0 && errno == ENOENT;
  if (none) {
    app::Config config;
    config.source_path = "defaults";
    config.shaping.table = app::LoadShaping("", app::BaseShaping(config)).table;
    return config;
  }
  app::ConfigResult result = app::LoadConfig(path);
  if (result.config) return std::move(*result.config);
  if (options.json) PrintJson(ErrorJson("config", result.ErrorText(path)));
  Complain(SafeLines(result.ErrorText(path)));
  return std::nullopt;
}

// A host of an MX record, or an address of a relay.
std::optional<std::string> CanonicalHost(const std::string& text) {
  if (text.find('*') != std::string::npos) return std::nullopt;
  return delivery::CanonicalPattern(text);
}

}  // namespace

int ShapingExplain(const Options& options) {
  std::string domain = smtp::DomainKey(options.domain);
  if (!smtp::IsDomain(domain, true) && !smtp::IsAddressLiteral(domain)) {
    Complain("\"" + SafeText(options.domain) + "\" is no domain");
    return kUsage;
  }
  std::vector<std::string> hosts;
  for (const std::string& text : options.hosts) {
    std::optional<std::string> host = CanonicalHost(text);
    if (!host) {
      Complain("--mx: \"" + SafeText(text) + "\" is no host's name and no address");
      return kUsage;
    }
    hosts.push_back(std::move(*host));
  }
  std::optional<app::Config> config = Configuration(options);
  if (!config) return kRefused;
  Json explained =
      ExplainShaping(*config->shaping.table, {domain, hosts, options.source, options.account});
  if (options.json) {
    explained["ok"] = true;
    PrintJson(explained);
  } else {
    Print(ViewShaping(explained, options.terminal));
  }
  return kDone;
}

int ShapingCheck(const Options& options) {
  app::ShapingResult result = app::LoadShaping(options.file, app::BaseShaping({}));
  bool valid = result.errors.empty();
  if (options.json) {
    Json answer = Json::object();
    if (valid) answer["ok"] = true;
    if (!valid) answer = ErrorJson("shaping", options.file + " has errors and would not be loaded");
    Json errors = Json::array();
    for (const app::ConfigError& error : result.errors) {
      errors.push_back(error.ToString(options.file));
    }
    answer["shaping"] = {{"path", options.file}, {"valid", valid}, {"errors", errors}};
    PrintJson(answer);
  } else if (valid) {
    Print(SafeText(options.file) + " is fine.\n");
  } else {
    for (const app::ConfigError& error : result.errors) {
      std::fprintf(stderr, "%s\n", SafeText(error.ToString(options.file)).c_str());
    }
  }
  return valid ? kDone : kRefused;
}

}  // namespace ringpost::cli
