// LoadConfig and DevelopmentConfig: the configuration from the file system and the environment.
#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>

#include "gateway/app/config.h"
#include "gateway/app/config_bounces.h"
#include "gateway/app/config_sections.h"
#include "gateway/app/config_shaping.h"
#include "gateway/base/wipe.h"
#include "gateway/tls/read_file.h"
#include "gateway/tls/self_signed.h"

namespace ringpost::app {
namespace {

std::string SystemHostname() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0) return "";
  return name;
}

// Where a user's data belongs (XDG Base Directory Specification); empty: nowhere.
std::string DataDirectory() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data && *data == '/') return data;
  if (const char* home = std::getenv("HOME"); home && *home == '/') {
    return std::string(home) + "/.local/share";
  }
  const passwd* user = getpwuid(getuid());
  bool known = user && user->pw_dir && *user->pw_dir == '/';
  return known ? std::string(user->pw_dir) + "/.local/share" : "";
}

constexpr int kDevelopmentCertificateDays = 30;

// Each certificate that cannot be loaded is an error of the file's.
void LoadCertificates(ConfigResult* result) {
  for (CertificateConfig& one : result->config->certificates) {
    auto loaded = tls::Certificate::Load(one.files, ReadWallClock());
    if (loaded.ok()) {
      one.loaded = std::move(*loaded);
    } else {
      result->errors.push_back(
          {one.line, one.column, "tls.certificate", std::string(MessageOf(loaded.status()))});
    }
  }
}

// An editor leaves a line end behind the secret.
bool TakeSecret(std::string* text) {
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  return smtp::IsAuthSecret(*text);
}

// What a secret file holds goes to the next hops that name it, and is kept nowhere else.
void LoadSecrets(ConfigResult* result) {
  std::map<std::string, std::vector<delivery::NextHop*>> hops_of;
  for (delivery::Route& route : result->config->routes) {
    for (delivery::NextHop& hop : route.next_hops) {
      if (!hop.secret_file.empty()) hops_of[hop.secret_file].push_back(&hop);
    }
  }
  for (const SecretFileConfig& file : result->config->secret_files) {
    auto hops = hops_of.extract(file.path);
    if (hops.empty()) continue;  // it was read before
    auto complain = [&](std::string words) {
      result->errors.push_back({file.line, file.column, "route.secret_file", std::move(words)});
    };
    auto secret = tls::ReadSecretFile(file.path, limits::kAuthSecretBytesMax + 2, "password");
    if (!secret.ok()) {
      complain(std::string(MessageOf(secret.status())));
      continue;
    }
    WipedAtEnd wiped(&*secret);
    if (!TakeSecret(&*secret)) {
      complain(file.path + ": expects one line with the password, of 1 to " +
               std::to_string(limits::kAuthSecretBytesMax) + " bytes without control characters");
      continue;
    }
    for (delivery::NextHop* hop : hops.mapped()) {
      auto credentials = std::make_shared<smtp::Credentials>();
      credentials->user = hop->user;
      credentials->secret = *secret;
      hop->credentials = std::move(credentials);
    }
  }
}

// Each error of the rules is one of the file's, with its place in theirs.
void LoadClasses(ConfigResult* result) {
  BouncesConfig& bounces = result->config->bounces;
  if (bounces.classes.empty()) {
    bounces.loaded = DefaultBounceClasses();
    return;
  }
  auto loaded = LoadBounceClasses(bounces.classes);
  if (loaded.ok()) {
    bounces.loaded = *std::move(loaded);
  } else {
    result->errors.push_back(
        {bounces.line, bounces.column, "bounces.classes", std::string(MessageOf(loaded.status()))});
  }
}

void LoadShapingRules(ConfigResult* result) {
  ShapingConfig& shaping = result->config->shaping;
  ShapingResult loaded = LoadShaping(shaping.file, BaseShaping(*result->config));
  if (loaded.unreadable) {
    result->errors.push_back({shaping.line, shaping.column, "shaping.file",
                              shaping.file + " " + loaded.errors[0].words});
  } else {
    for (ConfigError& error : loaded.errors) result->errors.push_back(std::move(error));
  }
  shaping.table = std::move(loaded.table);
}

