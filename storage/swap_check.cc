#include "storage/swap_check.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

namespace ringpost::storage {
namespace {

namespace fs = std::filesystem;

constexpr int kDepthMax = 8;  // of devices upon devices (LVM on LUKS on RAID)

// `device` is a directory of sysfs. A device is encrypted where it is dm-crypt, or where all that
// it lies on is.
bool IsEncrypted(const fs::path& device, int depth = 0) {
  std::ifstream uuid_file(device / "dm" / "uuid");
  std::string uuid;
  if (std::getline(uuid_file, uuid) && uuid.starts_with("CRYPT-")) return true;
  if (depth == kDepthMax) return false;
  bool any = false;
  std::error_code error;
  for (fs::directory_iterator below(device / "slaves", error), end; !error && below != end;
       below.increment(error)) {
    any = true;
    if (!IsEncrypted(below->path(), depth + 1)) return false;
  }
  return any;
}

// Of a swap file: the device under its file system.
fs::path DeviceOfFile(const std::string& root, const std::string& name) {
  struct stat info;
  if (stat(name.c_str(), &info) != 0) return {};
  return root + "/sys/dev/block/" + std::to_string(major(info.st_dev)) + ":" +
         std::to_string(minor(info.st_dev));
}

fs::path DeviceOf(const std::string& root, const std::string& name, std::string_view type) {
  if (type == "file") return DeviceOfFile(root, name);
  std::error_code error;
  fs::path real = fs::canonical(name, error);  // /dev/mapper/swap is a link to /dev/dm-N
  if (error) real = name;
  return root + "/sys/class/block/" + real.filename().string();
}

}  // namespace

std::string UnencryptedSwap(const std::string& root) {
  std::ifstream swaps(root + "/proc/swaps");
  std::string line, names;
  std::getline(swaps, line);  // the headings
  while (std::getline(swaps, line)) {
    std::istringstream fields(line);
    std::string name, type;
    if (!(fields >> name >> type)) continue;
    if (fs::path(name).filename().string().starts_with("zram")) continue;
    fs::path device = DeviceOf(root, name, type);
    if (!device.empty() && IsEncrypted(device)) continue;
    if (!names.empty()) names += ' ';
    names += name;
  }
  return names;
}

}  // namespace ringpost::storage
