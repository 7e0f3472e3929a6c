// ShapingTable: which rules are about a site, found by indexes over their patterns.
#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "gateway/base/text.h"
#include "gateway/delivery/reply_patterns.h"
#include "gateway/delivery/shaping.h"
#include "gateway/delivery/shaping_limits.h"
#include "gateway/delivery/shaping_patterns.h"

namespace ringpost::delivery {
namespace {

constexpr uint32_t kNoProvider = UINT32_MAX;

struct Provider {
  std::string name;
  RuleOrigin origin;
  std::vector<std::string> mx, domains;  // of all its rules
  std::vector<uint32_t> rules;
};

struct Hash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
template <typename T>
using ByName = absl::flat_hash_map<std::string, T, Hash, std::equal_to<>>;

Status Wrong(const RuleOrigin& origin, std::string_view words) {
  return MakeStatus(StatusCode::kInvalidArgument, origin.file + ":" + std::to_string(origin.line) +
                                                      ": " + origin.name + " " +
                                                      std::string(words));
}

Status Canonicalise(const RuleOrigin& origin, std::vector<std::string>* patterns) {
  if (patterns->size() > limits::kShapingPatternsMax) {
    return Wrong(origin,
                 "has more than " + std::to_string(limits::kShapingPatternsMax) + " patterns");
  }
  for (std::string& pattern : *patterns) {
    std::optional<std::string> canonical = CanonicalPattern(pattern);
    if (!canonical) return Wrong(origin, "has a pattern that is none: " + pattern);
    pattern = std::move(*canonical);
  }
  return OkStatus();
}

// What setting takes what kind of value; of retry an empty list is none.
bool RightKind(const Given& given) {
  switch (given.setting) {
    case Setting::kConnectionRate:
    case Setting::kMessageRate:
    case Setting::kTotalConnectionRate:
    case Setting::kTotalMessageRate:
    case Setting::kAccountMessageRate:
      return std::holds_alternative<PaceLimit>(given.value);
    case Setting::kConnectTimeout:
    case Setting::kCommandTimeout:
    case Setting::kIdleTimeout:
    case Setting::kLifetime:
    case Setting::kDelayWarning:
      return std::holds_alternative<Seconds>(given.value);
    case Setting::kTls:
      return std::holds_alternative<HopTls>(given.value);
    case Setting::kRetry: {
      const auto* steps = std::get_if<std::vector<Seconds>>(&given.value);
      return steps && !steps->empty();
    }
    default:
      return std::holds_alternative<uint32_t>(given.value);
  }
}

Status CheckGiven(const RuleOrigin& origin, ShapingLevel level, const std::vector<Given>& given) {
  std::span<const Setting> allowed = SettingsOf(level);
  for (const Given& one : given) {
    bool may = level == ShapingLevel::kBase ||
               std::find(allowed.begin(), allowed.end(), one.setting) != allowed.end();
    if (!may || !RightKind(one)) {
      return Wrong(origin, "sets " + std::string(SettingName(one.setting)) + ", which it cannot");
    }
  }
  return OkStatus();
}

}  // namespace

struct ShapingTable::Impl {
  ShapingRule base;
  std::vector<ShapingRule> rules;
  std::vector<AutomationRule> automations;
  std::vector<Provider> providers;
  ByName<uint32_t> provider_numbers;
  PatternIndex provider_domains, provider_hosts;  // of providers
  std::vector<uint32_t> defaults;                 // from here on: of rules
  PatternIndex site_hosts, domains;
  ByName<std::vector<uint32_t>> sources, accounts;
  std::unique_ptr<const ReplyPatterns> replies;

  Status AddRule(uint32_t number);
  Status AddProviderRule(uint32_t number);
  Status AddAutomations(std::vector<AutomationRule> all);
  Status CheckProviders() const;
  Status CheckSelector(const RuleOrigin& origin, ShapingSelector* about) const;

