#include "storage/swap_check.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/storage/spool_harness.h"

namespace ringpost::storage {
namespace {

class SwapCheckTest : public ::testing::Test {
 protected:
  void Write(const std::string& path, std::string_view text) {
    std::filesystem::path file = root_.path() + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  void Swaps(std::string_view lines) {
    Write("/proc/swaps", "Filename\t\t\tType\t\tSize\t\tUsed\t\tPriority\n" + std::string(lines));
  }
  TempDir root_;
};

TEST_F(SwapCheckTest, NoSwapNoWarning) {
  EXPECT_EQ(UnencryptedSwap(root_.path()), "");
  Swaps("");
  EXPECT_EQ(UnencryptedSwap(root_.path()), "");
}

TEST_F(SwapCheckTest, DiskAndFileAreNamedAndZramIsNot) {
  Swaps(
      "/dev/zram0 partition 1 0 100\n/dev/no-such-disk2 partition 1 0 -2\n/no/such file 1 0 -3\n");
  EXPECT_EQ(UnencryptedSwap(root_.path()), "/dev/no-such-disk2 /no/such");
}

TEST_F(SwapCheckTest, DeviceMapperIsAskedWhatItIs) {
  Write("/sys/class/block/dm-7/dm/uuid", "CRYPT-PLAIN-swap\n");
  Swaps("/dev/dm-7 partition 1 0 -2\n");
  EXPECT_EQ(UnencryptedSwap(root_.path()), "");
  Write("/sys/class/block/dm-7/dm/uuid", "LVM-abc\n");
  EXPECT_EQ(UnencryptedSwap(root_.path()), "/dev/dm-7");
  // A volume is as encrypted as all that it lies on.
  Write("/sys/class/block/dm-7/slaves/dm-1/dm/uuid", "CRYPT-LUKS2-abc\n");
  EXPECT_EQ(UnencryptedSwap(root_.path()), "");
  Write("/sys/class/block/dm-7/slaves/sda3/size", "1\n");
  EXPECT_EQ(UnencryptedSwap(root_.path()), "/dev/dm-7");
}

}  // namespace
}  // namespace ringpost::storage
