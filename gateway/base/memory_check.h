// Tells AddressSanitizer which memory is not ours to touch: a receive buffer that the kernel owns,
// a slab that is back in its pool. Nothing in other builds.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define RINGPOST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RINGPOST_ASAN 1
#endif
#endif

#ifdef RINGPOST_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace ringpost {

inline void PoisonMemory([[maybe_unused]] const void* at, [[maybe_unused]] size_t size) {
#ifdef RINGPOST_ASAN
  __asan_poison_memory_region(at, size);
#endif
}

inline void UnpoisonMemory([[maybe_unused]] const void* at, [[maybe_unused]] size_t size) {
#ifdef RINGPOST_ASAN
  __asan_unpoison_memory_region(at, size);
#endif
}

}  // namespace ringpost
