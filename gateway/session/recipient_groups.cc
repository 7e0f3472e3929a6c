#include "gateway/session/recipient_groups.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "gateway/smtp/address.h"
#include "gateway/smtp/envelope.h"

namespace ringpost::session {
namespace {

using storage::RecipientState;
using storage::RecipientStatus;

// Up to so many groups a walk is faster than a hash table, and allocates nothing.
constexpr size_t kWalkGroupsMax = 8;

bool Open(const RecipientState& state) {
  return state.status == RecipientStatus::kQueued || state.status == RecipientStatus::kDeferred ||
         state.status == RecipientStatus::kHeld;
}

// Finds groups by domain, attempts and hold.
class Grouping {
 public:
  explicit Grouping(std::vector<RecipientGroup>* groups) : groups_(groups) {}

  uint32_t Find(std::string domain, uint16_t attempts, bool held) {
    if (groups_->size() <= kWalkGroupsMax) {
      for (uint32_t i = 0; i < groups_->size(); ++i) {
        const RecipientGroup& group = (*groups_)[i];
        bool same = group.domain == domain && group.attempts == attempts && group.held == held;
        if (same) return i;
      }
    } else {
      for (; indexed_ < groups_->size(); ++indexed_) {
        const RecipientGroup& group = (*groups_)[indexed_];
        numbers_.emplace(Key(group.domain, group.attempts, group.held), indexed_);
      }
      auto found = numbers_.find(Key(domain, attempts, held));
      if (found != numbers_.end()) return found->second;
    }
    RecipientGroup& group = groups_->emplace_back();
    group.domain = std::move(domain);
    group.attempts = attempts;
    group.held = held;
    return static_cast<uint32_t>(groups_->size() - 1);
  }

 private:
  static std::string Key(const std::string& domain, uint16_t attempts, bool held) {
    return domain + (held ? " held " : " ") + std::to_string(attempts);
  }
  struct Hash {
    size_t operator()(const std::string& text) const { return std::hash<std::string>()(text); }
  };
  std::vector<RecipientGroup>* groups_;
  uint32_t indexed_ = 0;
  absl::flat_hash_map<std::string, uint32_t, Hash, std::equal_to<>> numbers_;
};

void Join(RecipientGroup* group, uint32_t number, const storage::StoredRecipient& recipient,
          const RecipientState& state) {
  if (group->recipients == 0) {
    group->first_recipient = number;
    group->due = state.next_attempt;
    group->reply_code = state.reply_code;
    std::copy(std::begin(state.enhanced), std::end(state.enhanced), std::begin(group->enhanced));
  }
  group->last_recipient = number;
  group->due = std::min(group->due, state.next_attempt);
  // Reported or not: what is stored says which, and has to be read before it is written again.
  if (recipient.notify & smtp::kNotifyDelay) group->wants_delay_notice = true;
  ++group->recipients;
}

void MarkSharedDomains(std::vector<RecipientGroup>* groups) {
  if (groups->size() < 2) return;
  absl::flat_hash_map<std::string_view, RecipientGroup*> first_of;
  for (RecipientGroup& group : *groups) {
    auto [found, fresh] = first_of.try_emplace(group.domain, &group);
    if (!fresh) group.alone = found->second->alone = false;
  }
}

}  // namespace

std::string DomainKeyOf(std::string_view address) {
  size_t at = address.rfind('@');
  return smtp::DomainKey(at == std::string_view::npos ? address : address.substr(at + 1));
}

std::vector<RecipientGroup> GroupRecipients(const storage::StoredEnvelope& envelope,
                                            const std::vector<RecipientState>& states,
                                            std::vector<uint32_t>* group_of) {
  std::vector<RecipientGroup> groups;
  Grouping grouping(&groups);
  if (group_of != nullptr) group_of->assign(envelope.recipients.size(), UINT32_MAX);
  const RecipientState untried;
  for (uint32_t i = 0; i < envelope.recipients.size(); ++i) {
    const RecipientState& state = i < states.size() ? states[i] : untried;
    if (!Open(state)) continue;
    bool held = state.status == RecipientStatus::kHeld;
    std::string domain = envelope.sandbox ? std::string(kSandboxDomain)
                                          : DomainKeyOf(envelope.recipients[i].address);
    uint32_t number = grouping.Find(std::move(domain), state.attempts, held);
    Join(&groups[number], i, envelope.recipients[i], state);
    if (group_of != nullptr) (*group_of)[i] = number;
  }
  MarkSharedDomains(&groups);
  return groups;
}

}  // namespace ringpost::session
