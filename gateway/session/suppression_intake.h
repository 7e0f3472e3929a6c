// SuppressionIntake: how whoever learns of a bad address (a shard that was told 550, the reader of
// bounces and complaints) has it suppressed, without waiting.
//
// The entry is posted to the list's own thread, which puts it into the table in memory at once (the
// next RCPT is refused by it) and writes it to the region's store with others, in batches. Nobody
// is told when it is on disk: a crash in between loses it, and the next bounce adds it again.
//
// Bounded by limits::kSuppressionsWaitingMax (session/suppression_limits.h) on their way: beyond it
// an entry is dropped, counted (suppressions_dropped_total) and logged. What is there already with
// the same or a stronger reason costs a look at the table and is not written again.
//
// Of the account 0, the operator's own hosts, nothing is added this way: they may be relaying other
// people's mail, and see their bounces. Entries that an operator makes for it hold, as of others.
//
// Implemented by SuppressionList (suppression_list.h); RegionContext::suppression_intake is the
// region's.
//
// Threads: Add from any, in any number.
#pragma once

#include "gateway/identity/suppression.h"

namespace ringpost::session {

class SuppressionIntake {
 public:
  virtual ~SuppressionIntake() = default;

  // Takes a bounce, a complaint, an unsubscription. Allocates; never waits for a lock or the disk.
  // False: it was not taken: of the account 0, no entry (an address without a domain), or too many
  // are waiting.
  virtual bool Add(identity::Suppression suppression) = 0;
};

}  // namespace ringpost::session
