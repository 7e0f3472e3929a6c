#include "tools/ringpost/record_fields.h"

#include <array>
#include <limits>
#include <optional>

#include "gateway/base/text.h"
#include "gateway/base/units.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"

namespace ringpost::cli {
namespace {

using Type = Field::Type;

constexpr Field kDescription = {"description", "description",      "description", Type::kText,
                                "TEXT",        "words for people", "none"};
constexpr Field kSenders = {"senders", "sender",
                            "senders", Type::kAddresses,
                            "ADDRESS", "addresses, example.com or *.example.com",
                            "any"};
constexpr Field kRecipients = {"recipients", "recipient",
                               "recipients", Type::kAddresses,
                               "ADDRESS",    "addresses, example.com or *.example.com",
                               "any"};
constexpr Field kRate = {"rate",      "rate",      "rate",
                         Type::kRate, "N/SECONDS", "messages in a time: 100/60, 1000/1h",
                         "no limit"};

constexpr std::array kAccountFields = {
    Field{"suspended", "suspended", "suspended", Type::kFlag, "", "nothing is accepted from it",
          "no"},
    kDescription,
    Field{"region", "region", "region", Type::kText, "NAME", "where its mail leaves",
          "the nearest"},
    Field{"exempt", "exempt", "exempt", Type::kFlag, "", "may send as anybody: the operator's own",
          "no"},
    kSenders,
    kRecipients,
    kRate,
    Field{"ramp", "ramp", "ramp", Type::kRamp, "N/DAYS",
          "recipients of the first day, doubled on each of DAYS: 200/14", "none"},
};

constexpr std::array kCredentialFields = {
    Field{"status", "status", "status", Type::kChoice, "allowed|blocked|sandbox",
          "sandbox: accepted, never delivered", "allowed"},
    kDescription,
    kSenders,
    kRecipients,
    Field{"networks", "networks", "networks", Type::kNetworks, "CIDR,...",
          "from which it may be used", "from anywhere"},
    kRate,
    Field{"daily_quota", "daily-quota", "daily quota", Type::kCount, "N", "recipients a day",
          "none"},
    Field{"monthly_quota", "monthly-quota", "monthly quota", Type::kCount, "N",
          "recipients a month", "none"},
    Field{"lane", "lane", "lane", Type::kChoice, "transactional|bulk",
          "bulk does not delay transactional mail", "transactional"},
    Field{"deadline_seconds", "deadline", "deadline", Type::kSeconds, "DURATION",
          "its messages expire after: 30m, 2d", "the listener's"},
    Field{"archive", "archive", "archive", Type::kFlag, "", "keep its messages", "no"},
    Field{"audit_copy", "audit-copy", "audit copy", Type::kText, "ADDRESS",
          "gets a copy of each message", "none"},
    Field{"bounces_to", "bounces-to", "bounces to", Type::kText, "ADDRESS", "gets its bounces",
          "the sender"},
    Field{"egress_pool", "egress-pool", "egress pool", Type::kText, "POOL",
          "addresses its mail leaves from", "the usual"},
    Field{"default_domain", "default-domain", "default domain", Type::kText, "DOMAIN",
          "of addresses without one", "none"},
    Field{"forced_from", "forced-from", "forced From", Type::kText, "ADDRESS",
          "replaces the From field", "none"},
    Field{"forced_reverse_path", "forced-reverse-path", "forced sender", Type::kText, "ADDRESS",
          "replaces the reverse-path", "none"},
};

constexpr std::array kSenderFields = {
    Field{"state", "state", "state", Type::kChoice, "verified|pending|broken",
          "verified: the account may send as it; an address without it is sent a link", "verified"},
};

std::optional<uint32_t> Number(std::string_view text) {
  auto number = ParseDecimal(text);
  if (!number || *number > std::numeric_limits<uint32_t>::max()) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

std::optional<uint32_t> WholeSeconds(std::string_view text) {
  if (auto seconds = Number(text)) return seconds;
  auto duration = ParseDuration(text);
  if (!duration || *duration % Seconds(1) != Millis(0)) return std::nullopt;
  const int64_t seconds = std::chrono::floor<Seconds>(*duration).count();
  if (seconds > std::numeric_limits<uint32_t>::max()) return std::nullopt;
  return static_cast<uint32_t>(seconds);
}

ringpost::Status Wrong(const std::string& words) {
  return MakeStatus(StatusCode::kInvalidArgument, words);
}

StatusOr<Json> NumberOr(std::optional<uint32_t> number, const char* words) {
  if (!number) return Wrong(words);
  return Json(*number);
}

StatusOr<Json> ReadRate(std::string_view text) {
  const size_t slash = text.find('/');
  auto count = Number(text.substr(0, slash));
  auto seconds =
      slash == std::string_view::npos ? std::nullopt : WholeSeconds(text.substr(slash + 1));
  if (count && *count > 0 && seconds && *seconds > 0) {
    return Json{{"count", *count}, {"seconds", *seconds}};
  }
  return Wrong("takes how many in how long, as 100/60 or 1000/1h");
}

StatusOr<Json> ReadRamp(std::string_view text) {
  const size_t slash = text.find('/');
  auto first = Number(text.substr(0, slash));
  auto days = slash == std::string_view::npos ? std::nullopt : Number(text.substr(slash + 1));
  if (first && *first > 0 && days && *days > 0) {
    return Json{{"first_day", *first}, {"days", *days}};
  }
  return Wrong("takes the recipients of the first day and for how many days, as 200/14");
}

std::string RampWords(const Json& value) {
  const std::string begins = TextOf(value, "begins");
  return FormatCount(NumberOf(value, "first_day")) +
         " recipients on the first day, doubled on each of " +
         FormatCount(NumberOf(value, "days")) + " days" +
         (begins.empty() ? "" : ", from " + SafeText(begins) + " on");
}

std::string ListWords(const Json& list) {
  std::string words;
  for (const Json& one : list) {
    if (!one.is_string()) continue;
    words.append(words.empty() ? "" : ", ").append(SafeText(one.get<std::string>()));
  }
  return words;
}

std::string AddressesWords(const Json& value) {
  const std::string mode = TextOf(value, "mode");
  const Json& entries = ListOf(value, "entries");
  if (mode != "allow" && mode != "block") return SafeText(mode.empty() ? "any" : mode);
  if (entries.empty())
    return mode == "allow" ? "none: nobody is allowed" : "any: nobody is blocked";
  return (mode == "allow" ? "only " : "not ") + ListWords(entries);
}

std::string SecondsWords(const Json& value) {
  return FormatDuration(Seconds(static_cast<int64_t>(value.get<uint64_t>() & 0xffff'ffff)));
}

}  // namespace

std::span<const Field> FieldsOf(std::string_view type) {
  if (type == "account") return kAccountFields;
  if (type == "credential") return kCredentialFields;
  return kSenderFields;
}

Json SplitList(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) {
    std::string entry;
    bool quoted = false;
    for (size_t i = 0; i <= text.size(); ++i) {
      if (i == text.size() || (text[i] == ',' && !quoted)) {
        const std::string_view trimmed = TrimSpace(entry);
        if (!trimmed.empty()) list.push_back(trimmed);
        entry.clear();
        continue;
      }
      if (text[i] == '"') quoted = !quoted;
      entry.push_back(text[i]);
    }
  }
  return list;
}

StatusOr<Json> ReadField(const Field& field, const std::string& text) {
  switch (field.type) {
    case Type::kRate:
      return ReadRate(text);
    case Type::kRamp:
      return ReadRamp(text);
    case Type::kCount:
      return NumberOr(Number(text), "takes a number");
    case Type::kSeconds:
      return NumberOr(WholeSeconds(text),
                      "takes a time in whole seconds, as 30m, 4h or \"1d 12h\"");
    case Type::kNetworks:
      return SplitList({text});
    case Type::kText:
    case Type::kChoice:
    case Type::kFlag:
    case Type::kAddresses:
      break;
  }
  return Json(text);
}

bool IsUsual(const Field& field, const Json& value) {
  if (value.is_null()) return true;
  switch (field.type) {
    case Type::kText:
      return value == "";
    case Type::kChoice:
      return value == field.usual;
    case Type::kCount:
    case Type::kSeconds:
      return value == 0;
    case Type::kFlag:
      return value == false;
    case Type::kRate:
      return value.is_object() && NumberOf(value, "count") == 0;
    case Type::kRamp:
      return value.is_object() && NumberOf(value, "first_day") == 0;
    case Type::kAddresses:
      return value.is_object() && (TextOf(value, "mode") == "off" || TextOf(value, "mode").empty());
    case Type::kNetworks:
      return value.is_array() && value.empty();
  }
  return false;
}

std::string FieldWords(const Field& field, const Json& value) {
  if (IsUsual(field, value)) return field.usual;
  switch (field.type) {
    case Type::kCount:
      if (value.is_number_unsigned()) return FormatCount(value.get<uint64_t>());
      break;
    case Type::kSeconds:
      if (value.is_number_unsigned()) return SecondsWords(value);
      break;
    case Type::kFlag:
      if (value == true) return "yes";
      break;
    case Type::kRate:
      if (!value.is_object() || !value.contains("seconds") ||
          !value["seconds"].is_number_unsigned()) {
        break;
      }
      return FormatCount(NumberOf(value, "count")) + " in " + SecondsWords(value["seconds"]);
    case Type::kRamp:
      if (value.is_object()) return RampWords(value);
      break;
    case Type::kAddresses:
      if (value.is_object()) return AddressesWords(value);
      break;
    case Type::kNetworks:
      if (value.is_array()) return ListWords(value);
      break;
    case Type::kText:
    case Type::kChoice:
      break;
  }
  // Text, or what an older or newer daemon has in its place.
  return SafeText(value.is_string() ? value.get<std::string>() : JsonText(value));
}

}  // namespace ringpost::cli
