// Automation of shaping: what next hops say is looked at, and acted on.
//
// A rule looks for something in replies; where it has been seen `after` times in `within`,
// something is done for a duration: the site's mail waits (kSuspend), or one account's mail for the
// site, or settings are changed. A change never lets more through than the rules would
// (Shaping::Tighten). While what a rule did is in force, further replies do not count; afterwards
// it counts anew.
//
// ShapingAutomation counts; ActionsInForce holds what came of it and applies it. They are apart so
// that one may count for several shards.
//
// Replies are hostile text: they are only ever matched (reply_patterns.h), their first
// limits::kReplyMatchedBytesMax bytes. What a place is comes from us: a stranger's server is only
// heard for the site that it is of, and for a provider where all of the site's hosts are the
// provider's (shaping.h).
//
// Threads: one's each. Time is an argument.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "gateway/base/time.h"
#include "gateway/delivery/shaping.h"
#include "gateway/smtp/reply.h"

namespace ringpost::delivery {

// Where mail was when something was said to it.
struct ShapingPlace {
  std::string_view site;      // its name
  std::string_view provider;  // Shaping::provider
  std::string_view source;
  std::string_view account;
};

struct ShapingAction {
  // Says what is done and over what; `table` keeps it alive.
  const AutomationRule* rule = nullptr;
  std::shared_ptr<const ShapingTable> table;
  std::string key;  // of the place: opaque
  MonoTime until;

  bool suspends_site() const { return rule->action == AutomationRule::Action::kSuspend; }
  bool suspends_account() const { return rule->action == AutomationRule::Action::kSuspendAccount; }
};

// "421 4.7.28 words", lines joined by spaces, cut at limits::kReplyMatchedBytesMax: what patterns
// are looked for in.
std::string ReplyAsMatched(const smtp::Reply& reply);

class ShapingAutomation {
 public:
  explicit ShapingAutomation(std::shared_ptr<const ShapingTable> table)
      : table_(std::move(table)) {}

  // What counts goes on for rules of the same name.
  void Reload(std::shared_ptr<const ShapingTable> table) { table_ = std::move(table); }

  // `query` and `place` of the mail that the reply was for; `query.account` and `.source` are the
  // place's. Of the replies of one transaction each that is another is to be seen once: five
  // recipients that get the same words are one reply.
  std::vector<ShapingAction> Observe(const ShapingQuery& query, const ShapingPlace& place,
                                     const smtp::Reply& reply, MonoTime now);
  size_t places() const { return places_.size(); }

 private:
  struct Place {
    std::string key;
    std::vector<MonoTime> seen;  // in the period, fewer than `after`
    MonoTime in_force_until;
  };
  Place* Find(std::string key);

  std::shared_ptr<const ShapingTable> table_;
  std::list<Place> order_;  // the one seen last in front
  absl::flat_hash_map<std::string, std::list<Place>::iterator> places_;
};

class ActionsInForce {
 public:
  // In force beside all others. False: there are limits::kAutomationPlacesMax already, none of
  // which has ended: it is not taken.
  bool Add(ShapingAction action, MonoTime now);
  // Changes `shaping` to what holds at the place now; what it then has points into the actions, and
  // is good until the next call of Add or of this.
  void Adjust(const ShapingPlace& place, MonoTime now, Shaping* shaping);
  // The action, the one that ends last, by which mail waits at the place; null: none. An account's
  // mail waits where the site's does.
  const ShapingAction* Suspension(const ShapingPlace& place, MonoTime now) const;
  // When the next of them ends; MonoTime::max(): none is there.
  MonoTime next_end() const { return next_end_; }
  size_t size() const { return count_; }

 private:
  void Prune(MonoTime now);

  std::map<std::string, std::vector<ShapingAction>, std::less<>> actions_;
  size_t count_ = 0;
  MonoTime next_end_ = MonoTime::max();
};

}  // namespace ringpost::delivery
