// ParseConfig: the sections of ringpost.toml, one function each, and what must hold between them.
#include <algorithm>
#include <set>
#include <utility>

#include "gateway/app/config.h"
#include "gateway/app/config_acme.h"
#include "gateway/app/config_protocol.h"
#include "gateway/app/config_reader.h"
#include "gateway/app/config_sections.h"
#include "gateway/app/config_text.h"
#include "gateway/base/text.h"
#include "gateway/base/units.h"
#include "gateway/smtp/address.h"

namespace ringpost::app {

const toml::table* Section(TableReader* root, std::string_view name) {
  const toml::node* node = root->Find(name);
  if (!node) return nullptr;
  if (const toml::table* table = node->as_table()) return table;
  root->ErrorAt(*node, name, "expects a section: [" + std::string(name) + "]");
  return nullptr;
}

std::vector<const toml::table*> Sections(TableReader* root, std::string_view name, size_t most) {
  std::vector<const toml::table*> tables;
  const toml::node* node = root->Find(name);
  if (!node) return tables;
  std::string wanted = "expects sections: [[" + std::string(name) + "]], in double brackets";
  const toml::array* list = node->as_array();
  if (!list) {
    root->ErrorAt(*node, name, wanted);
    return tables;
  }
  for (const toml::node& item : *list) {
    const toml::table* table = item.as_table();
    if (!table) {
      root->ErrorAt(item, name, wanted);
    } else if (tables.size() == most) {
      root->ErrorAt(item, name, "there are more than " + std::to_string(most) + " of these");
      break;
    } else {
      tables.push_back(table);
    }
  }
  return tables;
}

void CheckAbsolutePath(TableReader* table, std::string_view key, const std::string& path) {
  if (!path.starts_with('/')) {
    table->Error(key, "expects an absolute path, one that begins with /, not " + Quoted(path));
  }
}

bool ReadRetry(TableReader* table, std::vector<Seconds>* to) {
  std::vector<Seconds> steps;
  Millis longest = Seconds(limits::kMessageLifetimeSecondsMax);
  bool given = table->Texts(
      "retry", limits::kRetryStepsMax, [&](std::string_view text) -> std::optional<std::string> {
        auto step = ParseDuration(text);
        if (!step || *step < Seconds(1) || *step > longest) {
          return "expects waits from \"1s\" to \"30d\", such as [\"1m\", \"5m\", \"1h\"], not " +
                 Quoted(text);
        }
        steps.push_back(std::chrono::ceil<Seconds>(*step));
        return std::nullopt;
      });
  if (!given) return false;
  if (steps.empty()) {
    table->Error("retry", "is empty; expects at least one wait, such as [\"1m\", \"5m\", \"1h\"]");
    return false;
  }
  *to = std::move(steps);
  return true;
}

namespace {

constexpr std::string_view kTlsChoices[] = {"none", "optional", "required", "implicit"};
constexpr std::string_view kKtlsChoices[] = {"auto", "on", "off"};
constexpr std::string_view kNewlineChoices[] = {"refuse", "normalise"};

bool IsHostname(std::string_view text) {
  return text.size() <= limits::kDomainBytesMax && smtp::IsDomain(text, false) &&
         !IpAddress::Parse(text);
}

void ReadStore(TableReader* root, StoreConfig* store) {
  TableReader table(Section(root, "store"), "store", root->errors());
  table.Required("path", "the directory for control store, keys and the regions' mail");
  if (table.Text("path", &store->path)) CheckAbsolutePath(&table, "path", store->path);
  table.Bytes("free_bytes_min", 0, uint64_t{1} << 50, &store->free_bytes_min);
  Millis epoch = store->key_epoch;
  table.Duration("key_epoch", Seconds(limits::kKeyEpochSecondsMin),
                 Seconds(limits::kKeyEpochSeconds), &epoch);
  store->key_epoch = std::chrono::ceil<Seconds>(epoch);
  table.Finish();
}

void ReadReactor(TableReader* root, ReactorConfig* reactor) {
  TableReader table(Section(root, "reactor"), "reactor", root->errors());
  table.Integer("cores", 1, limits::kCoresMax, &reactor->cores);
  bool given = table.Integer("buffers", limits::kReceiveBuffersMin, limits::kReceiveBuffersMax,
                             &reactor->buffers);
  if (given && (reactor->buffers & (reactor->buffers - 1)) != 0) {
    table.Error("buffers", "expects a power of two, such as 1024, 4096 or 16384");
  }
  table.Finish();
}

bool IsRegionName(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return IsAlpha(c) || IsDigit(c) || c == '-' || c == '_';
  });
}

