#include "storage/key_ring.h"

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "storage/store_key.h"

namespace ringpost::storage {

KeyRing::KeyRing(Seconds epoch_length)
    : epoch_length_(epoch_length),
      keys_(2),
      wrappers_(limits::kKeySlots),
      store_key_(keys_.Take()) {}

StatusOr<std::unique_ptr<KeyRing>> KeyRing::Open(const Engine& engine, Mode mode) {
  std::unique_ptr<KeyRing> ring(new KeyRing(engine.options.key_epoch));
  Status read = ReadStoreKey(engine.options.key_file, ring->store_key_.get());
  if (!read.ok()) return read;
  Status opened = ring->OpenSlots(engine, mode);
  if (!opened.ok()) return opened;
  WallTime now = engine.Now();
  if (mode == Mode::kRead || (!ring->epochs_.empty() && !ring->EpochOver(now))) return ring;
  Status begun = ring->BeginEpoch(now);
  // With every slot taken the last key stays in use until a retirement frees one.
  if (ring->epochs_.empty()) return begun;
  return ring;
}

Status KeyRing::OpenSlots(const Engine& engine, Mode mode) {
  StatusOr<std::unique_ptr<KeySlots>> slots = KeySlots::Open(
      engine.file_system.get(), engine.slots_path(), *store_key_, mode == Mode::kServe);
  if (!slots.ok()) return slots.status();
  slots_ = *std::move(slots);
  damaged_ = slots_->damaged();
  for (KeySlots::Entry& entry : slots_->TakeEntries()) {
    Wrappers::Holder wrapper = wrappers_.Take();
    wrapper->Set(entry.key);
    epochs_[entry.epoch] = Epoch{entry.slot, entry.started, std::move(wrapper)};
  }
  return OkStatus();
}

WrappedKey KeyRing::Wrap(const MessageId& id, const tls::Key& key) {
  tls::Nonce nonce = tls::RandomNonce();
  std::lock_guard<std::mutex> lock(mutex_);
  RP_CHECK(!epochs_.empty());
  auto& [number, epoch] = *epochs_.rbegin();
  WrappedKey wrapped;
  wrapped.epoch = number;
  wrapped.bytes = epoch.wrapper->Wrap(key, View(KeyContext(id, number)), nonce);
  return wrapped;
}

bool KeyRing::Unwrap(const MessageId& id, const WrappedKey& wrapped, tls::Key* key) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = epochs_.find(wrapped.epoch);
  if (found == epochs_.end()) return false;
  return found->second.wrapper->Unwrap(View(wrapped.bytes), View(KeyContext(id, wrapped.epoch)),
                                       key);
}

bool KeyRing::EpochOver(WallTime now) const {
  std::lock_guard<std::mutex> lock(mutex_);
  WallTime started = epochs_.rbegin()->second.started;
  // A clock that was set back ends the epoch too: its age is not known any more.
  return now < started || now - started >= epoch_length_;
}

Status KeyRing::BeginEpoch(WallTime now) {
  std::lock_guard<std::mutex> lock(mutex_);
  bool taken[limits::kKeySlots] = {};
  for (const auto& [number, epoch] : epochs_) taken[epoch.slot] = true;
  for (const KeySlots::Damaged& damaged : damaged_) taken[damaged.slot] = true;
  uint32_t slot = 0;
  while (slot < limits::kKeySlots && taken[slot]) ++slot;
  if (slot == limits::kKeySlots) {
    return MakeStatus(StatusCode::kResourceExhausted,
                      "every key slot is taken: by epochs that could not be retired yet" +
                          (damaged_.empty() ? std::string()
                                            : ", and " + std::to_string(damaged_.size()) +
                                                  " by keys that do not open"));
  }
  uint32_t number = NextNumber();
  LockedKeys::Holder key = keys_.Take();
  Wrappers::Holder wrapper = wrappers_.Take();
  RP_CHECK(key != nullptr && wrapper != nullptr);
  *key = tls::Key::Random();
  wrapper->Set(*key);
  Status written = slots_->Write(slot, number, now, *key);
  if (!written.ok()) return written;
  epochs_[number] = Epoch{slot, now, std::move(wrapper)};
  return OkStatus();
}

// Above every number that is in use. A slot that does not open may hold the last one: what says a
// number far from the others is damage.
uint32_t KeyRing::NextNumber() const {
  uint32_t known = epochs_.empty() ? 0 : epochs_.rbegin()->first;
  uint32_t last = known;
  for (const KeySlots::Damaged& damaged : damaged_) {
    if (damaged.epoch > last && damaged.epoch - known <= limits::kKeySlots) last = damaged.epoch;
  }
  return last + 1;
}

bool KeyRing::empty() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return epochs_.empty();
}

bool KeyRing::Knows(uint32_t epoch) const {
  std::lock_guard<std::mutex> lock(mutex_);
  return epochs_.contains(epoch);
}

uint32_t KeyRing::damaged_slots() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<uint32_t>(damaged_.size());
}

uint32_t KeyRing::current_epoch() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return epochs_.rbegin()->first;
}

WallTime KeyRing::PreviousStarted() const {
  std::lock_guard<std::mutex> lock(mutex_);
  auto newest = epochs_.rbegin();
  return epochs_.size() > 1 ? std::next(newest)->second.started : newest->second.started;
}

std::vector<uint32_t> KeyRing::Outlived() const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<uint32_t> outlived;
  uint32_t current = epochs_.rbegin()->first;
  for (const auto& [number, epoch] : epochs_) {
    if (number + 1 < current) outlived.push_back(number);
  }
  return outlived;
}

Status KeyRing::Retire(uint32_t number) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = epochs_.find(number);
  if (found == epochs_.end()) return OkStatus();
  RP_CHECK(number != epochs_.rbegin()->first);
  Status erased = slots_->Erase(found->second.slot);
  if (!erased.ok()) return erased;
  epochs_.erase(found);
  return OkStatus();
}

Status KeyRing::FreeDamaged() {
  std::lock_guard<std::mutex> lock(mutex_);
  while (!damaged_.empty()) {
    Status erased = slots_->Erase(damaged_.back().slot);
    if (!erased.ok()) return erased;
    damaged_.pop_back();
  }
  return OkStatus();
}

}  // namespace ringpost::storage
