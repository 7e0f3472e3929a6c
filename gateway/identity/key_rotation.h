// How the DKIM keys of a domain take turns between A and B, with nobody's help.
//
//   none -> (a key is made and published) -> waiting -> (it is seen in DNS under the customer's
//   name) -> standby -> active -> retired -> none
//
// A key signs only after it was seen, so no mail is signed that nobody could verify. When its turn
// is over (RotationPolicy::turn) the standby one of its kind takes over, and it stays published for
// as long as mail may be on its way or lie unread. Then a new key is made in its place. Where the
// active key's record is gone and the standby one's is there, they change places at once. Ed25519
// keys go as RSA ones do; where they are not wanted any more, they retire, and their slots go.
//
// Pure: keys are made elsewhere. Threads: functions; any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gateway/base/time.h"
#include "gateway/identity/sender_domain.h"

namespace ringpost::identity {

// Whether a slot's key was seen in DNS, by way of the customer's alias.
enum class KeySight : uint8_t {
  kUnknown,  // DNS does not answer: changes nothing
  kSeen,     // this very key
  kNotSeen,  // no key, or another
};

struct RotationPolicy {
  Seconds turn;        // how long a key signs
  Seconds queue_life;  // the longest that a message may be in the queue
  Seconds record_ttl;  // of the records in the operator's zone
};
// With the defaults of sender_domain_limits.h.
RotationPolicy DefaultRotation(Seconds queue_life, Seconds record_ttl);

struct Rotation {
  SenderDomain domain;
  bool changed = false;
  // Slots that want a key: it is made and stored, then KeyGenerated, then the zone is published.
  std::vector<size_t> wanted;
};

// `sights`: of each slot, in their order.
Rotation Rotate(const SenderDomain& domain, std::span<const KeySight> sights,
                const RotationPolicy& policy, WallTime now);
// A key was made for a slot of kNone, and is stored.
void KeyGenerated(SenderDomain* domain, size_t slot, WallTime now);

}  // namespace ringpost::identity
