#include "gateway/dns/mta_sts.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "gateway/base/text.h"
#include "gateway/dns/dns_limits.h"
#include "gateway/dns/name.h"

namespace ringpost::dns {
namespace {

constexpr std::string_view kVersion = "STSv1";

bool IsLetterOrDigit(char c) { return IsAlpha(c) || IsDigit(c); }

// sts-ext-name, sts-policy-ext-name: a letter or a digit, then 31 more of them, "_", "-" and ".".
bool IsFieldName(std::string_view name) {
  return !name.empty() && name.size() <= limits::kStsFieldNameBytesMax &&
         IsLetterOrDigit(name[0]) && std::all_of(name.begin(), name.end(), [](char c) {
           return IsLetterOrDigit(c) || c == '_' || c == '-' || c == '.';
         });
}

bool IsId(std::string_view id) {
  return !id.empty() && id.size() <= limits::kStsIdBytesMax &&
         std::all_of(id.begin(), id.end(), IsLetterOrDigit);
}

// What is in front of the first `separator`, which `rest` loses with it.
std::string_view TakeUpTo(char separator, std::string_view* rest) {
  size_t end = std::min(rest->find(separator), rest->size());
  std::string_view taken = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return taken;
}

// --- The record

// sts-ext-value: what can be seen, but "=" and ";".
bool IsRecordValue(std::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '=' && c != ';';
  });
}

// Of one whose version was seen; `fields` is what follows it. Nothing: malformed.
std::optional<std::string> ReadId(std::string_view fields) {
  std::optional<std::string> id;
  while (!fields.empty()) {
    std::string_view field = TrimSpace(TakeUpTo(';', &fields));
    if (field.empty() && fields.empty()) break;  // a delimiter at the end
    std::string_view value = field;
    std::string_view name = TakeUpTo('=', &value);
    if (name == "id" && !id) {
      if (!IsId(value)) return std::nullopt;
      id = value;
    } else if (!IsFieldName(name) || !IsRecordValue(value)) {
      return std::nullopt;
    }
  }
  return id;
}

// "v=STSv1", blanks, ";": what follows. Nothing: it is a record of something else.
std::optional<std::string_view> FieldsOf(std::string_view text) {
  constexpr std::string_view kBegin = "v=STSv1";
  if (!text.starts_with(kBegin)) return std::nullopt;
  text.remove_prefix(kBegin.size());
  size_t delimiter = text.find_first_not_of(" \t");
  if (delimiter == std::string_view::npos || text[delimiter] != ';') return std::nullopt;
  return text.substr(delimiter + 1);
}

void ReadRecords(const Answer& txt, StsRecord* found) {
  found->outcome = StsRecord::Outcome::kAbsent;
  std::optional<std::string_view> fields;
  for (const Record& record : txt.records) {
    auto these = FieldsOf(record.value);
    if (these && fields) {
      found->words = "there is more than one record of MTA-STS";
      return;
    }
    if (these) fields = these;
  }
  if (!fields) {
    found->words = "there is no record of MTA-STS";
    return;
  }
  auto id = ReadId(*fields);
  if (!id) {
    found->words = "the record of MTA-STS is malformed";
    return;
  }
  found->outcome = StsRecord::Outcome::kPublished;
  found->id = std::move(*id);
}

// --- The policy

Status Invalid(std::string words) {
  return MakeStatus(StatusCode::kInvalidArgument, std::move(words));
}

// A host name, or "*." and one. "*.com" is let pass: whom it names is its domain's to say.
bool IsPattern(std::string_view pattern) {
  if (pattern.starts_with("*.")) pattern.remove_prefix(2);
  return pattern.size() <= limits::kNameBytesMax && IsHostName(pattern);
}

// At most ten digits.
std::optional<uint32_t> ReadMaxAge(std::string_view text) {
  std::optional<uint64_t> seconds = text.size() <= 10 ? ParseDecimal(text) : std::nullopt;
  if (!seconds) return std::nullopt;
  return static_cast<uint32_t>(std::min<uint64_t>(*seconds, limits::kStsMaxAgeSecondsMax));
}

std::optional<StsMode> ReadMode(std::string_view text) {
  for (StsMode mode : {StsMode::kEnforce, StsMode::kTesting, StsMode::kNone}) {
    if (text == StsModeName(mode)) return mode;
  }
  return std::nullopt;
}

// What can be seen, blanks between, and any UTF-8 (sts-policy-ext-value); that it is well-formed
// does not matter where it is let pass.
bool IsPolicyValue(std::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= ' ' && byte != 0x7f);
  });
}

