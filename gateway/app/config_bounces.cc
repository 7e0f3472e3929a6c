#include "gateway/app/config_bounces.h"

#include <algorithm>
#include <utility>

#include "gateway/app/config_reader.h"
#include "gateway/app/config_sections.h"
#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/mail/bounce_limits.h"

namespace ringpost::app {
namespace {

using mail::BounceCodePattern;
using mail::BounceRule;

void ReadCodes(TableReader* table, std::string_view key, std::string_view example,
               bool (*parse)(std::string_view, BounceCodePattern*),
               std::vector<BounceCodePattern>* to) {
  table->Texts(key, mail::limits::kBounceRulesMax, [&](std::string_view text) {
    BounceCodePattern pattern;
    std::optional<std::string> wrong;
    if (parse(text, &pattern)) {
      to->push_back(pattern);
    } else {
      wrong = "expects one like " + std::string(example) + ", not " + Quoted(text);
    }
    return wrong;
  });
}

BounceRule ReadRule(const toml::table* from, ErrorList* errors) {
  TableReader table(from, "rule", errors);
  BounceRule rule;
  rule.line = from->source().begin.line;
  table.Required("class", "what the mail is that this rule matches, as class = \"hard\"");
  size_t klass = 0;
  if (table.Choice("class", mail::kBounceClassNames, &klass)) {
    rule.klass = static_cast<mail::BounceClass>(klass);
  }
  ReadCodes(&table, "code", "\"550\" or \"4xx\"", mail::ParseBounceCode, &rule.codes);
  ReadCodes(&table, "status", "\"5.1.1\" or \"5.7.x\"", mail::ParseBounceStatus, &rule.statuses);
  table.Texts("text", mail::limits::kBounceRulesMax, [&](std::string_view text) {
    std::string wrong = mail::BounceClasses::CheckPattern(std::string(text));
    if (wrong.empty()) rule.texts.emplace_back(text);
    return wrong.empty() ? std::nullopt
                         : std::optional("the pattern " + Quoted(text) + ": " +
                                         Printable(wrong, limits::kConfigQuotedBytesMax));
  });
  bool conditions = from->contains("code") || from->contains("status") || from->contains("text");
  if (!conditions) {
    errors->Add(from->source().begin, "rule", "has no condition: give it code, status or text");
  }
  table.Finish();
  return rule;
}

std::vector<BounceRule> ReadRules(const toml::table& document, ErrorList* errors) {
  TableReader root(&document, "", errors);
  std::vector<BounceRule> rules;
  for (const toml::table* rule : Sections(&root, "rule", mail::limits::kBounceRulesMax)) {
    rules.push_back(ReadRule(rule, errors));
  }
  root.Finish();
  return rules;
}

}  // namespace

void ReadBounces(TableReader* root, BouncesConfig* to) {
  const toml::table* section = Section(root, "bounces");
  TableReader table(section, "bounces", root->errors());
  if (table.Text("classes", &to->classes)) {
    CheckAbsolutePath(&table, "classes", to->classes);
    const toml::source_position& at = section->get("classes")->source().begin;
    to->line = at.line;
    to->column = at.column;
  }
  table.Finish();
}

BounceClassesResult ParseBounceClasses(std::string_view text) {
  BounceClassesResult result;
  ErrorList errors;
  std::vector<BounceRule> rules;
  if (text.size() > limits::kConfigBytesMax) {
    errors.Add({}, "", "is longer than " + std::to_string(limits::kConfigBytesMax) + " bytes");
  } else {
    try {
      rules = ReadRules(toml::parse(text), &errors);
    } catch (const toml::parse_error& error) {
      errors.Add(error.source().begin, "",
                 "is not TOML: " + Printable(error.description(), limits::kConfigQuotedBytesMax));
    }
  }
  result.errors = errors.Take();
  std::stable_sort(result.errors.begin(), result.errors.end(), [](const auto& a, const auto& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  if (!result.errors.empty()) return result;
  result.classes = mail::BounceClasses::Make(std::move(rules));
  if (!result.classes) {
    result.errors.push_back({0, 0, "rule.text", "all patterns together take too much memory"});
  }
  return result;
}

StatusOr<std::shared_ptr<const mail::BounceClasses>> LoadBounceClasses(const std::string& path) {
  std::string error;
  std::optional<std::string> text = ReadConfigFile(path, &error);
  if (!text) return MakeStatus(StatusCode::kInvalidArgument, path + ": cannot be read: " + error);
  BounceClassesResult result = ParseBounceClasses(*text);
  if (result.classes) return result.classes;
  std::string words;
  for (const ConfigError& one : result.errors) {
    words += (words.empty() ? "" : "\n") + one.ToString(path);
  }
  return MakeStatus(StatusCode::kInvalidArgument, words);
}

std::shared_ptr<const mail::BounceClasses> DefaultBounceClasses() {
  static const std::shared_ptr<const mail::BounceClasses> kDefault =
      ParseBounceClasses(DefaultBounceClassesText()).classes;
  RP_CHECK(kDefault != nullptr);  // a test has read it
  return kDefault;
}

}  // namespace ringpost::app
