#include "gateway/delivery/shaping_automation.h"

#include <algorithm>
#include <utility>

#include "gateway/delivery/shaping_limits.h"

namespace ringpost::delivery {
namespace {

using Over = AutomationRule::Over;

// Names have no NUL. Empty: there is no such place.
std::string KeyOf(Over over, const ShapingPlace& place) {
  std::string_view what = over == Over::kProvider ? place.provider : place.site;
  if (what.empty() || (over == Over::kAccount && place.account.empty())) return "";
  std::string key(1, static_cast<char>('a' + static_cast<int>(over)));
  key.append(place.source).append(1, '\0').append(what);
  if (over == Over::kAccount) key.append(1, '\0').append(place.account);
  return key;
}

constexpr Over kAllOver[] = {Over::kSite, Over::kProvider, Over::kAccount};

}  // namespace

std::string ReplyAsMatched(const smtp::Reply& reply) {
  std::string text = std::to_string(reply.code);
  if (reply.enhanced.present()) text += " " + reply.enhanced.ToString();
  text += ' ';
  text.append(reply.text, 0, limits::kReplyMatchedBytesMax);
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (text.size() > limits::kReplyMatchedBytesMax) text.resize(limits::kReplyMatchedBytesMax);
  return text;
}

ShapingAutomation::Place* ShapingAutomation::Find(std::string key) {
  auto found = places_.find(key);
  if (found != places_.end()) {
    order_.splice(order_.begin(), order_, found->second);
    return &order_.front();
  }
  if (places_.size() >= limits::kAutomationPlacesMax) {
    places_.erase(order_.back().key);
    order_.pop_back();
  }
  order_.push_front({std::move(key), {}, MonoTime::min()});
  places_.emplace(order_.front().key, order_.begin());
  return &order_.front();
}

std::vector<ShapingAction> ShapingAutomation::Observe(const ShapingQuery& query,
                                                      const ShapingPlace& place,
                                                      const smtp::Reply& reply, MonoTime now) {
  std::vector<ShapingAction> actions;
  for (uint32_t number : table_->AutomationsFor(query, ReplyAsMatched(reply))) {
    const AutomationRule& rule = table_->automations()[number];
    std::string key = KeyOf(rule.over, place);
    if (key.empty()) continue;
    Place* counted = Find(rule.name + '\0' + key);
    if (now < counted->in_force_until) continue;
    std::vector<MonoTime>& seen = counted->seen;
    std::erase_if(seen, [&](MonoTime time) { return now - time >= rule.within; });
    seen.push_back(now);
    if (seen.size() < rule.after) continue;
    seen.clear();
    counted->in_force_until = now + rule.duration;
    actions.push_back({&rule, table_, std::move(key), counted->in_force_until});
  }
  return actions;
}

bool ActionsInForce::Add(ShapingAction action, MonoTime now) {
  if (count_ >= limits::kAutomationPlacesMax) Prune(now);
  if (count_ >= limits::kAutomationPlacesMax) return false;
  next_end_ = std::min(next_end_, action.until);
  std::vector<ShapingAction>& there = actions_[action.key];
  there.push_back(std::move(action));
  ++count_;
  return true;
}

void ActionsInForce::Prune(MonoTime now) {
  count_ = 0;
  next_end_ = MonoTime::max();
  for (auto it = actions_.begin(); it != actions_.end();) {
    std::erase_if(it->second, [now](const ShapingAction& one) { return one.until <= now; });
    count_ += it->second.size();
    for (const ShapingAction& one : it->second) next_end_ = std::min(next_end_, one.until);
    it = it->second.empty() ? actions_.erase(it) : std::next(it);
  }
}

void ActionsInForce::Adjust(const ShapingPlace& place, MonoTime now, Shaping* shaping) {
  if (next_end_ <= now) Prune(now);
  for (Over over : kAllOver) {
    auto found = actions_.find(KeyOf(over, place));
    if (found == actions_.end()) continue;
    for (const ShapingAction& action : found->second) {
      for (const Given& given : action.rule->changes) shaping->Tighten(given, action.rule->origin);
    }
  }
}

const ShapingAction* ActionsInForce::Suspension(const ShapingPlace& place, MonoTime now) const {
  const ShapingAction* longest = nullptr;
  for (Over over : kAllOver) {
    auto found = actions_.find(KeyOf(over, place));
    if (found == actions_.end()) continue;
    for (const ShapingAction& action : found->second) {
      bool waits = action.suspends_site() || action.suspends_account();
      if (!waits || action.until <= now) continue;
      if (!longest || action.until > longest->until) longest = &action;
    }
  }
  return longest;
}

}  // namespace ringpost::delivery