// Nobody else trusts it.
Status AddDevelopmentCertificate(Config* config) {
  WallTime now = ReadWallClock();
  tls::PemPair made =
      tls::MakeSelfSigned({config->hostname, "localhost"}, tls::Certificate::KeyKind::kEcdsa, now,
                          kDevelopmentCertificateDays);
  WipedAtEnd wiped(&made.key);
  CertificateConfig certificate;
  certificate.files = {"the development certificate", "the development key"};
  auto loaded = tls::Certificate::Parse(made.chain, made.key, certificate.files, now);
  if (!loaded.ok()) return loaded.status();
  certificate.loaded = std::move(*loaded);
  config->certificates.push_back(std::move(certificate));
  return OkStatus();
}

}  // namespace

std::optional<std::string> ReadConfigFile(const std::string& path, std::string* error) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    *error = std::strerror(errno);
    return std::nullopt;
  }
  std::string text;
  char buffer[64 * limits::kKiB];
  ssize_t got;
  while ((got = read(fd, buffer, sizeof buffer)) > 0 && text.size() <= limits::kConfigBytesMax) {
    text.append(buffer, static_cast<size_t>(got));
  }
  if (got < 0) *error = std::strerror(errno);
  close(fd);
  if (got < 0) return std::nullopt;
  return text;
}

ConfigResult LoadConfig(const std::string& path) {
  std::string error;
  std::optional<std::string> text = ReadConfigFile(path, &error);
  if (!text) {
    ConfigResult result;
    result.errors.push_back({0, 0, "", "cannot be read: " + error});
    return result;
  }
  ConfigResult result = ParseConfig(*text, path, SystemHostname());
  if (result.config) {
    LoadCertificates(&result);
    LoadSecrets(&result);
    LoadClasses(&result);
    LoadShapingRules(&result);
    if (!result.errors.empty()) result.config.reset();
  }
  return result;
}

ShapingResult LoadShaping(const std::string& path, delivery::ShapingRule base) {
  if (path.empty()) return ParseShaping("", "", std::move(base));
  std::string error;
  std::optional<std::string> text = ReadConfigFile(path, &error);
  if (text) return ParseShaping(*text, path, std::move(base));
  ShapingResult result;
  result.unreadable = true;
  result.errors.push_back({0, 0, "", "cannot be read: " + error, path});
  return result;
}

StatusOr<Config> DevelopmentConfig() {
  std::string data = DataDirectory();
  if (data.empty()) {
    return MakeStatus(StatusCode::kFailedPrecondition,
                      "the embedded development mode keeps its store under the user's home "
                      "directory, and this user has none: set HOME or XDG_DATA_HOME to an absolute "
                      "path, or give --config FILE");
  }
  Config config;
  config.development = true;
  config.hostname = "localhost.localdomain";
  if (Status status = AddDevelopmentCertificate(&config); !status.ok()) return status;
  config.store.path = data + "/ringpost";
  RegionConfig region;
  region.name = "local";
  region.store = config.store.path + "/local";
  region.log = region.store + "/mail.log";
  config.regions.push_back(region);
  IpAddress loopback = IpAddress::V4(0x7F000001);
  for (uint16_t port : {2525, 2587, 2465}) {
    ListenerConfig listener;
    listener.address = {loopback, port};
    listener.tls = port == 2465 ? ListenerTls::kImplicit : ListenerTls::kOptional;
    listener.region = region.name;
    config.listeners.push_back(listener);
  }
  config.trust.push_back(*IpNetwork::Parse("127.0.0.0/8"));
  config.routes.push_back({"*", {*delivery::NextHop::Parse("127.0.0.1:2626")}});
  config.control.socket = config.store.path + "/control.sock";
  config.shaping.table = LoadShaping("", BaseShaping(config)).table;
  return config;
}

}  // namespace ringpost::app