// Field by field; then Finish says whether it is one.
class PolicyReader {
 public:
  // `line` without its end.
  Status Read(std::string_view line) {
    std::string_view value = line;
    std::string_view name = TakeUpTo(':', &value);
    value = TrimSpace(value);
    if (!IsFieldName(name) || !IsPolicyValue(value)) {
      return Invalid("a line is not a key and its value: \"" + Printable(line, 80) + "\"");
    }
    if (name == "version") return ReadVersion(value);
    if (name == "mode") return ReadOnce(ReadMode(value), "mode", value, &mode_);
    if (name == "max_age") return ReadOnce(ReadMaxAge(value), "max_age", value, &max_age_);
    if (name == "mx") return ReadPattern(value);
    return OkStatus();
  }

  StatusOr<StsPolicy> Finish() {
    if (!version_) return Invalid("it has no version");
    if (!mode_) return Invalid("it has no mode");
    if (!max_age_) return Invalid("it has no max_age");
    if (mx_.empty() && *mode_ != StsMode::kNone) return Invalid("it has no mx");
    return StsPolicy{*mode_, std::move(mx_), *max_age_};
  }

 private:
  Status ReadVersion(std::string_view value) {
    if (!version_ && value != kVersion) {
      return Invalid("its version is not STSv1 but \"" + Printable(value, 80) + "\"");
    }
    version_ = true;
    return OkStatus();
  }

  // Of two the first counts, whatever the other is.
  template <typename Value>
  static Status ReadOnce(std::optional<Value> read, const char* name, std::string_view value,
                         std::optional<Value>* field) {
    if (*field) return OkStatus();
    if (!read) return Invalid(std::string("its ") + name + " is \"" + Printable(value, 80) + "\"");
    *field = std::move(read);
    return OkStatus();
  }

  Status ReadPattern(std::string_view value) {
    if (!IsPattern(value)) {
      return Invalid("an mx is no host name: \"" + Printable(value, 80) + "\"");
    }
    std::string pattern = CanonicalName(value);
    if (std::find(mx_.begin(), mx_.end(), pattern) != mx_.end()) return OkStatus();
    if (mx_.size() == limits::kStsPatternsMax) {
      return Invalid("it has more than " + std::to_string(limits::kStsPatternsMax) + " mx");
    }
    mx_.push_back(std::move(pattern));
    return OkStatus();
  }

  bool version_ = false;
  std::optional<StsMode> mode_;
  std::optional<uint32_t> max_age_;
  std::vector<std::string> mx_;
};

bool Matches(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) return pattern == host;
  size_t dot = host.find('.');
  return dot != std::string_view::npos && dot > 0 && host.substr(dot) == pattern.substr(1);
}

}  // namespace

Question StsRecordQuestion(std::string_view domain) {
  return {JoinNames("_mta-sts", domain), RecordType::kTxt};
}

std::string StsPolicyHost(std::string_view domain) { return JoinNames("mta-sts", domain); }

StsRecord ReadStsRecord(const Answer& txt) {
  StsRecord found;
  switch (txt.outcome) {
    case Answer::Outcome::kRecords:
      ReadRecords(txt, &found);
      break;
    case Answer::Outcome::kNoData:
    case Answer::Outcome::kNoName:
      found.outcome = StsRecord::Outcome::kAbsent;
      found.words = "there is no record of MTA-STS";
      break;
    case Answer::Outcome::kFailure:
      found.words = txt.words;
      break;
  }
  return found;
}

std::string_view StsModeName(StsMode mode) {
  static constexpr std::string_view kNames[] = {"enforce", "testing", "none"};
  return kNames[static_cast<size_t>(mode)];
}

bool StsPolicy::Allows(std::string_view host) const {
  std::string canonical = CanonicalName(host);
  if (!IsHostName(canonical)) return false;
  return std::any_of(mx.begin(), mx.end(),
                     [&](const std::string& pattern) { return Matches(pattern, canonical); });
}

std::vector<std::string> StsPolicy::Lines() const {
  std::vector<std::string> lines = {"version: STSv1", "mode: " + std::string(StsModeName(mode))};
  for (const std::string& pattern : mx) lines.push_back("mx: " + pattern);
  lines.push_back("max_age: " + std::to_string(max_age_seconds));
  return lines;
}

StatusOr<StsPolicy> ParseStsPolicy(std::string_view body) {
  if (body.size() > limits::kStsPolicyBytesMax) {
    return Invalid("it is longer than " + std::to_string(limits::kStsPolicyBytesMax) + " bytes");
  }
  PolicyReader reader;
  while (!body.empty()) {
    std::string_view line = TakeUpTo('\n', &body);
    if (line.ends_with('\r')) line.remove_suffix(1);
    // Files end with empty lines, and people part what belongs together with them.
    if (TrimSpace(line).empty()) continue;
    Status read = reader.Read(line);
    if (!read.ok()) return read;
  }
  return reader.Finish();
}

}  // namespace ringpost::dns
