#include "tools/ringpost/view_shaping.h"

#include "gateway/base/units.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"

namespace ringpost::cli {
namespace {

using delivery::AutomationRule;
using delivery::Setting;

// A zero as what it means.
std::string ValueWords(Setting setting, const delivery::SettingValue& value) {
  std::string text = delivery::ValueText(value);
  bool zero =
      value == delivery::SettingValue(uint32_t{0}) || value == delivery::SettingValue(Seconds(0));
  if (!zero) return text;
  switch (setting) {
    case Setting::kMessagesPerConnection:
      return "as many as the next hop allows";
    case Setting::kCommandTimeout:
      return "RFC 5321's";
    case Setting::kDelayWarning:
      return "never";
    case Setting::kIdleTimeout:
      return "at once";
    default:
      return "no limit";
  }
}

std::string AfterWords(const AutomationRule& rule) {
  if (rule.after == 1) return "at once";
  return delivery::PaceLimit{rule.after, rule.within}.ToString();
}

std::string DoesWords(const AutomationRule& rule) {
  std::string words;
  if (rule.action == AutomationRule::Action::kSuspend) words = "suspend";
  if (rule.action == AutomationRule::Action::kSuspendAccount) words = "suspend the account";
  for (const delivery::Given& change : rule.changes) {
    words += (words.empty() ? "" : ", ") + std::string(delivery::SettingName(change.setting)) +
             " = " + delivery::ValueText(change.value);
  }
  return words + (rule.over == AutomationRule::Over::kProvider ? " (provider)" : "");
}

std::string PlaceOf(const Json& of) {
  std::string place = SafeText(TextOf(of, "file"));
  uint64_t line = NumberOf(of, "line");
  return line > 0 ? place + ":" + std::to_string(line) : place;
}

}  // namespace

Json ExplainShaping(const delivery::ShapingTable& table, const delivery::ShapingQuery& query) {
  delivery::Shaping shaping = table.For(query);
  Json settings = Json::array(), automations = Json::array(), hosts = Json::array();
  for (const std::string& host : query.hosts) hosts.push_back(host);
  for (size_t i = 0; i < delivery::kSettings; ++i) {
    auto setting = static_cast<Setting>(i);
    const delivery::Shaping::Entry& entry = shaping[setting];
    Json one = {{"name", delivery::SettingName(setting)}, {"value", nullptr}};
    if (entry.given) {
      one["value"] = ValueWords(setting, entry.given->value);
      one["rule"] = entry.origin->name;
      one["file"] = entry.origin->file;
      one["line"] = entry.given->line;
    }
    settings.push_back(std::move(one));
  }
  for (uint32_t number : table.AutomationsAbout(query)) {
    const AutomationRule& rule = table.automations()[number];
    automations.push_back({{"name", rule.name},
                           {"reply", rule.reply},
                           {"after", AfterWords(rule)},
                           {"does", DoesWords(rule)},
                           {"for", FormatDuration(rule.duration)},
                           {"file", rule.origin.file},
                           {"line", rule.origin.line}});
  }
  return {{"domain", query.domain},
          {"hosts", hosts},
          {"provider", shaping.provider()},
          {"settings", settings},
          {"automations", automations}};
}

std::string ViewShaping(const Json& explained, const Terminal& terminal) {
  std::string text = SafeText(TextOf(explained, "domain"));
  std::string hosts;
  for (const Json& host : ListOf(explained, "hosts")) {
    if (host.is_string()) hosts += (hosts.empty() ? "" : ", ") + SafeText(host.get<std::string>());
  }
  text += hosts.empty() ? ", by its name alone (--mx says which hosts its mail goes to)"
                        : " by " + hosts;
  std::string provider = SafeText(TextOf(explained, "provider"));
  text += (provider.empty() ? "; of no provider" : "; provider " + provider) + "\n";
  Table settings({{"SETTING"}, {"VALUE"}, {"RULE"}, {"FROM"}});
  for (const Json& one : ListOf(explained, "settings")) {
    bool said = one.contains("value") && one["value"].is_string();
    settings.Row({SafeText(TextOf(one, "name")), said ? SafeText(TextOf(one, "value")) : "no limit",
                  SafeText(TextOf(one, "rule")), said ? PlaceOf(one) : ""});
  }
  text += settings.ToString(terminal);
  Table automations(
      {{"AUTOMATION"}, {"AFTER"}, {"DOES"}, {"FOR"}, {"FROM"}, {"REPLY", false, true}});
  for (const Json& one : ListOf(explained, "automations")) {
    automations.Row({SafeText(TextOf(one, "name")), SafeText(TextOf(one, "after")),
                     SafeText(TextOf(one, "does")), SafeText(TextOf(one, "for")), PlaceOf(one),
                     SafeText(TextOf(one, "reply"))});
  }
  if (!automations.empty()) text += "\n" + automations.ToString(terminal);
  return text;
}

}  // namespace ringpost::cli
