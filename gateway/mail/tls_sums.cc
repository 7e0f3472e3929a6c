#include "gateway/mail/tls_sums.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "gateway/base/text.h"
#include "gateway/mail/tls_report_limits.h"
#include "gateway/smtp/address.h"

namespace ringpost::mail {
namespace {

using Json = nlohmann::ordered_json;

size_t BytesOf(const TlsPolicy& policy) {
  size_t bytes = sizeof(TlsPolicySum) + policy.domain.size();
  for (const std::string& text : policy.strings) bytes += sizeof text + text.size();
  for (const std::string& text : policy.mx_hosts) bytes += sizeof text + text.size();
  return bytes;
}

size_t BytesOf(const TlsEvent& event) {
  return sizeof(TlsFailureSum) + event.mx_host.size() + event.helo.size() + event.reason.size();
}

size_t BytesOf(const TlsPolicySums& sums) {
  size_t bytes = 0;
  for (const TlsPolicySum& sum : sums) {
    bytes += BytesOf(sum.policy);
    for (const TlsFailureSum& failure : sum.failures) bytes += BytesOf(failure.event);
  }
  return bytes;
}

std::vector<std::string> Shown(const std::vector<std::string>& texts) {
  std::vector<std::string> shown;
  for (const std::string& text : texts) {
    if (shown.size() == limits::kTlsPolicyStringsMax) break;
    shown.push_back(Printable(text, limits::kTlsPolicyStringBytesMax));
  }
  return shown;
}

TlsPolicy Shown(const TlsPolicy& policy, std::string_view domain) {
  TlsPolicy shown;
  shown.type = policy.type;
  shown.domain = Printable(policy.domain.empty() ? domain : std::string_view(policy.domain),
                           limits::kTlsNameBytesMax);
  shown.strings = Shown(policy.strings);
  shown.mx_hosts = Shown(policy.mx_hosts);
  return shown;
}

TlsEvent Shown(const TlsEvent& event) {
  TlsEvent shown = event;
  shown.mx_host = Printable(event.mx_host, limits::kTlsNameBytesMax);
  shown.helo = Printable(event.helo, limits::kTlsNameBytesMax);
  shown.reason = Printable(event.reason, limits::kTlsReasonBytesMax);
  return shown;
}

// Whether the two are told apart by nothing: `seen` was made of such a policy once.
bool IsOf(const TlsPolicy& seen, const TlsPolicy& policy, std::string_view domain) {
  std::string_view of = policy.domain.empty() ? domain : std::string_view(policy.domain);
  return seen.type == policy.type && seen.domain == of && seen.strings == policy.strings &&
         seen.mx_hosts == policy.mx_hosts;
}

TlsFailureSum* FindKind(const TlsEvent& event, std::vector<TlsFailureSum>* failures) {
  auto found = std::find_if(failures->begin(), failures->end(),
                            [&](const TlsFailureSum& one) { return one.event == event; });
  return found == failures->end() ? nullptr : &*found;
}

Json ToJson(const TlsFailureSum& failure) {
  const TlsEvent& event = failure.event;
  Json json = {{"result", NameOf(event.result)}, {"sessions", failure.sessions}};
  if (event.sending_address) json["from"] = event.sending_address->ToString();
  if (event.receiving_address) json["to"] = event.receiving_address->ToString();
  if (!event.mx_host.empty()) json["mx"] = event.mx_host;
  if (!event.helo.empty()) json["helo"] = event.helo;
  if (!event.reason.empty()) json["reason"] = event.reason;
  return json;
}

Json ToJson(const TlsPolicySum& sum) {
  Json json = {{"type", NameOf(sum.policy.type)},
               {"domain", sum.policy.domain},
               {"successful", sum.successful},
               {"failed", sum.failed}};
  if (!sum.policy.strings.empty()) json["strings"] = sum.policy.strings;
  if (!sum.policy.mx_hosts.empty()) json["mx_hosts"] = sum.policy.mx_hosts;
  for (const TlsFailureSum& failure : sum.failures) json["failures"].push_back(ToJson(failure));
  return json;
}

// Members of one object; what is not as it should be makes all of it nothing.
class Reader {
 public:
  explicit Reader(const Json& json) : json_(json), fine_(json.is_object()) {}

