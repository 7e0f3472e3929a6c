// MemoryWatch: how much memory the process uses, its ceiling, and the pressure that follows.
//
// The ceiling is what the operator set, the limit of the cgroup (version 2 or 1), or the machine's
// memory: the smallest. Levels are entered at limits::kMemory...Percent and left a few percent
// below, so that they do not flap.
//
// What is resident holds what the allocator keeps of freed memory, up to half of it: nobody is to
// be refused for that. So where IsShort, it is given back first, and Judge told what is left.
//
// Threads: the main thread's.
#pragma once

#include <cstdint>
#include <string>

#include "gateway/base/time.h"
#include "gateway/session/inbound_policy.h"

namespace ringpost::app {

class MemoryWatch {
 public:
  // `configured`: 0 for none. Reads the cgroup of this process.
  explicit MemoryWatch(uint64_t configured);
  void Configure(uint64_t configured);

  // Whether `bytes` are enough for a level, or one holds.
  bool IsShort(uint64_t bytes) const;
  // The level that follows from `bytes` (as OwnBytes has them) after the level before.
  session::Pressure Judge(uint64_t bytes);
  // How long that holds: by then the next level may be reached.
  Millis NextLook() const;

  uint64_t bytes() const { return bytes_; }
  uint64_t ceiling_bytes() const { return ceiling_; }
  const std::string& ceiling_from() const { return from_; }  // in words

 private:
  uint64_t PercentOf(uint64_t bytes) const;  // of the ceiling; 0 where there is none

  uint64_t system_ceiling_ = 0;
  std::string system_from_;
  uint64_t ceiling_ = 0;
  std::string from_;
  uint64_t bytes_ = 0;
  session::Pressure level_ = session::Pressure::kNone;
};

// Whether what was freed need not be kept: little mail passes, or what passes does not use it.
class FreedMemoryWatch {
 public:
  // `traffic`: bytes received and sent since the start of the process; `kept`: freed bytes, now.
  // True at the end of each limits::kQuietSeconds in which there was less traffic than
  // limits::kQuietBytesMax, or in which more than `unused_max` was kept at every look.
  bool Look(uint64_t traffic, uint64_t kept, uint64_t unused_max, MonoTime now);

 private:
  uint64_t least_kept_ = UINT64_MAX;  // in the window
  uint64_t traffic_ = 0;              // at the window's begin
  MonoTime begin_;
};

// The least of what the cgroups of this process and those above them allow, of version 2 and of
// version 1 (cgroups(7)); UINT64_MAX where nothing does. `root`: in front of /proc and /sys.
uint64_t CgroupCeiling(const std::string& root);

// Resident bytes of this process that are of no file (programs and libraries: the kernel can drop
// those by itself), from /proc/self/statm; 0 where that cannot be read.
uint64_t OwnBytes();

}  // namespace ringpost::app
