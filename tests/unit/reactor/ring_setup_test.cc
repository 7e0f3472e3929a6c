#include "gateway/reactor/ring_setup.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "gateway/reactor/process_limits.h"

namespace ringpost::reactor {
namespace {

bool Has(const std::string& words, std::string_view part) {
  return words.find(part) != std::string::npos;
}

TEST(RingSetUpTest, NamesTheSysctl) {
  std::string words = SetUpFailureWords(EPERM, "6.6.0", 2);
  EXPECT_TRUE(Has(words, "kernel.io_uring_disabled is 2")) << words;
  EXPECT_TRUE(Has(words, "sysctl -w kernel.io_uring_disabled=0"));
}

TEST(RingSetUpTest, NamesSeccompWhereTheSysctlAllows) {
  for (int disabled : {0, -1}) {
    std::string words = SetUpFailureWords(EPERM, "6.6.0", disabled);
    EXPECT_TRUE(Has(words, "seccomp")) << words;
    EXPECT_TRUE(Has(words, "io_uring_setup"));
  }
}

TEST(RingSetUpTest, NamesTheKernel) {
  EXPECT_TRUE(Has(SetUpFailureWords(EINVAL, "5.15.0-91-generic", -1),
                  "the kernel is 5.15.0-91-generic; Ringpost needs 6.1 or newer"));
  EXPECT_TRUE(Has(SetUpFailureWords(EINVAL, "6.0.12", -1), "needs 6.1"));
  EXPECT_FALSE(Has(SetUpFailureWords(EINVAL, "6.1.0", -1), "needs 6.1"));
  EXPECT_TRUE(Has(SetUpFailureWords(ENOSYS, "6.1.0", -1), "CONFIG_IO_URING"));
}

TEST(RingSetUpTest, NamesTheLimits) {
  EXPECT_TRUE(Has(SetUpFailureWords(ENOMEM, "6.1.0", 0), "RLIMIT_MEMLOCK"));
  EXPECT_TRUE(Has(SetUpFailureWords(EMFILE, "6.1.0", 0), "RLIMIT_NOFILE"));
}

TEST(RingSetUpTest, EveryErrorHasWordsAndTheSystemsOwn) {
  for (int error : {EPERM, EACCES, ENOSYS, EINVAL, ENOMEM, EMFILE, ENFILE, EFAULT}) {
    std::string words = SetUpFailureWords(error, "6.1.0", 0);
    EXPECT_TRUE(Has(words, strerror(error))) << words;
    EXPECT_GT(words.size(), 60u);
  }
}

TEST(ProcessLimitsTest, RaisesTheFileLimitToTheHardOne) {
  rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
  rlimit low{64, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  std::string words;
  EXPECT_TRUE(RaiseFileLimit(&words));
  rlimit now;
  getrlimit(RLIMIT_NOFILE, &now);
  EXPECT_GE(now.rlim_cur, old.rlim_max);
  EXPECT_TRUE(Has(words, std::to_string(now.rlim_cur))) << words;
}

}  // namespace
}  // namespace ringpost::reactor
