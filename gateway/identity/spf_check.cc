#include "gateway/identity/spf_check.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "gateway/base/text.h"
#include "gateway/dns/name.h"

namespace ringpost::identity {
namespace {

using dns::Answer;
using dns::RecordType;

constexpr std::string_view kVersion = "v=spf1";
constexpr int kLookupsMax = 10;       // section 4.6.4
constexpr size_t kExchangesMax = 10;  // of one mx: the same
constexpr int kV4Bits = 32;
constexpr int kV6Bits = 128;

// [qualifier]name[:value][/bits[//bits]], or name=value.
struct Term {
  char qualifier = '+';
  std::string name;   // in lower case
  std::string value;  // in lower case; empty: none
  bool modifier = false;
  int v4_bits = kV4Bits;
  int v6_bits = kV6Bits;
};

bool ReadBits(std::string_view text, int most, int* bits) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *bits);
  return error == std::errc() && end == text.data() + text.size() && *bits >= 0 && *bits <= most;
}

// "/24", "//64", "/24//64"; nothing: as it is.
bool ReadPrefixes(std::string_view text, Term* term) {
  if (text.empty()) return true;
  size_t both = text.find("//");
  std::string_view v4 = text.substr(0, both);
  if (!v4.empty() && !ReadBits(v4.substr(1), kV4Bits, &term->v4_bits)) return false;
  return both == text.npos || ReadBits(text.substr(both + 2), kV6Bits, &term->v6_bits);
}

std::optional<Term> ReadTerm(std::string_view text) {
  Term term;
  size_t end = text.find_first_of(":=/");
  if (end != text.npos && text[end] == '=') {
    term.modifier = true;
    term.name = ToLower(text.substr(0, end));
    term.value = ToLower(text.substr(end + 1));
    return term;
  }
  if (std::string_view("+-~?").find(text.front()) != std::string_view::npos) {
    term.qualifier = text.front();
    text.remove_prefix(1);
    end = text.find_first_of(":/");
  }
  term.name = ToLower(text.substr(0, end));
  if (term.name == "ip4" || term.name == "ip6") {
    if (end == text.npos || text[end] != ':') return std::nullopt;
    std::string_view value = text.substr(end + 1);
    size_t slash = std::min(value.find('/'), value.size());
    term.value = ToLower(value.substr(0, slash));
    bool v4 = term.name == "ip4";
    int* bits = v4 ? &term.v4_bits : &term.v6_bits;
    bool good =
        slash == value.size() || ReadBits(value.substr(slash + 1), v4 ? kV4Bits : kV6Bits, bits);
    return good ? std::optional<Term>(std::move(term)) : std::nullopt;
  }
  size_t slash = end == text.npos ? text.size() : std::min(text.find('/', end), text.size());
  if (end != text.npos && text[end] == ':') {
    term.value = ToLower(text.substr(end + 1, slash - end - 1));
    if (term.value.empty()) return std::nullopt;
  }
  return ReadPrefixes(text.substr(slash), &term) ? std::optional<Term>(std::move(term))
                                                 : std::nullopt;
}

std::vector<std::string_view> TermsOf(std::string_view record) {
  std::vector<std::string_view> terms;
  record.remove_prefix(kVersion.size());
  while (!record.empty()) {
    size_t space = std::min(record.find(' '), record.size());
    if (space > 0) terms.push_back(record.substr(0, space));
    record.remove_prefix(std::min(space + 1, record.size()));
  }
  return terms;
}

bool IsSpf(std::string_view text) {
  return EqualsIgnoreCase(text.substr(0, kVersion.size()), kVersion) &&
         (text.size() == kVersion.size() || text[kVersion.size()] == ' ');
}

SpfVerdict TempError(const Answer& answer) {
  return {SpfResult::kTempError,
          "the DNS of " + answer.question.name + " does not answer (" + answer.words + ")"};
}

SpfResult ResultOf(char qualifier) {
  switch (qualifier) {
    case '-':
      return SpfResult::kFail;
    case '~':
      return SpfResult::kSoftFail;
    case '?':
      return SpfResult::kNeutral;
    default:
      return SpfResult::kPass;
  }
}

// One check of one address; lookups are counted over all that it includes.
class Checker {
 public:
  Checker(const IpAddress& address, dns::KnownAnswers* known) : address_(address), known_(known) {}

  SpfVerdict Check(const std::string& domain) {
    std::string record;
    SpfVerdict found = Record(domain, &record);
    if (found.result != SpfResult::kNeutral) return found;
    std::string redirect;
    for (std::string_view text : TermsOf(record)) {
      std::optional<Term> term = ReadTerm(text);
      if (!term) return Wrong(domain, text);
      if (term->modifier) {
        if (term->name == "redirect") redirect = term->value;
        continue;
      }
      SpfVerdict match = Match(*term, domain, text);
      if (match.result == SpfResult::kPass) return {ResultOf(term->qualifier), ""};
      if (match.result != SpfResult::kFail) return match;
    }
    if (redirect.empty()) return {SpfResult::kNeutral, ""};
    return Follow(redirect);
  }

