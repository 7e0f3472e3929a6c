// Traffic shaping: how fast and in what form mail goes to whom, as the rules of a shaping file say.
//
// How rules combine (decisions/060-shaping.md): for each setting by itself, the last of these
// levels that says anything about it wins: [delivery] of ringpost.toml, [default], [[provider]],
// [[site]],
// [[domain]], [[source]]; within a level the first rule in the file wins, the operator's file
// coming before the built-in one. Limits that count different things hold together: what a site may
// have (connections, connection_rate, message_rate), what all sites of its provider may have
// together (total_...), what one account may have of the site (of [[account]] rules).
//
// A site is a set of next hops. A rule names it by its hosts (`mx`) and matches where every one of
// them fits one of the patterns: a stranger's domain with one exchanger at a big provider and
// another at home does not belong to the provider. A provider is a name for patterns and domains;
// a site has one at most, the first in the file that matches.
//
// Nothing is counted here, and no file read: rules come in as values (app/config_shaping.h).
//
// Threads: a ShapingTable is immutable; any.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/status.h"
#include "gateway/base/time.h"
#include "gateway/delivery/pace.h"
#include "gateway/delivery/retry.h"
#include "gateway/delivery/routing.h"

namespace ringpost::delivery {

enum class Setting : uint8_t {
  kConnections,  // of a site, from all shards
  kConnectionRate,
  kMessageRate,  // transactions with recipients: a message to several is one
  kMessagesPerConnection,
  kRecipientsPerTransaction,
  kConnectTimeout,
  kCommandTimeout,
  kIdleTimeout,
  kTls,  // a floor: see HopTls
  kRetry,
  kLifetime,  // a cap on the message's own deadline, counted from its arrival
  kDelayWarning,
  kTotalConnections,  // of all sites of the provider together
  kTotalConnectionRate,
  kTotalMessageRate,
  kAccountConnections,  // of one account at the site
  kAccountMessageRate,
};
inline constexpr size_t kSettings = static_cast<size_t>(Setting::kAccountMessageRate) + 1;

// As a shaping file has it; those of accounts as "account's connections".
std::string_view SettingName(Setting setting);

using SettingValue = std::variant<uint32_t, PaceLimit, Seconds, HopTls, std::vector<Seconds>>;
struct Given {
  Setting setting = Setting::kConnections;
  SettingValue value;
  uint32_t line = 0;
};
// "20", "1000/h", "30s", "required", "1m 5m 1h".
std::string ValueText(const SettingValue& value);
// Of two values of one setting the one that sends less. Nothing of the kind can be said of others
// than counts and rates: then `a`.
const SettingValue& Stricter(Setting setting, const SettingValue& a, const SettingValue& b);

enum class ShapingLevel : uint8_t { kBase, kDefault, kProvider, kSite, kDomain, kSource, kAccount };

// Where a value came from.
struct RuleOrigin {
  std::string name;  // "[[provider]] google", "automation gmail-rate"
  std::string file;
  uint32_t line = 0;
};

// What a rule is about; what is empty says nothing. All that is said must hold. `domains` and `mx`:
// "example.com", "*.example.com" (all below it) or "*".
struct ShapingSelector {
  std::string provider;
  std::vector<std::string> mx;
  std::vector<std::string> domains;
  std::string source;
  std::string account;
};

struct ShapingRule {
  ShapingLevel level = ShapingLevel::kDefault;
  RuleOrigin origin;
  ShapingSelector about;  // of a [[provider]]: `provider` is its name, the patterns are its own
  std::vector<Given> given;
};

// Acts on what next hops say (shaping_automation.h).
struct AutomationRule {
  enum class Action : uint8_t { kNothing, kSuspend, kSuspendAccount };
  // What replies are counted for, and what is acted on.
  enum class Over : uint8_t { kSite, kProvider, kAccount };
  RuleOrigin origin;
  std::string name;
  ShapingSelector about;
  std::string reply;   // a pattern of RE2, looked for in "421 4.7.0 words"
  uint32_t after = 1;  // so many replies...
  Seconds within{0};   // ... in this time; 1: at once
  Action action = Action::kNothing;
  Over over = Over::kSite;
  std::vector<Given> changes;
  Seconds duration{0};
};

// What rules of a level may set.
std::span<const Setting> SettingsOf(ShapingLevel level);

struct ShapingRules {
  std::vector<ShapingRule> rules;  // as they are in the file
  std::vector<AutomationRule> automations;
};

// What is in force for one site (and account): every setting, with where it came from. Points into
// the table that made it, which it must not outlive.
class Shaping {
 public:
  struct Entry {
    const Given* given = nullptr;  // null: nothing is said, and there is no limit
    const RuleOrigin* origin = nullptr;
  };
  const Entry& operator[](Setting setting) const { return entries_[static_cast<size_t>(setting)]; }
  // Of the site; empty: none.
  std::string_view provider() const { return provider_; }

