// RecipientGroup: the open recipients of one message that make one queue entry: same domain, same
// number of attempts, held or not.
//
// Sans-IO, no state of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/base/time.h"
#include "storage/records.h"

namespace ringpost::session {

// In the schedule, all that is in the sandbox is for here: no domain's name, and no route's.
inline constexpr std::string_view kSandboxDomain = "(sandbox)";

struct RecipientGroup {
  std::string domain;  // routing key
  uint32_t first_recipient = 0;
  uint32_t last_recipient = 0;
  uint32_t recipients = 0;
  uint16_t attempts = 0;
  bool held = false;
  bool wants_delay_notice = false;
  WallTime due;  // of the earliest
  uint16_t reply_code = 0;
  uint16_t enhanced[3] = {0, 0, 0};

  bool alone = true;  // no other group has its domain

  // Recipients first_recipient..last_recipient, without gaps, and nobody else in its domain: what
  // is stored of them can be written without being read. Where a domain has two groups, what tells
  // them apart may be on its way to the store, and who reads meanwhile takes both for one.
  bool told_by_range() const { return alone && last_recipient - first_recipient + 1 == recipients; }
};

// `states` may be empty: all queued, never tried. `group_of` (may be null) gets each recipient's
// group, or UINT32_MAX where it is settled.
std::vector<RecipientGroup> GroupRecipients(const storage::StoredEnvelope& envelope,
                                            const std::vector<storage::RecipientState>& states,
                                            std::vector<uint32_t>* group_of);
// The routing key of an address's domain.
std::string DomainKeyOf(std::string_view address);

}  // namespace ringpost::session
