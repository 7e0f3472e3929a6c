// BounceClasses: what a refusal means for mail to come: rules over its basic code, its enhanced
// code and its words. The same ones serve replies of next hops and reports that come back.
//
//   hard      the address, or its domain, does not exist, or is closed for good
//   soft      it may work another time: full, slow, greylisted, out of reach
//   block     this host, network or sender is not wanted: lists, reputation, complaints
//   content   this message is not wanted: spam, a virus, too large, malformed
//   policy    what is set up does not suit: authentication, relaying, TLS, permissions
//   unknown   none of the rules says; a failure all the same
//
// The first rule that matches counts. All conditions of a rule must hold; of the alternatives of a
// condition, one. Patterns are RE2's (linear time, whatever is in the text), case does not matter.
// Before they look, line breaks are made spaces, and addresses and URLs are taken out ("@" and
// "URL" in their place): what somebody is called says nothing.
//
// Threads: immutable once made; any.
#pragma once

#include <re2/re2.h>
#include <re2/set.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/mail/bounce_reader.h"
#include "gateway/smtp/reply.h"

namespace ringpost::mail {

enum class BounceClass : uint8_t { kHard, kSoft, kBlock, kContent, kPolicy, kUnknown };
inline constexpr std::string_view kBounceClassNames[] = {"hard",    "soft",   "block",
                                                         "content", "policy", "unknown"};
inline std::string_view BounceClassName(BounceClass klass) {
  return kBounceClassNames[static_cast<size_t>(klass)];
}

// A code in which places may be open; those are -1.
struct BounceCodePattern {
  int places[3] = {-1, -1, -1};
  bool Matches(int first, int second, int third) const;
};
// "550", "4xx", "55x"; "5.1.1", "5.7.x". False: it is none.
bool ParseBounceCode(std::string_view text, BounceCodePattern* pattern);
bool ParseBounceStatus(std::string_view text, BounceCodePattern* pattern);

struct BounceRule {
  BounceClass klass = BounceClass::kUnknown;
  std::vector<BounceCodePattern> codes;     // of basic codes; none: any
  std::vector<BounceCodePattern> statuses;  // of enhanced codes; none: any
  std::vector<std::string> texts;           // patterns; none: any
  uint32_t line = 0;                        // of the file it is from
};

class BounceClasses {
 public:
  // What is wrong with a pattern; empty: nothing.
  static std::string CheckPattern(const std::string& pattern);
  // Null: all the patterns are too large together; each of them is a good one.
  static std::shared_ptr<const BounceClasses> Make(std::vector<BounceRule> rules);

  struct Result {
    BounceClass klass = BounceClass::kUnknown;
    uint32_t line = 0;  // of the rule; 0: none matched
  };
  // Code 0, and an enhanced code that is not present(): there is none.
  Result Classify(uint16_t code, const smtp::EnhancedCode& enhanced, std::string_view text) const;
  // What a server said counts before the status that a reporter has made of it.
  Result Classify(const BouncedRecipient& recipient) const;

  size_t size() const { return rules_.size(); }

 private:
  explicit BounceClasses(std::vector<BounceRule> rules);

  std::vector<BounceRule> rules_;
  RE2::Set texts_;
  std::vector<uint32_t> rule_of_text_;  // by the number in the set
};

}  // namespace ringpost::mail
