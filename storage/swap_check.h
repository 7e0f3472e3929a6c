// SwapCheck: whether this machine may write memory to a disk in clear. Private to storage.
#pragma once

#include <string>

namespace ringpost::storage {

// The swap that is in use and neither on dm-crypt nor in compressed memory (zram): names, separated
// by spaces; empty: none. `root` stands before /proc and /sys (tests).
std::string UnencryptedSwap(const std::string& root = "");

}  // namespace ringpost::storage
