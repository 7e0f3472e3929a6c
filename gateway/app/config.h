// Config: ringpost.toml as plain data, and the one way to read it.
//
// CONFIG.md in this folder lists every key with its meaning, default, bounds and whether a reload
// applies it. A Config that was read without errors is whole: every reference is resolved, every
// bound checked.
//
// Threads: plain data; nothing here is shared while it changes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/app/tls_report_config.h"
#include "gateway/base/ip_address.h"
#include "gateway/base/limits.h"
#include "gateway/base/status.h"
#include "gateway/base/time.h"
#include "gateway/delivery/destinations.h"
#include "gateway/delivery/retry.h"
#include "gateway/delivery/routing.h"
#include "gateway/http/acme/messages.h"
#include "gateway/identity/brake.h"
#include "gateway/identity/decision.h"
#include "gateway/session/protocol_choice.h"
#include "gateway/tls/certificate.h"
#include "gateway/tls/kernel_records.h"

namespace ringpost::delivery {
class ShapingTable;  // shaping.h
}  // namespace ringpost::delivery

namespace ringpost::mail {
class BounceClasses;  // mail/bounce_classes.h
}  // namespace ringpost::mail

namespace ringpost::app {

struct StoreConfig {
  std::string path;  // control store and keys; regions are below it unless they say otherwise
  uint64_t free_bytes_min = limits::kFreeSpaceFloorBytesDefault;
  Seconds key_epoch{limits::kKeyEpochSeconds};
  bool operator==(const StoreConfig&) const = default;
};

struct ReactorConfig {
  uint32_t cores = 0;  // 0: all but one
  uint32_t buffers =
      limits::kReceiveBuffersDefault;  // receive buffers per core, of kReceiveBufferBytes
  bool operator==(const ReactorConfig&) const = default;
};

struct RegionConfig {
  std::string name;
  std::string store;  // the region's own directory
  std::string log;    // the file of its message log
  std::vector<IpAddress> egress;
  std::vector<std::string> bounce_hosts;  // that take mail for return paths; empty: this one
  std::string spf;                        // of return paths; empty: made from `egress`
  bool operator==(const RegionConfig&) const = default;
};

struct CertificateConfig {
  tls::CertificateFiles files;
  uint32_t line = 0, column = 0;  // where it is said
  // LoadConfig's work, not ParseConfig's.
  std::shared_ptr<const tls::Certificate> loaded;
};

// [acme]
struct AcmeConfig {
  std::string directory = "https://acme-v02.api.letsencrypt.org/directory";
  std::string email;               // empty: none is given
  std::vector<std::string> names;  // lower case
  // That can be answered here, the one to be tried first in front.
  std::vector<acme::ChallengeKind> challenges;
  std::string authorities;  // of the server; empty: the system's
};

// kOptional: STARTTLS is offered. kRequired: mail is taken behind it only. kImplicit: the handshake
// comes before the greeting.
enum class ListenerTls : uint8_t { kNone, kOptional, kRequired, kImplicit };

struct ListenerConfig {
  Endpoint address;
  std::string region;
  bool strict = false;
  bool normalise_bare_newlines = false;
  std::vector<IpNetwork> proxy_protocol_from;
  std::vector<IpNetwork> xclient_from;
  uint32_t connections_max = 0;  // 0: only the process's limit
  Millis greet_delay{0};
  ListenerTls tls = ListenerTls::kNone;
  bool tls_old_versions = false;  // TLS 1.0 and 1.1 too
  session::ListenerProtocol protocol = session::ListenerProtocol::kSmtp;
  std::set<std::string, std::less<>> http_names;  // lower case
  identity::ListenerIdentity authentication{.by_password = true, .by_network = true};
  bool auth_in_clear = false;  // passwords without TLS too
  bool takes_bounces = false;  // from anybody, to return paths
  identity::RateLimit rate;    // of all messages that come by it
  bool operator==(const ListenerConfig&) const = default;
};

// What bounces mean.
struct BouncesConfig {
  std::string classes;            // a bounce-classes.toml; empty: that which is compiled in
  uint32_t line = 0, column = 0;  // where it is said
  // LoadConfig's work, not ParseConfig's.
  std::shared_ptr<const mail::BounceClasses> loaded;
};
// The file of a route's secret.
struct SecretFileConfig {
  std::string path;
  uint32_t line = 0, column = 0;  // where it is said
};

struct LimitsConfig {
  uint64_t message_bytes_max = limits::kMessageBytesMaxDefault;
  uint32_t recipients_max = limits::kRecipientsMaxDefault;
  uint32_t connections_max = limits::kConnectionsMaxDefault;
  uint32_t connections_per_address_max = limits::kConnectionsPerAddressMaxDefault;
  Seconds command_timeout{limits::kServerCommandSeconds};
  uint32_t data_bytes_per_second_min = limits::kDataBytesPerSecondMinDefault;
  uint64_t memory_bytes_max = 0;  // 0: what the cgroup or the machine has
  Seconds drain_grace{limits::kDrainGraceSecondsDefault};
  bool operator==(const LimitsConfig&) const = default;
};

struct DeliverySettings {
  std::vector<Seconds> retry = delivery::RetryPolicy().steps;  // the last one repeats
  Seconds lifetime{limits::kMessageLifetimeSecondsDefault};
  Seconds delay_warning{limits::kDelayWarningSecondsDefault};  // 0: never
  uint32_t connections_per_next_hop = limits::kConnectionsPerSiteDefault;
  uint32_t messages_per_connection = 0;  // 0: as many as the next hop allows
  bool operator==(const DeliverySettings&) const = default;
};

// What customers' domains lead to, and how the DNS is asked about them.
struct DnsConfig {
  std::string zone;                       // the operator's; empty: no domains are verified here
  std::vector<std::string> name_servers;  // of the zone
  std::string mailbox;                    // who looks after it, as a name
  std::vector<Endpoint> forwarders;       // empty: the servers of the Internet are asked
  std::string trust_anchors;              // a file; empty: nothing is validated
  struct Stub {
    std::string zone;  // "" is the root
    Endpoint server;
    bool operator==(const Stub&) const = default;
  };
  std::vector<Stub> stubs;
  std::vector<IpNetwork> allowed_networks;  // mail exchangers may be here, private or not
  bool operator==(const DnsConfig&) const = default;
};

// [shaping]
struct ShapingConfig {
  std::string file;               // empty: the built-in rules alone
  uint32_t line = 0, column = 0;  // where it is said
  // LoadConfig's work, not ParseConfig's.
  std::shared_ptr<const delivery::ShapingTable> table;
};

struct LogConfig {
  std::string path;  // the daemon's own lines; empty: standard error
  bool operator==(const LogConfig&) const = default;
};

struct ControlConfig {
  std::string socket;
  bool operator==(const ControlConfig&) const = default;
};

struct Config {
  std::string source_path;  // empty: the embedded development mode
  std::string hostname;
  bool development = false;  // the embedded development mode
  StoreConfig store;
  ReactorConfig reactor;
  std::vector<RegionConfig> regions;
  std::vector<CertificateConfig> certificates;
  // Which records the kernel makes (decisions/041-kernel-tls.md).
  tls::KernelRecordRule::Mode ktls = tls::KernelRecordRule::Mode::kAuto;
  std::optional<AcmeConfig> acme;
  std::string tls_authorities;  // empty: the system's, where it has them
  std::vector<ListenerConfig> listeners;
  std::vector<IpNetwork> trust;
  // Of those with users LoadConfig makes the credentials, not ParseConfig.
  std::vector<delivery::Route> routes;
  std::vector<SecretFileConfig> secret_files;
  std::vector<delivery::Destination> destinations;
  LimitsConfig limits;
  identity::BrakeRule brake;
  BouncesConfig bounces;
  DeliverySettings delivery;
  DnsConfig dns;
  TlsReportConfig tls_reports;
  ShapingConfig shaping;
  LogConfig log;
  ControlConfig control;
};

// One thing that is wrong, and where. Lines and columns count from 1; 0: the whole file.
struct ConfigError {
  uint32_t line = 0;
  uint32_t column = 0;
  std::string key;    // "listener.addres"
  std::string words;  // what is wrong, what is accepted, what was perhaps meant
  std::string file;   // that it is in, where that is another than the configuration
  // "ringpost.toml:12:3: listener.addres: unknown key; did you mean \"address\"? ..."
  std::string ToString(std::string_view configuration) const;
};

struct ConfigResult {
  std::optional<Config> config;  // present when `errors` is empty
  std::vector<ConfigError> errors;
  // [control] socket, its default included, also where there are errors; empty: it is among them.
  std::string control_socket;
  // All of them, a line each.
  std::string ErrorText(std::string_view file) const;
};

// Sans file system: `file` is for messages, `system_hostname` is what hostname defaults to. At most
// limits::kConfigBytesMax bytes; at most limits::kConfigErrorsMax errors are kept.
ConfigResult ParseConfig(std::string_view text, std::string_view file,
                         std::string_view system_hostname);
// Reads and parses a file, and the files of certificates and keys that it names.
ConfigResult LoadConfig(const std::string& path);
// What `ringpostd` runs on without a file: 127.0.0.1:2525, :2587 and :2465 (implicit TLS),
// everything to 127.0.0.1:2626, a store under the user's data directory, and nothing that leaves
// the machine. FAILED_PRECONDITION: the user has no such directory.
StatusOr<Config> DevelopmentConfig();

}  // namespace ringpost::app