void ReadRegion(const toml::table* from, ErrorList* errors, const std::string& base,
                RegionConfig* region) {
  TableReader table(from, "region", errors);
  table.Required("name", "a short name such as \"local\"");
  if (table.Text("name", &region->name) && !IsRegionName(region->name)) {
    table.Error("name",
                "expects letters, digits, - and _ (at most 64), not " + Quoted(region->name));
  }
  region->store = base + "/" + region->name;
  if (table.Text("store", &region->store)) CheckAbsolutePath(&table, "store", region->store);
  region->log = region->store + "/mail.log";
  if (table.Text("log", &region->log)) CheckAbsolutePath(&table, "log", region->log);
  table.Texts("egress", limits::kConfigNetworksMax,
              [&](std::string_view text) -> std::optional<std::string> {
                auto address = IpAddress::Parse(text);
                if (!address) {
                  return "expects an address of this machine, such as \"192.0.2.7\", not " +
                         Quoted(text);
                }
                region->egress.push_back(*address);
                return std::nullopt;
              });
  ReadRegionMail(&table, region);
  table.Finish();
}

void ReadRegions(TableReader* root, Config* config) {
  std::set<std::string> names, stores;
  for (const toml::table* from : Sections(root, "region", limits::kRegionsMax)) {
    RegionConfig region;
    ReadRegion(from, root->errors(), config->store.path, &region);
    TableReader at(from, "region", root->errors());
    if (!names.insert(region.name).second) {
      at.Error("name", "there are two regions named " + Quoted(region.name));
    } else if (!stores.insert(region.store).second) {
      at.Error("store", "another region has its store at " + Quoted(region.store) + " too");
    }
    config->regions.push_back(std::move(region));
  }
  if (config->regions.empty()) {
    RegionConfig local;
    local.name = "local";
    local.store = config->store.path + "/local";
    local.log = local.store + "/mail.log";
    config->regions.push_back(std::move(local));
  }
}

void ReadAddress(TableReader* table, ListenerConfig* listener) {
  table->Required("address", "where to listen, such as \"127.0.0.1:2525\" or \"[::]:25\"");
  std::string address;
  if (!table->Text("address", &address)) return;
  auto endpoint = Endpoint::Parse(address);
  if (endpoint && endpoint->port != 0) {
    listener->address = *endpoint;
    return;
  }
  table->Error("address",
               "expects an address and a port, such as \"127.0.0.1:2525\", \"0.0.0.0:25\" or "
               "\"[::]:25\", not " +
                   Quoted(address));
}

void ReadListenerRegion(TableReader* table, const Config& config, ListenerConfig* listener) {
  std::vector<std::string_view> names;
  for (const RegionConfig& region : config.regions) {
    bool known = std::find(names.begin(), names.end(), region.name) != names.end();
    if (!known) names.push_back(region.name);
  }
  if (names.size() == 1) {
    listener->region = names.front();
  } else {
    table->Required("region", "one of " + JoinOr(names));
  }
  size_t chosen = 0;
  if (table->Choice("region", names, &chosen)) listener->region = names[chosen];
}

