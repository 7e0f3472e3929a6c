// LoadConfig and DevelopmentConfig: the configuration from the file system and the environment.
#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "gateway/app/config.h"

namespace ringpost::app {
namespace {

std::string SystemHostname() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0) return "";
  return name;
}

// The whole file, or errno's words in `error`.
std::optional<std::string> ReadFile(const std::string& path, std::string* error) {
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

std::string HomeDirectory() {
  if (const char* home = std::getenv("HOME"); home && *home == '/') return home;
  const passwd* user = getpwuid(getuid());
  return user && user->pw_dir ? user->pw_dir : "/tmp";
}

}  // namespace

ConfigResult LoadConfig(const std::string& path) {
  std::string error;
  std::optional<std::string> text = ReadFile(path, &error);
  if (!text) {
    ConfigResult result;
    result.errors.push_back({0, 0, "", "cannot be read: " + error});
    return result;
  }
  return ParseConfig(*text, path, SystemHostname());
}

Config DevelopmentConfig() {
  Config config;
  config.development = true;
  config.hostname = "localhost.localdomain";
  const char* data = std::getenv("XDG_DATA_HOME");
  config.store.path =
      (data && *data == '/' ? std::string(data) : HomeDirectory() + "/.local/share") + "/ringpost";
  RegionConfig region;
  region.name = "local";
  region.store = config.store.path + "/local";
  region.log = region.store + "/mail.log";
  config.regions.push_back(region);
  IpAddress loopback = IpAddress::V4(0x7F000001);
  for (uint16_t port : {2525, 2587}) {
    ListenerConfig listener;
    listener.address = {loopback, port};
    listener.region = region.name;
    config.listeners.push_back(listener);
  }
  config.trust.push_back(*IpNetwork::Parse("127.0.0.0/8"));
  config.routes.push_back({"*", {*delivery::NextHop::Parse("127.0.0.1:2626")}});
  config.control.socket = config.store.path + "/control.sock";
  return config;
}

}  // namespace ringpost::app