  // kNeutral: `*record` is it.
  SpfVerdict Record(const std::string& domain, std::string* record) {
    const Answer* answer = known_->Find({domain, RecordType::kTxt});
    if (answer == nullptr) return {};
    if (!answer->known()) return TempError(*answer);
    size_t count = 0;
    for (const dns::Record& one : answer->records) {
      if (!IsSpf(one.value)) continue;
      *record = one.value;
      ++count;
    }
    if (count == 0) return {SpfResult::kNone, ""};
    if (count == 1) return {SpfResult::kNeutral, ""};
    return {SpfResult::kPermError,
            domain + " has " + std::to_string(count) + " SPF records, and has to have one"};
  }

 private:
  SpfVerdict Wrong(const std::string& domain, std::string_view term) {
    return {SpfResult::kPermError, "the SPF record of " + domain + " has \"" +
                                       Printable(term, kTermShown) + "\", which is no term of SPF"};
  }

  // kPass: it matches; kFail: it does not; any other: the whole check ends with that.
  SpfVerdict Match(const Term& term, const std::string& domain, std::string_view text) {
    if (term.name == "all") return {SpfResult::kPass, ""};
    if (term.name == "ip4" || term.name == "ip6") {
      auto network = IpAddress::Parse(term.value);
      if (!network || network->is_v4() != (term.name == "ip4")) return Wrong(domain, text);
      return Matches(*network, term);
    }
    bool hosts = term.name == "a" || term.name == "mx";
    if (term.name == "ptr" || term.name == "exists") return {};
    if (term.name != "include" && !hosts) return Wrong(domain, text);
    if (hosts) return MatchHosts(term, term.value.empty() ? domain : term.value);
    if (term.value.empty()) return Wrong(domain, text);
    SpfVerdict included = Follow(term.value);
    bool no = included.result == SpfResult::kSoftFail || included.result == SpfResult::kNeutral;
    return no ? SpfVerdict{SpfResult::kFail, ""} : included;
  }

  // What include and redirect lead to: there has to be a record (sections 5.2 and 6.1).
  SpfVerdict Follow(const std::string& domain) {
    if (!dns::IsName(dns::CanonicalName(domain))) return {};  // a macro
    if (auto over = CountLookup()) return *over;
    SpfVerdict verdict = Check(dns::CanonicalName(domain));
    if (verdict.result != SpfResult::kNone) return verdict;
    return {SpfResult::kPermError, "it leads to " + domain + ", which has no SPF record"};
  }

  SpfVerdict MatchHosts(const Term& term, const std::string& name) {
    std::string host = dns::CanonicalName(name);
    if (!dns::IsName(host)) return {};
    if (auto over = CountLookup()) return *over;
    if (term.name == "a") return MatchHost(term, host);
    const Answer* answer = known_->Find({host, RecordType::kMx});
    if (answer == nullptr) return {};
    if (!answer->known()) return TempError(*answer);
    if (answer->records.size() > kExchangesMax) {
      return {SpfResult::kPermError, host + " has more MX records than SPF allows"};
    }
    SpfVerdict all{SpfResult::kFail, ""};
    for (const dns::Record& exchange : answer->records) {
      SpfVerdict one = MatchHost(term, exchange.value);
      if (one.result == SpfResult::kPass) return one;
      if (one.result != SpfResult::kFail) all = one;
    }
    return all;
  }

  SpfVerdict MatchHost(const Term& term, const std::string& host) {
    if (!dns::IsName(host)) return {SpfResult::kFail, ""};
    auto type = address_.is_v4() ? RecordType::kA : RecordType::kAaaa;
    const Answer* answer = known_->Find({host, type});
    if (answer == nullptr) return {};
    if (!answer->known()) return TempError(*answer);
    for (const dns::Record& record : answer->records) {
      auto its = IpAddress::Parse(record.value);
      if (its && Matches(*its, term).result == SpfResult::kPass) return {SpfResult::kPass, ""};
    }
    return {SpfResult::kFail, ""};
  }

  // Bits beyond the prefix are of no account (section 5.6), unlike in a network of ours.
  SpfVerdict Matches(const IpAddress& network, const Term& term) const {
    SpfVerdict no{SpfResult::kFail, ""};
    if (network.is_v4() != address_.is_v4()) return no;
    int bits = network.is_v4() ? kV6Bits - kV4Bits + term.v4_bits : term.v6_bits;
    for (size_t i = 0; i < network.bytes.size() && bits > 0; ++i, bits -= 8) {
      int differs = network.bytes[i] ^ address_.bytes[i];
      if ((bits >= 8 ? differs : differs >> (8 - bits)) != 0) return no;
    }
    return {SpfResult::kPass, ""};
  }

  std::optional<SpfVerdict> CountLookup() {
    if (++lookups_ <= kLookupsMax) return std::nullopt;
    return SpfVerdict{SpfResult::kPermError, "it needs more than ten lookups"};
  }

  static constexpr size_t kTermShown = 100;

  const IpAddress address_;
  dns::KnownAnswers* known_;
  int lookups_ = 0;
};

}  // namespace

SpfVerdict CheckSpf(const IpAddress& address, const std::string& domain, dns::KnownAnswers* known) {
  return Checker(address, known).Check(domain);
}

SpfVerdict FindSpf(const std::string& domain, dns::KnownAnswers* known) {
  std::string record;
  return Checker(IpAddress(), known).Record(domain, &record);
}

}  // namespace ringpost::identity