  std::string Text(const char* name, bool required = false) {
    const Json* member = Member(name, required);
    if (member == nullptr) return {};
    if (member->is_string()) return member->get<std::string>();
    fine_ = false;
    return {};
  }
  uint64_t Count(const char* name) {
    const Json* member = Member(name, true);
    if (member != nullptr && member->is_number_unsigned()) return member->get<uint64_t>();
    fine_ = false;
    return 0;
  }
  std::optional<IpAddress> Address(const char* name) {
    std::string text = Text(name);
    if (text.empty()) return std::nullopt;
    auto address = IpAddress::Parse(text);
    fine_ = fine_ && address.has_value();
    return address;
  }
  std::vector<std::string> Texts(const char* name) {
    std::vector<std::string> texts;
    ForEach(name, limits::kTlsPolicyStringsMax, [&](const Json& one) {
      if (!one.is_string()) return false;
      texts.push_back(one.get<std::string>());
      return true;
    });
    return texts;
  }
  void ForEach(const char* name, size_t most, const std::function<bool(const Json&)>& each) {
    const Json* member = Member(name, false);
    if (member == nullptr) return;
    fine_ = fine_ && member->is_array() && member->size() <= most &&
            std::all_of(member->begin(), member->end(), each);
  }
  bool fine() const { return fine_; }

 private:
  const Json* Member(const char* name, bool required) {
    if (!fine_) return nullptr;
    auto found = json_.find(name);
    if (found != json_.end()) return &*found;
    fine_ = !required;
    return nullptr;
  }

