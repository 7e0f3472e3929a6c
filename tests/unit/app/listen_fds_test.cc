#include "gateway/app/listen_fds.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace ringpost::app {
namespace {

// Descriptors from here on are free in a test program.
constexpr int kFirst = 500;

class ListenFdsTest : public testing::Test {
 protected:
  void TearDown() override {
    for (int fd = kFirst; fd < kFirst + 8; ++fd) ::close(fd);
  }
  static std::string Pid() { return std::to_string(::getpid()); }
  // A socket at descriptor `at`; gives its endpoint.
  static Endpoint Socket(int at, bool listening, int type = SOCK_STREAM, uint16_t port = 0) {
    int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
    int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    sockaddr_storage storage{};
    socklen_t size = Endpoint{*IpAddress::Parse("127.0.0.1"), port}.ToSockaddr(&storage);
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&storage), size), 0);
    EXPECT_EQ(listening ? ::listen(fd, 5) : 0, 0);
    EXPECT_EQ(::dup2(fd, at), at);
    ::close(fd);
    size = sizeof storage;
    ::getsockname(at, reinterpret_cast<sockaddr*>(&storage), &size);
    return *Endpoint::FromSockaddr(storage);
  }
  static bool IsOpen(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }
};

TEST_F(ListenFdsTest, MatchesByAddress) {
  Endpoint first = Socket(kFirst, true);
  Endpoint second = Socket(kFirst + 1, true);
  ListenFds fds = ListenFds::From(Pid(), "2", "smtp:submission", kFirst);
  EXPECT_TRUE(fds.problems().empty());
  auto taken = fds.Take(second);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->fd, kFirst + 1);
  EXPECT_EQ(taken->name, "submission");
  EXPECT_FALSE(fds.Take(second));
  EXPECT_NE(::fcntl(taken->fd, F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(::fcntl(taken->fd, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_TRUE(fds.CloseRest().empty());  // a .socket unit's is not the store's to forget
  EXPECT_FALSE(IsOpen(kFirst));
  EXPECT_TRUE(IsOpen(kFirst + 1));
  EXPECT_FALSE(fds.Take(first));
}

TEST_F(ListenFdsTest, OneAddressSeveralCores) {
  Endpoint shared = Socket(kFirst, true);
  Socket(kFirst + 1, true, SOCK_STREAM, shared.port);
  ListenFds fds = ListenFds::From(Pid(), "2", "a:b", kFirst);
  auto one = fds.Take(shared), two = fds.Take(shared);
  ASSERT_TRUE(one && two);
  EXPECT_NE(one->fd, two->fd);
  EXPECT_FALSE(fds.Take(shared));
}

TEST_F(ListenFdsTest, LeavesOutWhatIsNoListener) {
  Socket(kFirst, false);                  // bound only
  Socket(kFirst + 1, false, SOCK_DGRAM);  // UDP
  ASSERT_EQ(::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), kFirst + 2), kFirst + 2);
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  ASSERT_EQ(::dup2(pair[0], kFirst + 3), kFirst + 3);
  Endpoint good = Socket(kFirst + 5, true);  // 504 is not open
  ListenFds fds = ListenFds::From(Pid(), "6", "", kFirst);
  ASSERT_EQ(fds.problems().size(), 5u);
  EXPECT_EQ(fds.problems()[0], "descriptor 500 (unknown) is not a listening stream socket");
  EXPECT_EQ(fds.problems()[1], "descriptor 501 (unknown) is not a listening stream socket");
  EXPECT_EQ(fds.problems()[2], "descriptor 502 (unknown) is not a socket");
  EXPECT_EQ(fds.problems()[3], "descriptor 503 (unknown) is not bound to an IP address");
  EXPECT_EQ(fds.problems()[4], "descriptor 504 (unknown) is not open");
  EXPECT_TRUE(fds.Take(good));
  EXPECT_TRUE(IsOpen(kFirst + 2));  // nothing that is not ours is closed
  ::close(pair[0]);
  ::close(pair[1]);
}

TEST_F(ListenFdsTest, NotForUs) {
  Socket(kFirst, true);
  for (const char* pid : {"1", "", "x", "-1", "99999999999999999999999"}) {
    ListenFds fds = ListenFds::From(pid, "1", "a", kFirst);
    EXPECT_TRUE(fds.sockets().empty()) << pid;
    EXPECT_EQ(fds.problems().size(), 1u) << pid;
  }
  EXPECT_TRUE(IsOpen(kFirst));
  EXPECT_TRUE(ListenFds::From("", "", "", kFirst).problems().empty());
}

TEST_F(ListenFdsTest, WrongNumbers) {
  Socket(kFirst, true);
  for (const char* count : {"-1", "x", "", "4097", "99999999999999999999999"}) {
    ListenFds fds = ListenFds::From(Pid(), count, "a", kFirst);
    EXPECT_TRUE(fds.sockets().empty()) << count;
    EXPECT_EQ(fds.problems().size(), 1u) << count;
  }
}

TEST_F(ListenFdsTest, ReadsAndClearsTheEnvironment) {
  ::setenv("LISTEN_PID", "1", 1);
  ::setenv("LISTEN_FDS", "1", 1);
  ::setenv("LISTEN_FDNAMES", "a", 1);
  EXPECT_EQ(ListenFds::FromEnvironment().problems().size(), 1u);
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
    EXPECT_EQ(std::getenv(name), nullptr) << name;
  }
  EXPECT_TRUE(ListenFds::FromEnvironment().problems().empty());
}

TEST_F(ListenFdsTest, MovedFromClosesNothing) {
  Endpoint at = Socket(kFirst, true);
  ListenFds first = ListenFds::From(Pid(), "1", "a", kFirst);
  ListenFds second = std::move(first);
  EXPECT_TRUE(IsOpen(kFirst));
  EXPECT_TRUE(second.Take(at));
}

TEST(ListenFdName, IsAcceptedByTheManager) {
  EXPECT_EQ(ListenFdName(*Endpoint::Parse("127.0.0.1:2525"), 0), "ringpost-127.0.0.1_2525-0");
  EXPECT_EQ(ListenFdName(*Endpoint::Parse("[2001:db8::1]:25"), 11), "ringpost-[2001_db8__1]_25-11");
}

}  // namespace
}  // namespace ringpost::app
