// The process's allocator: jemalloc in ringpostd and in the tests of this folder
// (decisions/030); the sanitizers bring their own.
//
// What it is set to stands in allocator.cc and takes effect before main().
//
// Threads: any.
#pragma once

#include <cstdint>

#include "gateway/base/limits.h"

namespace ringpost::app {

// Below this ceiling memory is taken in small pages: huge ones would be half empty, and cost a
// daemon that has just started 40 MiB.
inline constexpr uint64_t kHugePagesCeilingBytesMin = 1024 * limits::kMiB;

// At start, before the threads are.
void ChoosePages(uint64_t ceiling_bytes);

// What was freed and not given back. Takes a look at each arena, and its locks.
uint64_t FreedBytesKept();

// Gives back to the system what was freed, which nothing else does. Takes milliseconds: the main
// thread's, when memory is short, when little mail comes in, or when what comes does not use it.
void ReturnFreedMemory();

}  // namespace ringpost::app