  uint32_t connections() const { return Count(Setting::kConnections); }
  PaceLimit connection_rate() const { return Rate(Setting::kConnectionRate); }
  PaceLimit message_rate() const { return Rate(Setting::kMessageRate); }
  // 0: as many as the next hop allows.
  uint32_t messages_per_connection() const { return Count(Setting::kMessagesPerConnection); }
  uint32_t recipients_per_transaction() const { return Count(Setting::kRecipientsPerTransaction); }
  Seconds connect_timeout() const { return Time(Setting::kConnectTimeout); }
  Seconds command_timeout() const { return Time(Setting::kCommandTimeout); }
  Seconds idle_timeout() const { return Time(Setting::kIdleTimeout); }
  HopTls tls_floor() const;
  const std::vector<Seconds>& retry() const;
  Seconds lifetime() const { return Time(Setting::kLifetime); }
  Seconds delay_warning() const { return Time(Setting::kDelayWarning); }
  // 0: no limit.
  uint32_t total_connections() const { return Count(Setting::kTotalConnections); }
  PaceLimit total_connection_rate() const { return Rate(Setting::kTotalConnectionRate); }
  PaceLimit total_message_rate() const { return Rate(Setting::kTotalMessageRate); }
  uint32_t account_connections() const { return Count(Setting::kAccountConnections); }
  PaceLimit account_message_rate() const { return Rate(Setting::kAccountMessageRate); }

  // Mail for the same next hops may share connections, and one count of them, where this is the
  // same: provider and all that is set for a site, as text.
  std::string SiteTag() const;

  // `given` and `origin` outlive it. Sets what nobody has set before.
  void SetWhereFree(const Given& given, const RuleOrigin& origin);
  // Sets it where that is stricter than what is there.
  void Tighten(const Given& given, const RuleOrigin& origin);
  void set_provider(std::string_view provider) { provider_ = provider; }

 private:
  uint32_t Count(Setting setting) const;
  PaceLimit Rate(Setting setting) const;
  Seconds Time(Setting setting) const;

  std::array<Entry, kSettings> entries_;
  std::string_view provider_;
};

struct ShapingQuery {
  std::string_view domain;             // the recipients', as smtp::DomainKey makes it
  std::span<const std::string> hosts;  // the site's: names in lower case, or addresses
  std::string_view source;             // the egress source's name; empty: none
  std::string_view account;            // empty: of no account in particular
};

class ShapingTable {
 public:
  // `base`: what [delivery] says, which lies below all rules; it has a value for every setting that
  // is no rate and no limit of providers or accounts. INVALID_ARGUMENT, in words that begin with
  // the rule's place ("shaping.toml:12: ..."): a pattern that is none, a provider that nothing
  // defines, a setting that is not of the rule's level, too much of anything.
  // Of automations with one name in two files the first counts.
  static StatusOr<std::shared_ptr<const ShapingTable>> Make(ShapingRule base, ShapingRules rules);
  ~ShapingTable();
  ShapingTable(const ShapingTable&) = delete;
  ShapingTable& operator=(const ShapingTable&) = delete;

  Shaping For(const ShapingQuery& query) const;
  // The provider that a site belongs to; empty: none.
  std::string_view ProviderOf(std::string_view domain, std::span<const std::string> hosts) const;

  const std::vector<AutomationRule>& automations() const;
  // Numbers of the automations that look for something in `reply` ("421 4.7.0 words": its first
  // limits::kReplyMatchedBytesMax bytes) and are about the query's mail, in order.
  std::vector<uint32_t> AutomationsFor(const ShapingQuery& query, std::string_view reply) const;
  // All that are about the query's mail, whatever is replied.
  std::vector<uint32_t> AutomationsAbout(const ShapingQuery& query) const;
  size_t size() const;

 private:
  struct Impl;
  explicit ShapingTable(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace ringpost::delivery