  const Json& json_;
  bool fine_;
};

std::optional<TlsFailureSum> FailureFrom(const Json& json) {
  Reader reader(json);
  TlsFailureSum failure;
  auto result = TlsResultOf(reader.Text("result", true));
  failure.sessions = reader.Count("sessions");
  failure.event.sending_address = reader.Address("from");
  failure.event.receiving_address = reader.Address("to");
  failure.event.mx_host = reader.Text("mx");
  failure.event.helo = reader.Text("helo");
  failure.event.reason = reader.Text("reason");
  if (!reader.fine() || !result || *result == TlsResult::kSuccess) return std::nullopt;
  failure.event.result = *result;
  failure.event = Shown(failure.event);
  return failure;
}

std::optional<TlsPolicySum> PolicyFrom(const Json& json) {
  Reader reader(json);
  TlsPolicySum sum;
  auto type = TlsPolicyTypeOf(reader.Text("type", true));
  sum.policy.domain = reader.Text("domain", true);
  sum.policy.strings = reader.Texts("strings");
  sum.policy.mx_hosts = reader.Texts("mx_hosts");
  sum.successful = reader.Count("successful");
  sum.failed = reader.Count("failed");
  constexpr size_t kFailuresMax =
      limits::kTlsFailuresPerPolicyMax + static_cast<size_t>(TlsResult::kStsWebpkiInvalid);
  reader.ForEach("failures", kFailuresMax, [&](const Json& one) {
    auto failure = FailureFrom(one);
    if (failure) sum.failures.push_back(std::move(*failure));
    return failure.has_value();
  });
  if (!reader.fine() || !type || sum.policy.domain.empty()) return std::nullopt;
  sum.policy.type = *type;
  sum.policy = Shown(sum.policy, "");
  return sum;
}

}  // namespace

std::string TlsSumsToText(const TlsPolicySums& sums) {
  Json json = Json::array();
  for (const TlsPolicySum& sum : sums) json.push_back(ToJson(sum));
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<TlsPolicySums> TlsSumsFromText(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_array() || json.size() > limits::kTlsPoliciesPerDomainMax) return std::nullopt;
  TlsPolicySums sums;
  for (const Json& one : json) {
    auto sum = PolicyFrom(one);
    if (!sum) return std::nullopt;
    sums.push_back(std::move(*sum));
  }
  return sums;
}

bool TlsDay::HasRoom(const Domain& domain, size_t bytes) const {
  return domain.bytes + bytes <= limits::kTlsBytesPerDomainMax &&
         bytes_ + bytes <= limits::kTlsBytesPerDayMax;
}

void TlsDay::Grow(Domain* domain, size_t bytes) {
  domain->bytes += bytes;
  bytes_ += bytes;
}

void TlsDay::Touch(const std::string& name, Domain* domain) {
  if (!std::exchange(domain->changed, true)) changed_.push_back(name);
}

TlsPolicySum* TlsDay::PolicyOf(std::string_view name, const TlsPolicy& policy, Domain* domain) {
  auto find = [&](const TlsPolicy& wanted) -> TlsPolicySum* {
    auto found =
        std::find_if(domain->sums.begin(), domain->sums.end(),
                     [&](const TlsPolicySum& sum) { return IsOf(sum.policy, wanted, name); });
    return found == domain->sums.end() ? nullptr : &*found;
  };
  if (TlsPolicySum* found = find(policy)) return found;  // nearly always, and nothing is copied
  TlsPolicy shown = Shown(policy, name);
  if (TlsPolicySum* found = find(shown)) return found;
  size_t bytes = BytesOf(shown);
  if (domain->sums.size() >= limits::kTlsPoliciesPerDomainMax || !HasRoom(*domain, bytes)) {
    return nullptr;
  }
  Grow(domain, bytes);
  TlsPolicySum& made = domain->sums.emplace_back();
  made.policy = std::move(shown);
  return &made;
}

void TlsDay::AddFailure(const TlsEvent& event, TlsPolicySum* sum, Domain* domain) {
  TlsEvent shown = Shown(event);
  TlsFailureSum* found = FindKind(shown, &sum->failures);
  if (found == nullptr) {
    if (sum->failures.size() >= limits::kTlsFailuresPerPolicyMax ||
        !HasRoom(*domain, BytesOf(shown))) {
      shown = TlsEvent{.result = event.result};
      found = FindKind(shown, &sum->failures);
    }
  }
  if (found == nullptr) {
    Grow(domain, BytesOf(shown));
    found = &sum->failures.emplace_back();
    found->event = std::move(shown);
  }
  ++found->sessions;
}

bool TlsDay::Add(std::string_view domain, const TlsPolicy* policy, const TlsEvent& event) {
  static const TlsPolicy kNone;
  std::string name = smtp::DomainKey(domain);
  auto found = domains_.find(name);
  if (found == domains_.end()) {
    bool room = domains_.size() < limits::kTlsDomainsPerDayMax &&
                bytes_ + name.size() < limits::kTlsBytesPerDayMax;
    if (name.empty() || !room) return false;
    found = domains_.try_emplace(name).first;
    Grow(&found->second, sizeof(Domain) + 2 * name.size());
  }
  TlsPolicySum* sum = PolicyOf(name, policy ? *policy : kNone, &found->second);
  if (sum == nullptr) return false;
  if (event.result == TlsResult::kSuccess) {
    ++sum->successful;
  } else {
    ++sum->failed;
    AddFailure(event, sum, &found->second);
  }
  Touch(found->first, &found->second);
  return true;
}

bool TlsDay::Put(std::string_view domain, TlsPolicySums sums) {
  if (domains_.size() >= limits::kTlsDomainsPerDayMax) return false;
  std::string name = smtp::DomainKey(domain);
  if (name.empty()) return false;
  auto [at, added] = domains_.try_emplace(name);
  if (!added) return false;
  at->second.sums = std::move(sums);
  Grow(&at->second, sizeof(Domain) + 2 * name.size() + BytesOf(at->second.sums));
  return true;
}

const TlsPolicySums* TlsDay::Find(std::string_view domain) const {
  auto found = domains_.find(smtp::DomainKey(domain));
  return found == domains_.end() ? nullptr : &found->second.sums;
}

void TlsDay::ForEach(
    std::string_view after,
    const std::function<bool(const std::string& domain, const TlsPolicySums& sums)>& each) const {
  for (auto at = domains_.upper_bound(after); at != domains_.end(); ++at) {
    if (!each(at->first, at->second.sums)) return;
  }
}

std::vector<std::string> TlsDay::TakeChanged(size_t most) {
  size_t left = changed_.size() - std::min(most, changed_.size());
  std::vector<std::string> taken(
      std::make_move_iterator(changed_.begin() + static_cast<long>(left)),
      std::make_move_iterator(changed_.end()));
  changed_.resize(left);
  for (const std::string& name : taken) domains_.find(name)->second.changed = false;
  return taken;
}

void TlsDay::Unsaved(const std::vector<std::string>& domains) {
  for (const std::string& name : domains) {
    auto found = domains_.find(name);
    if (found != domains_.end()) Touch(found->first, &found->second);
  }
}

}  // namespace ringpost::mail
