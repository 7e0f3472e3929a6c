// Inbox: how another thread hands a shard (or the committer) a piece of work.
//
// What is posted is owned by whoever made it and is linked into the inbox through its own Posted
// base, so posting allocates nothing and cannot fail. The bound is therefore on what may be in
// flight at once, and is kept by the poster (for example: commits in flight per shard).
//
// Threads: Post from any thread, in any number; Drain by the one owner thread. Order is kept per
// poster.
#pragma once

#include <atomic>
#include <cstddef>

namespace ringpost {

// Base of anything that can be posted. `run` is called on the owner's thread by Drain.
struct Posted {
  Posted* next = nullptr;
  void (*run)(Posted*) = nullptr;
};

class Inbox {
 public:
  using WakeFn = void (*)(void* context);

  // `wake` is called by the posting thread when the inbox turns from empty to not empty. Set once,
  // before the first Post.
  void SetWake(WakeFn wake, void* context) {
    wake_ = wake;
    wake_context_ = context;
  }

  void Post(Posted* item) {
    Posted* head = head_.load(std::memory_order_relaxed);
    do {
      item->next = head;
    } while (!head_.compare_exchange_weak(head, item, std::memory_order_acq_rel,
                                          std::memory_order_relaxed));
    if (head == nullptr && wake_) wake_(wake_context_);
  }

  // Posts a chain at once, so that the owner is woken once: `newest` leads by `next` through what
  // was made before it to `oldest`. Drain runs the oldest first.
  void PostChain(Posted* newest, Posted* oldest) {
    Posted* head = head_.load(std::memory_order_relaxed);
    do {
      oldest->next = head;
    } while (!head_.compare_exchange_weak(head, newest, std::memory_order_acq_rel,
                                          std::memory_order_relaxed));
    if (head == nullptr && wake_) wake_(wake_context_);
  }

  // Takes everything posted so far as a list in posting order; the owner walks it by `next`.
  Posted* TakeAll() {
    Posted* stack = head_.exchange(nullptr, std::memory_order_acq_rel);
    Posted* list = nullptr;
    while (stack) {
      Posted* next = stack->next;
      stack->next = list;
      list = stack;
      stack = next;
    }
    return list;
  }

  // Runs everything posted so far; returns how many.
  size_t Drain() {
    size_t count = 0;
    for (Posted* item = TakeAll(); item; ++count) {
      Posted* next = item->next;  // the item may be gone once it has run
      item->run(item);
      item = next;
    }
    return count;
  }

  bool empty() const { return head_.load(std::memory_order_acquire) == nullptr; }

 private:
  std::atomic<Posted*> head_{nullptr};
  WakeFn wake_ = nullptr;
  void* wake_context_ = nullptr;
};

}  // namespace ringpost