void ReadCertificate(const toml::table* from, ErrorList* errors, Config* to) {
  TableReader table(from, "tls.certificate", errors);
  CertificateConfig certificate;
  certificate.line = from->source().begin.line;
  certificate.column = from->source().begin.column;
  tls::CertificateFiles& files = certificate.files;
  table.Required("chain", "the PEM file of the certificate and its issuers");
  table.Required("key", "the PEM file of its private key");
  if (table.Text("chain", &files.chain)) CheckAbsolutePath(&table, "chain", files.chain);
  if (table.Text("key", &files.key)) CheckAbsolutePath(&table, "key", files.key);
  table.Finish();
  to->certificates.push_back(std::move(certificate));
}

void ReadTls(TableReader* root, Config* to) {
  TableReader table(Section(root, "tls"), "tls", root->errors());
  for (const toml::table* from : Sections(&table, "certificate", limits::kTlsCertificatesMax)) {
    ReadCertificate(from, root->errors(), to);
  }
  size_t ktls = static_cast<size_t>(to->ktls);
  table.Choice("ktls", kKtlsChoices, &ktls);
  to->ktls = static_cast<tls::KernelRecordRule::Mode>(ktls);
  if (table.Text("authorities", &to->tls_authorities)) {
    CheckAbsolutePath(&table, "authorities", to->tls_authorities);
  }
  table.Finish();
}

// Without a word on it a listener offers STARTTLS where there is a certificate, or will be.
void ReadListenerTls(TableReader* table, const Config& config, ListenerConfig* listener) {
  bool certified = !config.certificates.empty() || config.acme;
  size_t mode = static_cast<size_t>(certified ? ListenerTls::kOptional : ListenerTls::kNone);
  bool given = table->Choice("tls", kTlsChoices, &mode);
  listener->tls = static_cast<ListenerTls>(mode);
  if (given && listener->tls != ListenerTls::kNone && !certified) {
    table->Error("tls",
                 "needs a certificate: add a [[tls.certificate]] with chain and key, or [acme]");
  }
  bool old = table->Flag("tls_old_versions", &listener->tls_old_versions);
  if (old && listener->tls_old_versions && listener->tls == ListenerTls::kNone) {
    table->Error("tls_old_versions", "this listener has no TLS at all (see tls)");
  }
}

// What a client may show to send mail here.
void ReadAuthentication(TableReader* table, ListenerConfig* listener) {
  identity::ListenerIdentity given;
  bool is_given = table->Texts(
      "authentication", 3, [&given](std::string_view text) -> std::optional<std::string> {
        if (text == "password") given.by_password = true;
        if (text == "network") given.by_network = true;
        if (text == "address") given.by_address = true;
        if (text == "password" || text == "network" || text == "address") return std::nullopt;
        return "expects some of \"password\" (AUTH), \"network\" (where a client is) and "
               "\"address\" (the sender it names), not " +
               Quoted(text);
      });
  if (is_given) listener->authentication = given;
  bool clear = table->Flag("auth_in_clear", &listener->auth_in_clear);
  if (clear && listener->auth_in_clear && !listener->authentication.by_password) {
    table->Error("auth_in_clear", "no password is taken here (see authentication)");
  }
  if (clear && listener->auth_in_clear && listener->tls_old_versions) {
    table->Error("auth_in_clear",
                 "and tls_old_versions exclude each other: give them listeners of "
                 "their own");
  }
}

void ReadListener(const toml::table* from, ErrorList* errors, const Config& config,
                  ListenerConfig* listener) {
  TableReader table(from, "listener", errors);
  ReadAddress(&table, listener);
  ReadListenerRegion(&table, config, listener);
  table.Flag("strict", &listener->strict);
  size_t newlines = 0;
  table.Choice("bare_newlines", kNewlineChoices, &newlines);
  listener->normalise_bare_newlines = newlines == 1;
  table.Texts("proxy_protocol_from", limits::kConfigNetworksMax,
              NetworksInto(&listener->proxy_protocol_from));
  table.Texts("xclient_from", limits::kConfigNetworksMax, NetworksInto(&listener->xclient_from));
  table.Integer("connections_max", 1, limits::kConnectionsMaxHard, &listener->connections_max);
  table.Duration("greet_delay", Millis(0), Millis(limits::kGreetDelayMillisMax),
                 &listener->greet_delay);
  ReadListenerTls(&table, config, listener);
  ReadListenerProtocol(&table, listener);
  ReadAuthentication(&table, listener);
  bool bounces = table.Flag("bounces", &listener->takes_bounces);
  if (bounces && listener->takes_bounces && config.dns.zone.empty()) {
    table.Error("bounces", "needs [dns] zone: return paths are names that lead into it");
  }
  ReadListenerRate(&table, listener);
  table.Finish();
}

