// What is known of TLS with the mail exchangers of one domain in one UTC day, summed up as RFC 8460
// section 4 wants it: by policy, and what failed by kind. TlsDay has it of all domains.
//
// Bounded (tls_report_limits.h), for who runs an exchanger decides how many policies, names and
// failures there are of it. Whatever strangers said is made printable here, once: nothing else
// reads it raw.
//
// Threads: values; TlsDay: one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/mail/tls_outcome.h"

namespace ringpost::mail {

struct TlsFailureSum {
  TlsEvent event;  // the result alone: kinds that are not told apart any more
  uint64_t sessions = 0;

  bool operator==(const TlsFailureSum&) const = default;
};

struct TlsPolicySum {
  TlsPolicy policy;  // its domain is never empty
  uint64_t successful = 0, failed = 0;
  std::vector<TlsFailureSum> failures;  // in the order in which they were first seen

  bool operator==(const TlsPolicySum&) const = default;
};
using TlsPolicySums = std::vector<TlsPolicySum>;

// How the control store keeps them: JSON. Nothing: it is none of these.
std::string TlsSumsToText(const TlsPolicySums& sums);
std::optional<TlsPolicySums> TlsSumsFromText(std::string_view text);

class TlsDay {
 public:
  // `policy` null: none was found. False: there is no room for it, and it is not counted.
  bool Add(std::string_view domain, const TlsPolicy* policy, const TlsEvent& event);
  // What the store had. False: there is no room.
  bool Put(std::string_view domain, TlsPolicySums sums);
  // Null: nothing is known. `domain` in any case.
  const TlsPolicySums* Find(std::string_view domain) const;
  // By name, from the first behind `after` on, until `each` says false.
  void ForEach(
      std::string_view after,
      const std::function<bool(const std::string& domain, const TlsPolicySums& sums)>& each) const;
  size_t domains() const { return domains_.size(); }

  // Domains that changed since they were taken, at most so many.
  std::vector<std::string> TakeChanged(size_t most);
  // These could not be saved: they count as changed.
  void Unsaved(const std::vector<std::string>& domains);

 private:
  struct Domain {
    TlsPolicySums sums;
    size_t bytes = 0;
    bool changed = false;
  };

  bool HasRoom(const Domain& domain, size_t bytes) const;
  void Grow(Domain* domain, size_t bytes);
  TlsPolicySum* PolicyOf(std::string_view name, const TlsPolicy& policy, Domain* domain);
  void AddFailure(const TlsEvent& event, TlsPolicySum* sum, Domain* domain);
  void Touch(const std::string& name, Domain* domain);

  std::map<std::string, Domain, std::less<>> domains_;
  std::vector<std::string> changed_;
  size_t bytes_ = 0;
};

}  // namespace ringpost::mail
