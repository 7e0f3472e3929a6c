#include "gateway/app/config_shaping.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "gateway/app/config_reader.h"
#include "gateway/app/config_sections.h"
#include "gateway/app/config_shaping_values.h"
#include "gateway/app/config_text.h"
#include "gateway/base/check.h"
#include "gateway/base/text.h"
#include "gateway/base/units.h"
#include "gateway/delivery/config.h"
#include "gateway/delivery/reply_patterns.h"
#include "gateway/delivery/shaping_limits.h"
#include "gateway/delivery/shaping_patterns.h"

namespace ringpost::app {
namespace {

namespace bounds = delivery::limits;
using delivery::AutomationRule;
using delivery::Given;
using delivery::Setting;
using delivery::SettingValue;
using delivery::ShapingLevel;
using delivery::ShapingRule;
using delivery::ShapingRules;
using delivery::ShapingSelector;

constexpr std::string_view kActions[] = {"suspend", "suspend_account", "none"};
constexpr std::string_view kOvers[] = {"site", "provider"};
constexpr char kBuiltInName[] = "built-in";

// What an automation may change: what can only be made less.
constexpr Setting kChangeable[] = {
    Setting::kConnections,           Setting::kConnectionRate,           Setting::kMessageRate,
    Setting::kMessagesPerConnection, Setting::kRecipientsPerTransaction, Setting::kTotalConnections,
    Setting::kTotalConnectionRate,   Setting::kTotalMessageRate,
};

bool IsTotal(const Given& given) {
  return given.setting == Setting::kTotalConnections ||
         given.setting == Setting::kTotalConnectionRate ||
         given.setting == Setting::kTotalMessageRate;
}

class ShapingReader {
 public:
  ShapingReader(std::string_view file, std::vector<std::string> providers, ErrorList* errors)
      : file_(file), providers_(std::move(providers)), errors_(errors) {}

  ShapingRules Read(TableReader* root);

 private:
  std::vector<const toml::table*> Tables(TableReader* root, std::string_view name);
  delivery::RuleOrigin Origin(const toml::table* from, std::string name) const;
  bool ReadPatterns(TableReader* table, std::string_view key, std::vector<std::string>* to);
  void ReadName(TableReader* table, std::string_view key, std::string_view what, std::string* to);
  void ReadProviderOf(TableReader* table, ShapingSelector* about);
  void ReadDefault(TableReader* root);
  void ReadProviders(TableReader* root);
  void ReadSites(TableReader* root);
  void ReadDomains(TableReader* root);
  void ReadSources(TableReader* root);
  void ReadAccounts(TableReader* root);
  void ReadAutomations(TableReader* root);
  void ReadAutomation(const toml::table* from);
  void ReadTrigger(TableReader* table, AutomationRule* rule);
  void ReadChanges(TableReader* table, AutomationRule* rule);
  void ReadOver(TableReader* table, AutomationRule* rule);
  void Keep(ShapingRule rule, TableReader* table);