  uint32_t ProviderOf(std::string_view domain, std::span<const std::string> hosts) const;
  bool IsAbout(const ShapingSelector& about, const ShapingQuery& query, uint32_t provider) const;
  void KeepThoseAbout(ShapingQuery query, std::vector<uint32_t>* automation_numbers) const;
};

Status ShapingTable::Impl::AddProviderRule(uint32_t number) {
  const ShapingRule& rule = rules[number];
  if (rule.about.provider.empty() || rule.about.provider.size() > limits::kShapingNameBytesMax) {
    return Wrong(rule.origin, "needs a name, of " + std::to_string(limits::kShapingNameBytesMax) +
                                  " bytes at most");
  }
  auto [found, fresh] =
      provider_numbers.try_emplace(rule.about.provider, static_cast<uint32_t>(providers.size()));
  if (fresh) providers.push_back({rule.about.provider, rule.origin, {}, {}, {}});
  Provider& provider = providers[found->second];
  provider.rules.push_back(number);
  for (const std::string& host : rule.about.mx) provider.mx.push_back(host);
  for (const std::string& domain : rule.about.domains) provider.domains.push_back(domain);
  return OkStatus();
}

Status ShapingTable::Impl::AddRule(uint32_t number) {
  ShapingRule& rule = rules[number];
  for (auto* patterns : {&rule.about.mx, &rule.about.domains}) {
    if (Status status = Canonicalise(rule.origin, patterns); !status.ok()) return status;
  }
  if (Status status = CheckGiven(rule.origin, rule.level, rule.given); !status.ok()) return status;
  bool empty = false;
  switch (rule.level) {
    case ShapingLevel::kBase:
      return Wrong(rule.origin, "has no level");
    case ShapingLevel::kDefault:
      defaults.push_back(number);
      break;
    case ShapingLevel::kProvider:
      return AddProviderRule(number);
    case ShapingLevel::kSite:
      empty = rule.about.mx.empty();
      for (const std::string& host : rule.about.mx) site_hosts.Add(host, number);
      break;
    case ShapingLevel::kDomain:
      empty = rule.about.domains.empty();
      for (const std::string& domain : rule.about.domains) domains.Add(domain, number);
      break;
    case ShapingLevel::kSource:
      empty = rule.about.source.empty();
      sources[rule.about.source].push_back(number);
      break;
    case ShapingLevel::kAccount:
      empty = rule.about.account.empty();
      accounts[rule.about.account].push_back(number);
      break;
  }
  return empty ? Wrong(rule.origin, "does not say what it is about") : OkStatus();
}

// Of the patterns of providers, and of what refers to them.
Status ShapingTable::Impl::CheckProviders() const {
  for (const Provider& provider : providers) {
    if (provider.mx.empty() && provider.domains.empty()) {
      return Wrong(provider.origin, "is nowhere given mx or domains");
    }
  }
  for (const ShapingRule& rule : rules) {
    const std::string& name = rule.about.provider;
    if (!name.empty() && !provider_numbers.contains(name)) {
      return Wrong(rule.origin, "is about a provider that there is none of: " + name);
    }
  }
  return OkStatus();
}

Status ShapingTable::Impl::AddAutomations(std::vector<AutomationRule> all) {
  if (all.size() > limits::kAutomationsMax) {
    return Wrong(all.back().origin,
                 "is one of more than " + std::to_string(limits::kAutomationsMax));
  }
  ByName<std::string> files;
  std::vector<std::string> patterns;
  for (AutomationRule& one : all) {
    auto [found, fresh] = files.try_emplace(one.name, one.origin.file);
    if (!fresh && found->second == one.origin.file) return Wrong(one.origin, "is there twice");
    if (!fresh) continue;
    const std::string& provider = one.about.provider;
    if (!provider.empty() && !provider_numbers.contains(provider)) {
      return Wrong(one.origin, "is about a provider that there is none of: " + provider);
    }
    for (auto* about : {&one.about.mx, &one.about.domains}) {
      if (Status status = Canonicalise(one.origin, about); !status.ok()) return status;
    }
    bool bounded = one.after >= 1 && one.after <= limits::kAutomationRepliesMax &&
                   (one.after == 1 || one.within > Seconds(0)) && one.duration > Seconds(0);
    if (!bounded) return Wrong(one.origin, "counts or lasts out of bounds");
    if (one.over == AutomationRule::Over::kProvider && provider.empty()) {
      return Wrong(one.origin, "is over a provider and names none");
    }
    if (std::string words = ReplyPatterns::WrongWith(one.reply); !words.empty()) {
      return Wrong(one.origin, "has a reply that " + words);
    }
    if (Status status = CheckGiven(one.origin, ShapingLevel::kProvider, one.changes);
        !status.ok()) {
      return status;
    }
    // One that does nothing stands in the place of others of its name.
    bool acts = one.action != AutomationRule::Action::kNothing || !one.changes.empty();
    if (!acts) continue;
    patterns.push_back(one.reply);
    automations.push_back(std::move(one));
  }
  auto made = ReplyPatterns::Make(patterns);
  if (!made.ok()) return Wrong(automations.front().origin, MessageOf(made.status()));
  replies = std::move(*made);
  return OkStatus();
}

uint32_t ShapingTable::Impl::ProviderOf(std::string_view domain,
                                        std::span<const std::string> hosts) const {
  std::vector<uint32_t> numbers;
  provider_domains.Collect(domain, &numbers);
  uint32_t best = numbers.empty() ? kNoProvider : numbers.front();
  numbers.clear();
  // Who fits all hosts fits the first.
  if (!hosts.empty()) provider_hosts.Collect(hosts.front(), &numbers);
  for (uint32_t number : numbers) {
    if (number >= best) break;
    if (AllFit(providers[number].mx, hosts)) return number;
  }
  return best;
}

bool ShapingTable::Impl::IsAbout(const ShapingSelector& about, const ShapingQuery& query,
                                 uint32_t provider) const {
  bool provider_fits = about.provider.empty() ||
                       (provider != kNoProvider && providers[provider].name == about.provider);
  return provider_fits && (about.source.empty() || about.source == query.source) &&
         (about.account.empty() || about.account == query.account) &&
         (about.mx.empty() || AllFit(about.mx, query.hosts)) &&
         (about.domains.empty() || FitsOneOf(about.domains, query.domain));
}

void ShapingTable::Impl::KeepThoseAbout(ShapingQuery query,
                                        std::vector<uint32_t>* automation_numbers) const {
  if (automation_numbers->empty()) return;
  std::string canonical = CanonicalDomainName(query.domain);
  query.domain = canonical;
  uint32_t provider = ProviderOf(query.domain, query.hosts);
  std::erase_if(*automation_numbers, [&](uint32_t number) {
    return !IsAbout(automations[number].about, query, provider);
  });
}

ShapingTable::ShapingTable(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
ShapingTable::~ShapingTable() = default;

StatusOr<std::shared_ptr<const ShapingTable>> ShapingTable::Make(ShapingRule base,
                                                                 ShapingRules rules) {
  auto impl = std::make_unique<Impl>();
  impl->base = std::move(base);
  impl->rules = std::move(rules.rules);
  if (impl->rules.size() > limits::kShapingRulesMax) {
    return Wrong(impl->rules.back().origin,
                 "is one of more than " + std::to_string(limits::kShapingRulesMax));
  }
  if (Status status = CheckGiven(impl->base.origin, ShapingLevel::kBase, impl->base.given);
      !status.ok()) {
    return status;
  }
  for (uint32_t i = 0; i < impl->rules.size(); ++i) {
    if (Status status = impl->AddRule(i); !status.ok()) return status;
  }
  if (Status status = impl->CheckProviders(); !status.ok()) return status;
  for (uint32_t i = 0; i < impl->providers.size(); ++i) {
    for (const std::string& host : impl->providers[i].mx) impl->provider_hosts.Add(host, i);
    for (const std::string& domain : impl->providers[i].domains) {
      impl->provider_domains.Add(domain, i);
    }
  }
  if (Status status = impl->AddAutomations(std::move(rules.automations)); !status.ok()) {
    return status;
  }
  return std::shared_ptr<const ShapingTable>(new ShapingTable(std::move(impl)));
}

Shaping ShapingTable::For(const ShapingQuery& asked) const {
  const Impl& impl = *impl_;
  ShapingQuery query = asked;
  std::string canonical;
  if (HasEighthBit(query.domain)) query.domain = canonical = CanonicalDomainName(query.domain);
  uint32_t provider = impl.ProviderOf(query.domain, query.hosts);
  Shaping shaping;
  auto apply = [&](uint32_t number) {
    const ShapingRule& rule = impl.rules[number];
    for (const Given& given : rule.given) shaping.SetWhereFree(given, rule.origin);
  };
  auto apply_named = [&](const auto& by_name, std::string_view name) {
    if (name.empty()) return;
    auto found = by_name.find(name);
    if (found == by_name.end()) return;
    for (uint32_t number : found->second) {
      if (impl.IsAbout(impl.rules[number].about, query, provider)) apply(number);
    }
  };
  // From the level that goes before all others down.
  apply_named(impl.accounts, query.account);
  apply_named(impl.sources, query.source);
  std::vector<uint32_t> numbers;
  impl.domains.Collect(query.domain, &numbers);
  for (uint32_t number : numbers) apply(number);
  numbers.clear();
  if (!query.hosts.empty()) impl.site_hosts.Collect(query.hosts.front(), &numbers);
  for (uint32_t number : numbers) {
    if (AllFit(impl.rules[number].about.mx, query.hosts)) apply(number);
  }
  if (provider != kNoProvider) {
    shaping.set_provider(impl.providers[provider].name);
    for (uint32_t number : impl.providers[provider].rules) apply(number);
  }
  for (uint32_t number : impl.defaults) apply(number);
  for (const Given& given : impl.base.given) shaping.SetWhereFree(given, impl.base.origin);
  return shaping;
}

std::string_view ShapingTable::ProviderOf(std::string_view domain,
                                          std::span<const std::string> hosts) const {
  uint32_t number = impl_->ProviderOf(CanonicalDomainName(domain), hosts);
  return number == kNoProvider ? std::string_view() : impl_->providers[number].name;
}

const std::vector<AutomationRule>& ShapingTable::automations() const { return impl_->automations; }

std::vector<uint32_t> ShapingTable::AutomationsFor(const ShapingQuery& query,
                                                   std::string_view reply) const {
  std::vector<uint32_t> found =
      impl_->replies->FoundIn(reply.substr(0, limits::kReplyMatchedBytesMax));
  impl_->KeepThoseAbout(query, &found);
  return found;
}

std::vector<uint32_t> ShapingTable::AutomationsAbout(const ShapingQuery& query) const {
  std::vector<uint32_t> all(impl_->automations.size());
  std::iota(all.begin(), all.end(), 0);
  impl_->KeepThoseAbout(query, &all);
  return all;
}

size_t ShapingTable::size() const { return impl_->rules.size(); }

}  // namespace ringpost::delivery