void ReadListeners(TableReader* root, Config* config) {
  std::vector<const toml::table*> tables = Sections(root, "listener", limits::kListenersMax);
  if (!root->Find("listener")) {
    root->Error("listener", "is missing: at least one [[listener]] with an address");
  }
  std::set<Endpoint> seen;
  for (const toml::table* from : tables) {
    ListenerConfig listener;
    ReadListener(from, root->errors(), *config, &listener);
    bool twice = listener.address.port != 0 && !seen.insert(listener.address).second;
    if (twice) {
      TableReader(from, "listener", root->errors())
          .Error("address", "another [[listener]] has " + listener.address.ToString() + " too");
    }
    config->listeners.push_back(std::move(listener));
  }
}

void ReadTrust(TableReader* root, Config* config) {
  for (const toml::table* from : Sections(root, "trust", limits::kConfigNetworksMax)) {
    TableReader table(from, "trust", root->errors());
    table.Required("network", "an address or a network, such as \"192.0.2.0/24\"");
    table.Texts("network", limits::kConfigNetworksMax, NetworksInto(&config->trust));
    table.Finish();
  }
}

void ReadDelivery(TableReader* root, DeliverySettings* to) {
  TableReader table(Section(root, "delivery"), "delivery", root->errors());
  ReadRetry(&table, &to->retry);
  Millis lifetime = to->lifetime, warning = to->delay_warning;
  Millis longest = Seconds(limits::kMessageLifetimeSecondsMax);
  table.Duration("lifetime", Seconds(1), longest, &lifetime);
  to->lifetime = std::chrono::ceil<Seconds>(lifetime);
  table.Duration("delay_warning", Seconds(0), longest, &warning);
  to->delay_warning = std::chrono::ceil<Seconds>(warning);
  table.Integer("connections_per_next_hop", 1, limits::kConnectionsPerSiteMax,
                &to->connections_per_next_hop);
  table.Integer("messages_per_connection", 0, limits::kMessagesPerConnectionMaxHard,
                &to->messages_per_connection);
  table.Finish();
}

// The socket is left empty where none can be told.
void ReadControl(TableReader* root, Config* config) {
  std::string* socket = &config->control.socket;
  if (config->store.path.starts_with('/')) *socket = config->store.path + "/control.sock";
  TableReader control(Section(root, "control"), "control", root->errors());
  bool given = control.Text("socket", socket);
  if (given) CheckAbsolutePath(&control, "socket", *socket);
  // sockaddr_un holds 108 bytes, the NUL included (unix(7)).
  bool too_long = socket->size() > 107;
  if (too_long) {
    control.Error("socket", "the path has " + std::to_string(socket->size()) +
                                " bytes; a Unix socket's may have 107");
  }
  bool wrong = too_long || !socket->starts_with('/') || (control.Find("socket") && !given);
  if (wrong) socket->clear();
  control.Finish();
}

void ReadShaping(TableReader* root, ShapingConfig* to) {
  TableReader table(Section(root, "shaping"), "shaping", root->errors());
  if (table.Text("file", &to->file)) {
    CheckAbsolutePath(&table, "file", to->file);
    const toml::source_position& at = table.Find("file")->source().begin;
    to->line = at.line;
    to->column = at.column;
  }
  table.Finish();
}

void ReadLog(TableReader* root, LogConfig* to) {
  TableReader log(Section(root, "log"), "log", root->errors());
  bool to_a_file = log.Text("path", &to->path) && !to->path.empty();
  if (to_a_file) CheckAbsolutePath(&log, "path", to->path);
  log.Finish();
}

