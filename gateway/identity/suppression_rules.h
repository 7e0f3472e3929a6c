// What suppresses an address by itself, and what its senders are told.
//
// Threads: functions over values.
#pragma once

#include <string_view>

#include "gateway/identity/suppression_table.h"
#include "gateway/smtp/reply.h"

namespace ringpost::identity {

// Whether a next hop's refusal says that the address is of no use and will be of none: there is no
// such mailbox, or no such domain (RFC 3463 section 3.2: 5.1.1, 5.1.2, 5.1.3, 5.1.6, 5.1.10 of RFC
// 7505; 5.2.1, it is disabled). Everything else of class 5 (policy, content, blocks, size, a full
// mailbox) may be otherwise for another message. Where the enhanced code is missing or says nothing
// (5.0.0, 5.1.0, 5.5.0), only words that mean no other thing count, and none of those that name a
// policy beside them.
bool SaysNoMailbox(const smtp::Reply& reply);

// The refusal of a recipient that is on its account's list: 550 5.7.1.
smtp::Reply SuppressedReply(std::string_view address, const SuppressionTable::Found& found);

}  // namespace ringpost::identity
