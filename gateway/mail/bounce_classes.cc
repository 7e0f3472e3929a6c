#include "gateway/mail/bounce_classes.h"

#include <algorithm>
#include <utility>

#include "gateway/base/text.h"
#include "gateway/mail/bounce_limits.h"

namespace ringpost::mail {
namespace {

RE2::Options PatternOptions(int64_t memory_bytes_max) {
  RE2::Options options;
  options.set_case_sensitive(false);
  options.set_encoding(RE2::Options::EncodingLatin1);  // any bytes match bytes
  options.set_log_errors(false);
  options.set_max_mem(memory_bytes_max);
  return options;
}

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// `text` on one line, without addresses and URLs.
std::string ForPatterns(std::string_view text) {
  std::string out;
  text = text.substr(0, limits::kBounceDiagnosisBytesMax);
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    if (IsSpace(text[at])) {
      if (!out.empty() && out.back() != ' ') out.push_back(' ');
      ++at;
      continue;
    }
    size_t end = at;
    while (end < text.size() && !IsSpace(text[end])) ++end;
    std::string_view word = text.substr(at, end - at);
    if (word.find("://") != std::string_view::npos) {
      word = "URL";
    } else if (word.find('@') != std::string_view::npos) {
      word = "@";
    }
    out.append(word);
    at = end;
  }
  return out;
}

bool AnyMatches(const std::vector<BounceCodePattern>& patterns, int first, int second, int third) {
  return patterns.empty() ||
         std::any_of(patterns.begin(), patterns.end(), [=](const BounceCodePattern& one) {
           return one.Matches(first, second, third);
         });
}

}  // namespace

bool BounceCodePattern::Matches(int first, int second, int third) const {
  const int numbers[3] = {first, second, third};
  for (int place = 0; place < 3; ++place) {
    if (places[place] >= 0 && places[place] != numbers[place]) return false;
  }
  return true;
}

bool ParseBounceCode(std::string_view text, BounceCodePattern* pattern) {
  if (text.size() != 3 || (text[0] != '4' && text[0] != '5')) return false;
  for (size_t at = 0; at < 3; ++at) {
    if (!IsDigit(text[at]) && text[at] != 'x') return false;
    pattern->places[at] = text[at] == 'x' ? -1 : text[at] - '0';
  }
  return true;
}

bool ParseBounceStatus(std::string_view text, BounceCodePattern* pattern) {
  for (int place = 0; place < 3; ++place) {
    size_t end = place < 2 ? text.find('.') : text.size();
    if (end == std::string_view::npos) return false;
    std::string_view part = text.substr(0, end);
    auto number = ParseDecimal(part);
    if (part != "x" && (!number || *number > 999)) return false;
    if (place == 0 && part != "4" && part != "5") return false;
    pattern->places[place] = number ? static_cast<int>(*number) : -1;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

std::string BounceClasses::CheckPattern(const std::string& pattern) {
  if (pattern.empty()) return "is empty";
  if (pattern.size() > limits::kBouncePatternBytesMax) {
    return "is longer than " + std::to_string(limits::kBouncePatternBytesMax) + " bytes";
  }
  RE2 compiled(pattern, PatternOptions(limits::kBouncePatternMemoryBytesMax));
  if (!compiled.ok()) return compiled.error();
  return RE2::PartialMatch("", compiled) ? "matches an empty text, so any at all" : "";
}

BounceClasses::BounceClasses(std::vector<BounceRule> rules)
    : rules_(std::move(rules)),
      texts_(PatternOptions(limits::kBouncePatternsMemoryBytesMax), RE2::UNANCHORED) {}

std::shared_ptr<const BounceClasses> BounceClasses::Make(std::vector<BounceRule> rules) {
  std::shared_ptr<BounceClasses> made(new BounceClasses(std::move(rules)));
  bool any = false;
  for (uint32_t rule = 0; rule < made->rules_.size(); ++rule) {
    for (const std::string& text : made->rules_[rule].texts) {
      if (made->texts_.Add(text, nullptr) < 0) return nullptr;
      made->rule_of_text_.push_back(rule);
      any = true;
    }
  }
  if (any && !made->texts_.Compile()) return nullptr;
  return made;
}

BounceClasses::Result BounceClasses::Classify(uint16_t code, const smtp::EnhancedCode& enhanced,
                                              std::string_view text) const {
  std::vector<int> matched;
  if (!rule_of_text_.empty()) {
    // Out of memory for this text, it matches nothing: the codes still say something.
    texts_.Match(ForPatterns(text), &matched);
  }
  std::vector<bool> said(rules_.size());
  for (int number : matched) said[rule_of_text_[static_cast<size_t>(number)]] = true;
  for (size_t at = 0; at < rules_.size(); ++at) {
    const BounceRule& rule = rules_[at];
    if (!rule.texts.empty() && !said[at]) continue;
    if (!AnyMatches(rule.codes, code / 100, code / 10 % 10, code % 10)) continue;
    if (AnyMatches(rule.statuses, enhanced.klass, enhanced.subject, enhanced.detail)) {
      return {rule.klass, rule.line};
    }
  }
  return {};
}

BounceClasses::Result BounceClasses::Classify(const BouncedRecipient& recipient) const {
  const smtp::Reply& said = recipient.diagnosis;
  bool own = said.enhanced.present();
  if (recipient.by_smtp || own) {
    Result result = Classify(said.code, said.enhanced, said.text);
    if (result.klass != BounceClass::kUnknown) return result;
  }
  return Classify(said.code, recipient.status, said.text);
}

}  // namespace ringpost::mail