void ReadHostname(TableReader* root, std::string_view system_hostname, Config* config) {
  config->hostname = std::string(system_hostname);
  if (root->Text("hostname", &config->hostname)) {
    if (!IsHostname(config->hostname)) {
      root->Error("hostname",
                  "expects this host's name as others know it, such as "
                  "\"mail.example.com\", not " +
                      Quoted(config->hostname));
    }
    return;
  }
  if (!root->Find("hostname") && !IsHostname(config->hostname)) {
    root->Error("hostname", "is missing, and the system's own name " + Quoted(config->hostname) +
                                " is none that SMTP allows: set it, such as \"mail.example.com\"");
  }
}

void ReadAll(const toml::table& document, std::string_view system_hostname, ErrorList* errors,
             Config* config) {
  TableReader root(&document, "", errors);
  ReadHostname(&root, system_hostname, config);
  ReadStore(&root, &config->store);
  ReadReactor(&root, &config->reactor);
  ReadRegions(&root, config);
  ReadTls(&root, config);
  const toml::table* acme = Section(&root, "acme");
  if (acme) ReadAcme(acme, errors, config);
  ReadDns(&root, config);
  ReadTlsReports(&root, &config->tls_reports);
  ReadListeners(&root, config);
  if (acme) CheckAcmeChallenges(acme, errors, config);
  ReadTrust(&root, config);
  ReadRoutes(&root, config);
  ReadDestinations(&root, config);
  ReadLimits(&root, &config->limits);
  ReadBrake(&root, &config->brake);
  ReadBounces(&root, &config->bounces);
  ReadDelivery(&root, &config->delivery);
  ReadShaping(&root, &config->shaping);
  ReadLog(&root, &config->log);
  ReadControl(&root, config);
  root.Finish();
}

}  // namespace

TableReader::ParseFn NetworksInto(std::vector<IpNetwork>* networks) {
  return [networks](std::string_view text) -> std::optional<std::string> {
    if (auto network = IpNetwork::Parse(text)) {
      networks->push_back(*network);
      return std::nullopt;
    }
    return "expects an address or a network such as \"192.0.2.7\", \"192.0.2.0/24\" or "
           "\"2001:db8::/32\" (no bits set beyond the prefix), not " +
           Quoted(text);
  };
}

ConfigResult ParseConfig(std::string_view text, std::string_view file,
                         std::string_view system_hostname) {
  ConfigResult result;
  if (text.size() > limits::kConfigBytesMax) {
    result.errors.push_back({0, 0, "", "is larger than " + FormatBytes(limits::kConfigBytesMax)});
    return result;
  }
  ErrorList errors;
  Config config;
  config.source_path = std::string(file);
  try {
    toml::table document = toml::parse(text);
    ReadAll(document, system_hostname, &errors, &config);
  } catch (const toml::parse_error& error) {
    const toml::source_position& at = error.source().begin;
    errors.Add(at, "", "is not TOML: " + Printable(error.description(), 300));
  }
  result.errors = errors.Take();
  std::stable_sort(result.errors.begin(), result.errors.end(), [](const auto& a, const auto& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  result.control_socket = config.control.socket;
  if (result.errors.empty()) result.config = std::move(config);
  return result;
}

std::string ConfigError::ToString(std::string_view configuration) const {
  std::string text(file.empty() ? configuration : file);
  if (line > 0) text += ":" + std::to_string(line) + ":" + std::to_string(column);
  text += ": ";
  if (!key.empty()) text += key + ": ";
  return text + words;
}

std::string ConfigResult::ErrorText(std::string_view file) const {
  std::string text;
  for (const ConfigError& error : errors) text += error.ToString(file) + "\n";
  if (errors.size() >= limits::kConfigErrorsMax) {
    text += std::string(file) + ": there are more; these are the first that were found\n";
  }
  return text;
}

}  // namespace ringpost::app
