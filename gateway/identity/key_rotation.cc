#include "gateway/identity/key_rotation.h"

#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/identity/sender_domain_limits.h"

namespace ringpost::identity {
namespace {

using Kind = tls::DkimKey::Kind;

constexpr size_t kNoSlot = SIZE_MAX;

// One run over a domain.
class Turns {
 public:
  Turns(Rotation* rotation, std::span<const KeySight> sights, const RotationPolicy& policy,
        WallTime now)
      : rotation_(*rotation),
        slots_(rotation->domain.slots),
        sights_(sights.begin(), sights.end()),
        policy_(policy),
        now_(now) {}

  void Run() {
    if (!rotation_.domain.ed25519_wanted) LetGoOfEd25519();
    EndRetirement();
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].state == KeyState::kWaiting && sights_[i] == KeySight::kSeen) {
        Enter(i, KeyState::kStandby);
      }
    }
    for (Kind kind : {Kind::kRsa, Kind::kEd25519}) {
      if (Wanted(kind)) TakeTurns(kind);
    }
    DropSlots();
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].state == KeyState::kNone && Wanted(slots_[i].kind)) {
        rotation_.wanted.push_back(i);
      }
    }
  }

 private:
  bool Wanted(Kind kind) const { return kind == Kind::kRsa || rotation_.domain.ed25519_wanted; }

  void Enter(size_t slot, KeyState state) {
    slots_[slot].state = state;
    slots_[slot].since = now_;
    slots_[slot].until = WallTime();
    if (state == KeyState::kRetired) {
      slots_[slot].until =
          now_ + policy_.queue_life + policy_.record_ttl + Seconds(limits::kKeyAfterlifeSeconds);
    }
    rotation_.changed = true;
  }

  size_t Find(Kind kind, KeyState state, bool seen) const {
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].kind == kind && slots_[i].state == state &&
          (!seen || sights_[i] == KeySight::kSeen)) {
        return i;
      }
    }
    return kNoSlot;
  }

  void TakeTurns(Kind kind) {
    size_t next = Find(kind, KeyState::kStandby, /*seen=*/true);
    if (next == kNoSlot) return;
    size_t active = Find(kind, KeyState::kActive, /*seen=*/false);
    if (active == kNoSlot) {
      Enter(next, KeyState::kActive);
    } else if (sights_[active] == KeySight::kNotSeen) {
      Enter(active, KeyState::kWaiting);
      Enter(next, KeyState::kActive);
    } else if (now_ - slots_[active].since >= policy_.turn) {
      Enter(active, KeyState::kRetired);
      Enter(next, KeyState::kActive);
    }
  }

  void EndRetirement() {
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].state == KeyState::kRetired && slots_[i].until <= now_) {
        Enter(i, KeyState::kNone);
      }
    }
  }

  // What has signed is kept for readers; what has not is of no use to anybody.
  void LetGoOfEd25519() {
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].kind != Kind::kEd25519) continue;
      if (slots_[i].state == KeyState::kActive) Enter(i, KeyState::kRetired);
      if (slots_[i].state == KeyState::kWaiting || slots_[i].state == KeyState::kStandby) {
        Enter(i, KeyState::kNone);
      }
    }
  }

  // Both slots of a kind that is not wanted, once neither has a key.
  void DropSlots() {
    auto of_kind = [](const DkimSlot& slot) { return slot.kind == Kind::kEd25519; };
    bool gone = std::all_of(slots_.begin(), slots_.end(), [&of_kind](const DkimSlot& slot) {
      return !of_kind(slot) || slot.state == KeyState::kNone;
    });
    if (Wanted(Kind::kEd25519)) return;
    if (gone) {
      if (std::erase_if(slots_, of_kind) > 0) rotation_.changed = true;
    }
  }

  Rotation& rotation_;
  std::vector<DkimSlot>& slots_;
  const std::vector<KeySight> sights_;
  const RotationPolicy policy_;
  const WallTime now_;
};

}  // namespace

RotationPolicy DefaultRotation(Seconds queue_life, Seconds record_ttl) {
  return {Seconds(limits::kKeyTurnSeconds), queue_life, record_ttl};
}

Rotation Rotate(const SenderDomain& domain, std::span<const KeySight> sights,
                const RotationPolicy& policy, WallTime now) {
  RP_CHECK(sights.size() == domain.slots.size());
  Rotation rotation;
  rotation.domain = domain;
  Turns(&rotation, sights, policy, now).Run();
  return rotation;
}

void KeyGenerated(SenderDomain* domain, size_t slot, WallTime now) {
  RP_CHECK(slot < domain->slots.size() && domain->slots[slot].state == KeyState::kNone);
  DkimSlot& its = domain->slots[slot];
  its.state = KeyState::kWaiting;
  its.since = now;
  its.until = WallTime();
  ++its.generation;
}

}  // namespace ringpost::identity
