#include "gateway/app/memory_watch.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>

namespace ringpost::app {
namespace {

using session::Pressure;

// The least limit of the cgroup at `path` and of those above it; UINT64_MAX where there is none. In
// a container `path` may be the host's: then only the root is found here, which is the container's
// own.
uint64_t LeastLimit(const std::string& mount, std::string path, const char* file) {
  uint64_t least = UINT64_MAX;
  for (;;) {
    uint64_t bytes = 0;
    // "max" is no number: the read fails and there is no ceiling at this level.
    if (std::ifstream(mount + path + file) >> bytes) least = std::min(least, bytes);
    size_t slash = path.rfind('/');
    if (slash == std::string::npos) return least;
    path.resize(slash);
  }
}

// Whether the comma-separated list holds `name`: controllers of version 1 may share a hierarchy.
bool Lists(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    size_t end = std::min(names.find(','), names.size());
    if (names.substr(0, end) == name) return true;
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return false;
}

uint64_t MachineBytes() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

constexpr uint64_t kEnterPercent[] = {0, limits::kMemoryRefuseMailPercent,
                                      limits::kMemoryCloseIdlePercent,
                                      limits::kMemoryRefuseConnectionsPercent, 100};
constexpr uint64_t kLevels = 3;

// A level is left this many percent below where it is entered.
constexpr uint64_t kLeavePercent = 3;

}  // namespace

uint64_t CgroupCeiling(const std::string& root) {
  uint64_t least = UINT64_MAX;
  std::ifstream file(root + "/proc/self/cgroup");
  std::string line;
  while (std::getline(file, line)) {  // "number:controllers:/path"
    size_t controllers = line.find(':') + 1, path = line.find(':', controllers) + 1;
    if (controllers == 0 || path == 0) continue;
    std::string_view names = std::string_view(line).substr(controllers, path - 1 - controllers);
    std::string mount = root + "/sys/fs/cgroup";
    if (names.empty()) {
      least = std::min(least, LeastLimit(mount, line.substr(path), "/memory.max"));
    } else if (Lists(names, "memory")) {
      mount += "/memory";
      least = std::min(least, LeastLimit(mount, line.substr(path), "/memory.limit_in_bytes"));
    }
  }
  return least;
}

uint64_t OwnBytes() {
  uint64_t size = 0, resident = 0, of_files = 0;
  std::ifstream("/proc/self/statm") >> size >> resident >> of_files;
  return (resident - std::min(resident, of_files)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

MemoryWatch::MemoryWatch(uint64_t configured) {
  uint64_t cgroup = CgroupCeiling("");
  system_ceiling_ = MachineBytes();
  system_from_ = "the machine's memory";
  if (cgroup < system_ceiling_) {
    system_ceiling_ = cgroup;
    system_from_ = "the cgroup's limit";
  }
  Configure(configured);
}

void MemoryWatch::Configure(uint64_t configured) {
  bool own = configured > 0 && configured < system_ceiling_;
  ceiling_ = own ? configured : system_ceiling_;
  from_ = own ? "[limits] memory_bytes_max" : system_from_;
}

uint64_t MemoryWatch::PercentOf(uint64_t bytes) const {
  return ceiling_ > 0 ? bytes / (ceiling_ / 100 + 1) : 0;
}

bool MemoryWatch::IsShort(uint64_t bytes) const {
  return level_ != Pressure::kNone || PercentOf(bytes) >= kEnterPercent[1];
}

Pressure MemoryWatch::Judge(uint64_t bytes) {
  bytes_ = bytes;
  uint64_t percent = PercentOf(bytes);
  auto level = static_cast<uint64_t>(level_);
  while (level < kLevels && percent >= kEnterPercent[level + 1]) ++level;
  while (level > 0 && percent + kLeavePercent < kEnterPercent[level]) --level;
  level_ = static_cast<Pressure>(level);
  return level_;
}

Millis MemoryWatch::NextLook() const {
  uint64_t next = ceiling_ / 100 * kEnterPercent[static_cast<uint64_t>(level_) + 1];
  uint64_t left = next - std::min(next, bytes_);
  uint64_t millis = left / (limits::kMemoryGrowthBytesPerSecondMax / 1000);
  return Millis(
      std::clamp<uint64_t>(millis, limits::kMemoryLookMillisMin, limits::kMemoryLookMillisMax));
}

bool FreedMemoryWatch::Look(uint64_t traffic, uint64_t kept, uint64_t unused_max, MonoTime now) {
  least_kept_ = std::min(least_kept_, kept);
  if (now - begin_ < Seconds(limits::kQuietSeconds)) return false;
  bool quiet = traffic - traffic_ < limits::kQuietBytesMax;
  bool unused = least_kept_ > unused_max;
  traffic_ = traffic;
  least_kept_ = UINT64_MAX;
  begin_ = now;
  return quiet || unused;
}

}  // namespace ringpost::app
