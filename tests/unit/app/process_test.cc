// What the process takes care of around the gateway: the store's lock, sockets, memory.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gateway/app/allocator.h"
#include "gateway/app/listen_sockets.h"
#include "gateway/app/memory_watch.h"
#include "gateway/app/process_setup.h"

namespace ringpost::app {
namespace {

using session::Pressure;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string TemporaryFolder() {
  char path[] = "/tmp/ringpost-process-XXXXXX";
  return mkdtemp(path);
}

std::string WordsOf(const Status& status) { return std::string(MessageOf(status)); }

TEST(ProcessSetup, DirectoriesAreMadePrivately) {
  std::string folder = TemporaryFolder();
  ASSERT_TRUE(MakeDirectories(folder + "/a/b/c").ok());
  ASSERT_TRUE(MakeDirectories(folder + "/a/b/c").ok()) << "what is there is no error";
  auto mode = std::filesystem::status(folder + "/a/b").permissions();
  EXPECT_EQ(mode, std::filesystem::perms::owner_all);
  std::filesystem::remove_all(folder);
}

TEST(ProcessSetup, DirectoryThatCannotBe) {
  Status status = MakeDirectories("/proc/ringpost/x");
  EXPECT_THAT(WordsOf(status), HasSubstr("cannot make the directory /proc/ringpost"));
}

// Where the process is confined to some CPUs, those are what its shards have, not the first ones.
TEST(ProcessSetup, CpusAreThoseOfTheAffinityMask) {
  std::vector<uint32_t> all = AllowedCpus();
  ASSERT_FALSE(all.empty());
  cpu_set_t last;
  CPU_ZERO(&last);
  CPU_SET(all.back(), &last);
  ASSERT_EQ(sched_setaffinity(0, sizeof last, &last), 0);
  EXPECT_EQ(AllowedCpus(), (std::vector<uint32_t>{all.back()}));
  cpu_set_t before;
  CPU_ZERO(&before);
  for (uint32_t cpu : all) CPU_SET(cpu, &before);
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

TEST(ProcessSetup, OneDaemonPerStore) {
  std::string folder = TemporaryFolder();
  auto first = LockStore(folder);
  ASSERT_TRUE(first.ok());
  auto second = LockStore(folder);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(WordsOf(second.status()),
              HasSubstr("another ringpostd (process " + std::to_string(getpid()) + ")"));
  close(*first);
  auto third = LockStore(folder);
  EXPECT_TRUE(third.ok());
  close(*third);
  std::filesystem::remove_all(folder);
}

Endpoint FreeEndpoint() {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_storage address;
  socklen_t size = Endpoint{IpAddress::V4(0x7F000001), 0}.ToSockaddr(&address);
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return *Endpoint::FromSockaddr(address);
}

TEST(ListenSockets, OnePerShardAndNoneForASecondDaemon) {
  Endpoint endpoint = FreeEndpoint();
  EXPECT_TRUE(ProbeListener(endpoint).ok());
  std::vector<ListenSocket> first, second, third;
  Status opened = OpenListeners(endpoint, 3, &first);
  ASSERT_TRUE(opened.ok()) << WordsOf(opened);
  EXPECT_EQ(first.size(), 3u);
  EXPECT_FALSE(ProbeListener(endpoint).ok());
  Status refused = OpenListeners(endpoint, 3, &second);
  ASSERT_FALSE(refused.ok());
  EXPECT_TRUE(second.empty());
  EXPECT_THAT(WordsOf(refused), HasSubstr("cannot listen on " + endpoint.ToString()));
  EXPECT_THAT(WordsOf(refused), HasSubstr("stop the program that has it"));
  CloseAll(first);
  ASSERT_TRUE(OpenListeners(endpoint, 1, &third).ok());
  CloseAll(third);
}

// As after kill -9: the kernel lets go of the sockets some time after the process is gone.
TEST(ListenSockets, APortThatIsFreedSoonIsWaitedFor) {
  Endpoint endpoint = FreeEndpoint();
  std::vector<ListenSocket> before;
  ASSERT_TRUE(OpenListeners(endpoint, 1, &before).ok());
  std::thread closer([&before] {
    std::this_thread::sleep_for(Millis(limits::kListenRetryMillis / 4));
    CloseAll(before);
  });
  MonoTime start = ReadMonoClock();
  EXPECT_FALSE(ProbeListener(endpoint).ok());
  EXPECT_LT(ReadMonoClock() - start, Millis(limits::kListenRetryMillis / 4)) << "not waited";
  Status free = ProbeListener(endpoint, start + Millis(limits::kListenRetryMillis));
  closer.join();
  EXPECT_TRUE(free.ok()) << WordsOf(free);
}

TEST(ListenSockets, AddressOfAnotherMachine) {
  Status status = ProbeListener(*Endpoint::Parse("192.0.2.1:2525"));
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(WordsOf(status), HasSubstr("no interface of this machine"));
}

TEST(MemoryWatch, LevelsAndTheWayBack) {
  MemoryWatch watch(1000 * limits::kMiB);
  ASSERT_EQ(watch.ceiling_bytes(), 1000 * limits::kMiB);
  auto at = [&](uint64_t percent) {
    return watch.Judge(percent * 10 * limits::kMiB + limits::kMiB);
  };
  EXPECT_EQ(at(50), Pressure::kNone);
  EXPECT_EQ(at(limits::kMemoryRefuseMailPercent), Pressure::kRefuseMail);
  EXPECT_EQ(at(limits::kMemoryRefuseMailPercent - 2), Pressure::kRefuseMail) << "no flapping";
  EXPECT_EQ(at(limits::kMemoryRefuseConnectionsPercent + 1), Pressure::kRefuseConnections);
  EXPECT_EQ(at(limits::kMemoryCloseIdlePercent), Pressure::kCloseIdle);
  EXPECT_EQ(at(10), Pressure::kNone);
}

// What was freed is given back before a level is entered, and for as long as one holds.
TEST(MemoryWatch, IsShortWhereALevelWouldBeEnteredOrHolds) {
  MemoryWatch watch(1000 * limits::kMiB);
  auto bytes = [](uint64_t percent) { return percent * 10 * limits::kMiB + limits::kMiB; };
  watch.Judge(bytes(50));
  EXPECT_FALSE(watch.IsShort(bytes(limits::kMemoryRefuseMailPercent - 1)));
  EXPECT_TRUE(watch.IsShort(bytes(limits::kMemoryRefuseMailPercent)));
  EXPECT_EQ(watch.Judge(bytes(50)), Pressure::kNone) << "asking changes nothing";
  watch.Judge(bytes(limits::kMemoryRefuseMailPercent));
  EXPECT_TRUE(watch.IsShort(bytes(10)));
  watch.Judge(bytes(10));
  EXPECT_FALSE(watch.IsShort(bytes(10)));
}

// Growing as fast as is reckoned with, memory jumps over no level.
TEST(MemoryWatch, LooksAgainBeforeTheNextLevelCanBeReached) {
  MemoryWatch watch(1000 * limits::kMiB);
  std::vector<Pressure> seen = {Pressure::kNone};
  uint64_t bytes = 0;
  while (bytes < watch.ceiling_bytes()) {
    Pressure now = watch.Judge(bytes);
    if (now != seen.back()) seen.push_back(now);
    auto millis = static_cast<uint64_t>(watch.NextLook().count());
    bytes += limits::kMemoryGrowthBytesPerSecondMax / 1000 * millis;
  }
  EXPECT_THAT(seen, ElementsAre(Pressure::kNone, Pressure::kRefuseMail, Pressure::kCloseIdle,
                                Pressure::kRefuseConnections));
}

TEST(MemoryWatch, LooksNeitherAllTheTimeNorSeldom) {
  MemoryWatch watch(1000 * limits::kMiB);
  watch.Judge(100 * limits::kMiB);
  EXPECT_EQ(watch.NextLook(), Millis(limits::kMemoryLookMillisMax));
  watch.Judge(750 * limits::kMiB);
  EXPECT_EQ(watch.NextLook(), Millis(195));  // 100 MiB to the first level
  watch.Judge(999 * limits::kMiB);
  EXPECT_EQ(watch.NextLook(), Millis(limits::kMemoryLookMillisMin));
}

TEST(MemoryWatch, TheMachineIsACeilingToo) {
  MemoryWatch watch(0);
  EXPECT_GT(watch.ceiling_bytes(), 0u);
  EXPECT_EQ(watch.Judge(OwnBytes()), Pressure::kNone);
  EXPECT_GT(watch.bytes(), limits::kMiB);
}

// A sanitizer has memory of its own for each byte that is touched, and keeps what is freed.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(MemoryWatch, PagesOfFilesAreNotCounted) {
  constexpr size_t kBytes = 64 * limits::kMiB;
  std::string path = TemporaryFolder() + "/file";
  int fd = open(path.c_str(), O_RDWR | O_CREAT, 0600);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(ftruncate(fd, kBytes), 0);
  auto touched = [](void* pages, bool write) {
    EXPECT_NE(pages, MAP_FAILED);
    uint64_t before = OwnBytes();
    volatile char* bytes = static_cast<char*>(pages);
    for (size_t i = 0; i < kBytes; i += 4096) {
      if (write) {
        bytes[i] = 1;
      } else {
        static_cast<void>(bytes[i]);
      }
    }
    uint64_t after = OwnBytes();
    munmap(pages, kBytes);
    return after > before ? after - before : 0;
  };
  EXPECT_LT(touched(mmap(nullptr, kBytes, PROT_READ, MAP_SHARED, fd, 0), false), kBytes / 8);
  EXPECT_GT(
      touched(mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
              true),
      kBytes / 8 * 7);
  close(fd);
}

TEST(Allocator, WhatWasFreedLeavesTheProcess) {
  constexpr size_t kBlock = 64 * limits::kKiB, kBlocks = 1024;
  std::vector<std::string> blocks;
  for (size_t i = 0; i < kBlocks; ++i) blocks.emplace_back(kBlock, 'x');
  auto pin =
      std::make_unique<std::string>(kBlock, 'x');  // behind them: the heap cannot just shrink
  uint64_t kept_before = FreedBytesKept();
  blocks.clear();
  EXPECT_GT(FreedBytesKept(), kept_before + kBlock * kBlocks / 2);
  uint64_t before = OwnBytes();
  ReturnFreedMemory();
  EXPECT_LT(OwnBytes() + kBlock * kBlocks / 2, before);
  EXPECT_LT(FreedBytesKept(), kBlock * kBlocks / 2);
}
#endif

TEST(FreedMemoryWatch, NothingIsKeptAfterAWindowWithLittleTraffic) {
  FreedMemoryWatch watch;
  MonoTime now(Seconds(1000));
  uint64_t traffic = 5 * limits::kQuietBytesMax;
  auto look = [&watch](uint64_t bytes, MonoTime at) { return watch.Look(bytes, 0, 0, at); };
  EXPECT_FALSE(look(traffic, now));  // what came before the first window counts as in it
  EXPECT_FALSE(look(traffic, now + Seconds(limits::kQuietSeconds) - Millis(1)));
  now += Seconds(limits::kQuietSeconds);
  EXPECT_TRUE(look(traffic + limits::kQuietBytesMax - 1, now));
  EXPECT_FALSE(look(traffic + limits::kQuietBytesMax - 1, now + Millis(1)));
  now += Seconds(limits::kQuietSeconds);
  EXPECT_FALSE(look(traffic + 2 * limits::kQuietBytesMax, now));
}

TEST(FreedMemoryWatch, WhatMuchTrafficDoesNotUseIsNotKept) {
  FreedMemoryWatch watch;
  MonoTime now(Seconds(1000));
  uint64_t traffic = 0;
  // One window, with a look in its middle and at its end.
  auto window = [&](uint64_t kept_in_the_middle, uint64_t kept_at_the_end) {
    traffic += 5 * limits::kQuietBytesMax;
    Seconds half(limits::kQuietSeconds / 2);
    EXPECT_FALSE(watch.Look(traffic, kept_in_the_middle, 100, now += half));
    return watch.Look(traffic, kept_at_the_end, 100, now += half);
  };
  watch.Look(traffic, 0, 100, now);
  EXPECT_FALSE(window(100, 900));
  EXPECT_FALSE(window(900, 100));
  EXPECT_TRUE(window(101, 900));
  EXPECT_FALSE(window(0, 900));
}

class CgroupCeilingTest : public ::testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  std::string root_ = TemporaryFolder();
};

TEST_F(CgroupCeilingTest, NoneIsNone) {
  EXPECT_EQ(CgroupCeiling(root_), UINT64_MAX);
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/memory.max", "max\n");
  EXPECT_EQ(CgroupCeiling(root_), UINT64_MAX);
}

TEST_F(CgroupCeilingTest, Version2TheLeastOfItAndThoseAbove) {
  Write("/proc/self/cgroup", "0::/a:/b\n");
  Write("/sys/fs/cgroup/a:/b/memory.max", "max\n");
  Write("/sys/fs/cgroup/a:/memory.max", "3000000\n");
  EXPECT_EQ(CgroupCeiling(root_), 3000000u);
  Write("/sys/fs/cgroup/a:/b/memory.max", "2000000\n");
  EXPECT_EQ(CgroupCeiling(root_), 2000000u);
}

TEST_F(CgroupCeilingTest, Version1AlsoWhereItsControllerSharesAHierarchy) {
  Write("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "4000000\n");
  Write("/proc/self/cgroup", "9:name=systemd:/a\n4:memory:/a\n3:cpu,cpuacct:/a\n0::/\n");
  EXPECT_EQ(CgroupCeiling(root_), 4000000u);
  Write("/proc/self/cgroup", "4:hugetlb,memory:/a\n");
  EXPECT_EQ(CgroupCeiling(root_), 4000000u);
  Write("/proc/self/cgroup", "4:hugetlb,memory-like:/a\n");
  EXPECT_EQ(CgroupCeiling(root_), UINT64_MAX);
}

// In a container the path may be the host's; what is mounted is the container's own.
TEST_F(CgroupCeilingTest, APathThatIsNotHereLeavesTheRoot) {
  Write("/proc/self/cgroup", "4:memory:/docker/0123\n");
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "5000000\n");
  EXPECT_EQ(CgroupCeiling(root_), 5000000u);
}

}  // namespace
}  // namespace ringpost::app