  std::string file_;
  std::vector<std::string> providers_;
  ErrorList* errors_;
  ShapingRules rules_;
};

// Sections of one name, bounded with those read before.
std::vector<const toml::table*> ShapingReader::Tables(TableReader* root, std::string_view name) {
  size_t room =
      bounds::kShapingRulesMax / 2 - std::min(rules_.rules.size(), bounds::kShapingRulesMax / 2);
  return Sections(root, name, room);
}

delivery::RuleOrigin ShapingReader::Origin(const toml::table* from, std::string name) const {
  return {Printable(name, limits::kConfigQuotedBytesMax), file_, from->source().begin.line};
}

bool ShapingReader::ReadPatterns(TableReader* table, std::string_view key,
                                 std::vector<std::string>* to) {
  table->Texts(key, bounds::kShapingPatternsMax,
               [&](std::string_view text) -> std::optional<std::string> {
                 if (!delivery::CanonicalPattern(text)) {
                   return "expects \"example.com\", \"*.example.com\" (all below it) or \"*\" "
                          "(all), not " +
                          Quoted(text);
                 }
                 to->emplace_back(text);
                 return std::nullopt;
               });
  bool empty_list =
      table->Find(key) && table->Find(key)->is_array() && table->Find(key)->as_array()->empty();
  if (empty_list) table->Error(key, "is an empty list; expects a pattern, or leave it out");
  return !to->empty();
}

void ShapingReader::ReadName(TableReader* table, std::string_view key, std::string_view what,
                             std::string* to) {
  table->Required(key, what);
  if (!table->Text(key, to)) return;
  if (to->empty() || to->size() > bounds::kShapingNameBytesMax) {
    table->Error(key, "expects a name of 1 to " + std::to_string(bounds::kShapingNameBytesMax) +
                          " bytes: " + std::string(what));
  }
}

void ShapingReader::ReadProviderOf(TableReader* table, ShapingSelector* about) {
  std::vector<std::string_view> names(providers_.begin(), providers_.end());
  size_t chosen = 0;
  if (names.empty() && table->Find("provider")) {
    table->Error("provider", "names a provider, and there is no [[provider]]");
  } else if (table->Choice("provider", names, &chosen)) {
    about->provider = providers_[chosen];
  }
}

void ShapingReader::Keep(ShapingRule rule, TableReader* table) {
  for (Setting setting : delivery::SettingsOf(rule.level)) ReadSetting(table, setting, &rule.given);
  table->Finish();
  rules_.rules.push_back(std::move(rule));
}

void ShapingReader::ReadDefault(TableReader* root) {
  const toml::table* from = Section(root, "default");
  if (!from) return;
  TableReader table(from, "default", errors_);
  ShapingRule rule;
  rule.level = ShapingLevel::kDefault;
  rule.origin = Origin(from, "[default]");
  Keep(std::move(rule), &table);
}

void ShapingReader::ReadProviders(TableReader* root) {
  for (const toml::table* from : Sections(root, "provider", bounds::kShapingProvidersMax)) {
    TableReader table(from, "provider", errors_);
    ShapingRule rule;
    rule.level = ShapingLevel::kProvider;
    ReadName(&table, "name", "a short name such as \"google\"", &rule.about.provider);
    ReadPatterns(&table, "mx", &rule.about.mx);
    ReadPatterns(&table, "domain", &rule.about.domains);
    rule.origin = Origin(from, "[[provider]] " + rule.about.provider);
    Keep(std::move(rule), &table);
  }
}

void ShapingReader::ReadSites(TableReader* root) {
  for (const toml::table* from : Tables(root, "site")) {
    TableReader table(from, "site", errors_);
    ShapingRule rule;
    rule.level = ShapingLevel::kSite;
    table.Required("mx", "patterns that all hosts of the site fit, such as \"*.example.com\"");
    ReadPatterns(&table, "mx", &rule.about.mx);
    rule.origin = Origin(from, "[[site]] " + (rule.about.mx.empty() ? "" : rule.about.mx[0]));
    Keep(std::move(rule), &table);
  }
}

void ShapingReader::ReadDomains(TableReader* root) {
  for (const toml::table* from : Tables(root, "domain")) {
    TableReader table(from, "domain", errors_);
    ShapingRule rule;
    rule.level = ShapingLevel::kDomain;
    table.Required("domain", "\"example.com\", \"*.example.com\" (all below it) or \"*\" (all)");
    ReadPatterns(&table, "domain", &rule.about.domains);
    std::string first = rule.about.domains.empty() ? "" : rule.about.domains[0];
    rule.origin = Origin(from, "[[domain]] " + first);
    Keep(std::move(rule), &table);
  }
}

void ShapingReader::ReadSources(TableReader* root) {
  for (const toml::table* from : Tables(root, "source")) {
    TableReader table(from, "source", errors_);
    ShapingRule rule;
    rule.level = ShapingLevel::kSource;
    ReadName(&table, "source", "the name of an egress source", &rule.about.source);
    ReadProviderOf(&table, &rule.about);
    ReadPatterns(&table, "mx", &rule.about.mx);
    ReadPatterns(&table, "domain", &rule.about.domains);
    rule.origin = Origin(from, "[[source]] " + rule.about.source);
    Keep(std::move(rule), &table);
  }
}

void ShapingReader::ReadAccounts(TableReader* root) {
  for (const toml::table* from : Tables(root, "account")) {
    TableReader table(from, "account", errors_);
    ShapingRule rule;
    rule.level = ShapingLevel::kAccount;
    ReadName(&table, "account", "the name of an account", &rule.about.account);
    ReadProviderOf(&table, &rule.about);
    ReadPatterns(&table, "mx", &rule.about.mx);
    ReadPatterns(&table, "domain", &rule.about.domains);
    table.Text("source", &rule.about.source);
    rule.origin = Origin(from, "[[account]] " + rule.about.account);
    Keep(std::move(rule), &table);
  }
}

// "3/10m": so many replies in such a time; without it, at once.
void ShapingReader::ReadTrigger(TableReader* table, AutomationRule* rule) {
  table->Required("reply", "a regular expression (RE2) to be found in \"421 4.7.0 words\"");
  if (table->Text("reply", &rule->reply)) {
    std::string wrong = delivery::ReplyPatterns::WrongWith(rule->reply);
    if (!wrong.empty()) table->Error("reply", Printable(wrong, limits::kConfigQuotedBytesMax));
  }
  std::string after;
  if (!table->Text("after", &after)) return;
  auto count = delivery::PaceLimit::Parse(after);
  bool good = count && count->limited() && count->count <= bounds::kAutomationRepliesMax &&
              count->period <= Seconds(bounds::kAutomationPeriodSecondsMax);
  if (!good) {
    table->Error("after", "expects how many replies in how long, such as \"3/10m\" (1 to " +
                              std::to_string(bounds::kAutomationRepliesMax) +
                              ", in 1s to 1d), or leave it out: at once; not " + Quoted(after));
    return;
  }
  rule->after = count->count;
  rule->within = count->period;
}

void ShapingReader::ReadChanges(TableReader* table, AutomationRule* rule) {
  const toml::node* node = table->Find("set");
  if (!node) return;
  const toml::table* from = node->as_table();
  if (!from) {
    table->Error("set", "expects settings in braces, such as { connections = 1 }");
    return;
  }
  TableReader changes(from, "automation.set", errors_);
  for (Setting setting : kChangeable) ReadSetting(&changes, setting, &rule->changes);
  changes.Finish();
}

void ShapingReader::ReadOver(TableReader* table, AutomationRule* rule) {
  bool total = std::any_of(rule->changes.begin(), rule->changes.end(), IsTotal);
  size_t over = total ? 1 : 0;
  bool given = table->Choice("over", kOvers, &over);
  bool of_account = rule->action == AutomationRule::Action::kSuspendAccount;
  rule->over = over == 1 ? AutomationRule::Over::kProvider : AutomationRule::Over::kSite;
  if (total && over == 0) {
    table->Error("over", "is \"provider\" where a setting is changed that counts over all of it");
  } else if (over == 1 && rule->about.provider.empty() && !table->Find("provider")) {
    table->Error(given ? "over" : "set", "needs a provider: which?");
  }
  if (!of_account) return;
  rule->over = AutomationRule::Over::kAccount;
  if (given || !rule->changes.empty()) {
    table->Error(given ? "over" : "set",
                 "does not go with action = \"suspend_account\", which is about one account's mail "
                 "for a site");
  }
}

void ShapingReader::ReadAutomation(const toml::table* from) {
  TableReader table(from, "automation", errors_);
  AutomationRule rule;
  ReadName(&table, "name", "a short name, by which it is told apart from others", &rule.name);
  rule.origin = Origin(from, "[[automation]] " + rule.name);
  ReadProviderOf(&table, &rule.about);
  ReadPatterns(&table, "mx", &rule.about.mx);
  ReadPatterns(&table, "domain", &rule.about.domains);
  table.Text("source", &rule.about.source);
  table.Text("account", &rule.about.account);
  size_t action = 2;
  bool acts = table.Choice("action", kActions, &action);
  rule.action = action == 0   ? AutomationRule::Action::kSuspend
                : action == 1 ? AutomationRule::Action::kSuspendAccount
                              : AutomationRule::Action::kNothing;
  ReadChanges(&table, &rule);
  if (!acts && !table.Find("action") && !table.Find("set")) {
    table.Error("action", "is missing, and set as well: expects one of them, or both");
  }
  bool nothing = acts && rule.action == AutomationRule::Action::kNothing;
  bool does = !nothing || table.Find("set");
  if (does) {
    table.Required("duration", "how long it lasts, such as \"1h\"");
    ReadTrigger(&table, &rule);
  } else {  // it stands in the place of a built-in one, and says nothing else
    rule.reply = "none";
    for (std::string_view key : {"reply", "after"}) table.Find(key);
  }
  ReadOver(&table, &rule);
  Millis duration = does ? Millis(0) : Millis(1000);
  table.Duration("duration", Seconds(1), Seconds(bounds::kAutomationEffectSecondsMax), &duration);
  rule.duration = std::chrono::ceil<Seconds>(duration);
  table.Finish();
  bool twice = std::any_of(rules_.automations.begin(), rules_.automations.end(),
                           [&](const AutomationRule& one) { return one.name == rule.name; });
  if (twice) table.Error("name", "there are two automations named " + Quoted(rule.name));
  rules_.automations.push_back(std::move(rule));
}

void ShapingReader::ReadAutomations(TableReader* root) {
  for (const toml::table* from : Sections(root, "automation", bounds::kAutomationsMax / 2)) {
    ReadAutomation(from);
  }
}

ShapingRules ShapingReader::Read(TableReader* root) {
  ReadDefault(root);
  ReadProviders(root);
  ReadSites(root);
  ReadDomains(root);
  ReadSources(root);
  ReadAccounts(root);
  ReadAutomations(root);
  root->Finish();
  return std::move(rules_);
}

// The names in a document's [[provider]] tables, whatever else is wrong with them.
void AddProviderNames(const toml::table& document, std::vector<std::string>* names) {
  const toml::array* tables = document["provider"].as_array();
  if (!tables) return;
  for (const toml::node& node : *tables) {
    const toml::table* table = node.as_table();
    const auto* name = table ? (*table)["name"].as_string() : nullptr;
    if (!name || name->get().empty() || names->size() >= 2 * bounds::kShapingProvidersMax) continue;
    if (std::find(names->begin(), names->end(), name->get()) == names->end()) {
      names->push_back(name->get());
    }
  }
}

// One that says nowhere what it is.
void CheckProviders(const toml::table& document, const ShapingRules& rules, ErrorList* errors) {
  const toml::array* tables = document["provider"].as_array();
  if (!tables) return;
  for (const toml::node& node : *tables) {
    const toml::table* table = node.as_table();
    const auto* name = table ? (*table)["name"].as_string() : nullptr;
    if (!name) continue;
    bool defined = std::any_of(rules.rules.begin(), rules.rules.end(), [&](const ShapingRule& one) {
      return one.level == ShapingLevel::kProvider && one.about.provider == name->get() &&
             !(one.about.mx.empty() && one.about.domains.empty());
    });
    bool tried = table->contains("mx") || table->contains("domain");
    if (defined || tried) continue;
    errors->Add(name->source().begin, "provider.name",
                "no [[provider]] of this name has mx or domain: which sites are the provider's?");
  }
}

void Append(ShapingRules from, ShapingRules* to) {
  std::move(from.rules.begin(), from.rules.end(), std::back_inserter(to->rules));
  std::move(from.automations.begin(), from.automations.end(), std::back_inserter(to->automations));
}

// Ours: it has no errors.
ShapingRules BuiltInRules(const toml::table& document) {
  ErrorList errors;
  std::vector<std::string> providers;
  AddProviderNames(document, &providers);
  TableReader root(&document, "", &errors);
  ShapingRules rules = ShapingReader(kBuiltInName, std::move(providers), &errors).Read(&root);
  std::vector<ConfigError> wrong = errors.Take();
  RP_CHECK(wrong.empty());
  return rules;
}

void ReadDocument(const toml::table& document, std::string_view file, ErrorList* errors,
                  ShapingRules* rules) {
  TableReader root(&document, "", errors);
  bool built_in = true;
  root.Flag("builtin", &built_in);
  std::vector<std::string> providers;
  AddProviderNames(document, &providers);
  ShapingRules more;
  if (built_in) {
    toml::table ours = toml::parse(BuiltInShaping());
    AddProviderNames(ours, &providers);
    more = BuiltInRules(ours);
  }
  *rules = ShapingReader(file, std::move(providers), errors).Read(&root);
  Append(std::move(more), rules);
  CheckProviders(document, *rules, errors);
}

}  // namespace

std::string ShapingResult::ErrorText() const {
  std::string text;
  for (const ConfigError& error : errors) text += error.ToString(error.file) + "\n";
  return text;
}

ShapingRule BaseShaping(const Config& config) {
  const DeliverySettings& settings = config.delivery;
  delivery::DeliveryConfig usual;
  ShapingRule base;
  base.level = ShapingLevel::kBase;
  base.origin = {"[delivery]", config.source_path, 0};
  auto give = [&](Setting setting, SettingValue value) {
    base.given.push_back({setting, std::move(value), 0});
  };
  give(Setting::kConnections, settings.connections_per_next_hop);
  give(Setting::kMessagesPerConnection, settings.messages_per_connection);
  give(Setting::kRecipientsPerTransaction, usual.recipients_per_transaction);
  give(Setting::kConnectTimeout, usual.connect_timeout);
  give(Setting::kCommandTimeout, usual.command_timeout);
  give(Setting::kIdleTimeout, usual.idle_connection);
  give(Setting::kTls, delivery::HopTls::kOpportunistic);
  give(Setting::kRetry, settings.retry);
  give(Setting::kLifetime, settings.lifetime);
  give(Setting::kDelayWarning, settings.delay_warning);
  return base;
}

ShapingResult ParseShaping(std::string_view text, std::string_view file, ShapingRule base) {
  ShapingResult result;
  auto fail = [&](std::string words) {
    result.errors.push_back({0, 0, "", std::move(words), std::string(file)});
    return result;
  };
  if (text.size() > limits::kConfigBytesMax) {
    return fail("is larger than " + FormatBytes(limits::kConfigBytesMax));
  }
  ErrorList errors;
  ShapingRules rules;
  try {
    ReadDocument(toml::parse(text), file, &errors, &rules);
  } catch (const toml::parse_error& error) {
    errors.Add(error.source().begin, "", "is not TOML: " + Printable(error.description(), 300));
  }
  result.errors = errors.Take();
  for (ConfigError& error : result.errors) error.file = std::string(file);
  std::stable_sort(result.errors.begin(), result.errors.end(), [](const auto& a, const auto& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  if (!result.errors.empty()) return result;
  auto table = delivery::ShapingTable::Make(std::move(base), std::move(rules));
  if (!table.ok()) return fail(Printable(MessageOf(table.status()), limits::kConfigBytesMax));
  result.table = std::move(*table);
  return result;
}

}  // namespace ringpost::app
