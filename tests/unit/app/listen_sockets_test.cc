#include "gateway/app/listen_sockets.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>
#include <string>

namespace ringpost::app {
namespace {

// Descriptors from here on are free in a test program.
constexpr int kFirst = 600;

class ListenSocketsTest : public testing::Test {
 protected:
  void TearDown() override {
    CloseAll(opened_);
    for (int fd = kFirst; fd < kFirst + 4; ++fd) ::close(fd);
  }
  // A listening socket at descriptor `at`, as the manager would have it.
  static Endpoint Handed(int at, bool reuse_port, uint16_t port = 0) {
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = reuse_port ? 1 : 0;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    sockaddr_storage storage{};
    socklen_t size = Endpoint{*IpAddress::Parse("127.0.0.1"), port}.ToSockaddr(&storage);
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&storage), size), 0);
    EXPECT_EQ(::listen(fd, 5), 0);
    EXPECT_EQ(::dup2(fd, at), at);
    ::close(fd);
    size = sizeof storage;
    ::getsockname(at, reinterpret_cast<sockaddr*>(&storage), &size);
    return *Endpoint::FromSockaddr(storage);
  }
  static ListenFds Fds(const char* count, const std::string& names) {
    return ListenFds::From(std::to_string(::getpid()), count, names, kFirst);
  }
  // As a start does it: what the manager has, then what is missing.
  Status TakeAndOpen(const Endpoint& at, uint32_t count, ListenFds* fds) {
    auto taken = TakeListeners(at, count, fds);
    if (!taken.ok()) return taken.status();
    opened_ = std::move(*taken);
    return OpenListeners(at, count, &opened_);
  }

  std::vector<ListenSocket> opened_;
};

// The one socket of a .socket unit, which has no SO_REUSEPORT, serves every core.
TEST_F(ListenSocketsTest, AUnitsSocketIsSharedByAllShards) {
  Endpoint at = Handed(kFirst, false);
  ListenFds fds = Fds("1", "smtp");
  Status status = TakeAndOpen(at, 3, &fds);
  ASSERT_TRUE(status.ok()) << MessageOf(status);
  ASSERT_EQ(opened_.size(), 3u);
  std::set<int> distinct;
  for (const ListenSocket& socket : opened_) {
    distinct.insert(socket.fd);
    EXPECT_EQ(socket.name, "");  // not for the store: the manager has it anyway
    EXPECT_NE(::fcntl(socket.fd, F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_EQ(::fcntl(socket.fd, F_GETFL) & O_NONBLOCK, 0);
  }
  EXPECT_EQ(distinct.size(), 3u);
  int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_storage storage;
  socklen_t size = at.ToSockaddr(&storage);
  ASSERT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&storage), size), 0);
  for (const ListenSocket& socket : opened_) {
    pollfd ready{socket.fd, POLLIN, 0};
    EXPECT_EQ(::poll(&ready, 1, 1000), 1);
  }
  ::close(client);
}

// What the store has keeps its name there, so that it can be removed under it; new ones take
// others.
TEST_F(ListenSocketsTest, StoredSocketsKeepTheirNames) {
  Endpoint at = Handed(kFirst, true);
  Handed(kFirst + 1, true, at.port);
  ListenFds fds = Fds("2", ListenFdName(at, 3) + ":" + ListenFdName(at, 0));
  Status status = TakeAndOpen(at, 4, &fds);
  ASSERT_TRUE(status.ok()) << MessageOf(status);
  std::vector<std::string> names;
  for (const ListenSocket& socket : opened_) names.push_back(socket.name);
  EXPECT_EQ(names, (std::vector<std::string>{ListenFdName(at, 3), ListenFdName(at, 0),
                                             ListenFdName(at, 1), ListenFdName(at, 2)}));
}

TEST_F(ListenSocketsTest, WhatIsTooManyIsLeftToBeRemoved) {
  Endpoint at = Handed(kFirst, true);
  Handed(kFirst + 1, true, at.port);
  ListenFds fds = Fds("2", ListenFdName(at, 0) + ":" + ListenFdName(at, 1));
  ASSERT_TRUE(TakeAndOpen(at, 1, &fds).ok());
  EXPECT_EQ(fds.CloseRest(), (std::vector<std::string>{ListenFdName(at, 1)}));
}

TEST_F(ListenSocketsTest, NothingHandedOverIsOpened) {
  Endpoint at = Handed(kFirst, false);
  ::close(kFirst);
  ListenFds none;
  ASSERT_TRUE(TakeAndOpen(at, 2, &none).ok());
  EXPECT_EQ(opened_[0].name, ListenFdName(at, 0));
  EXPECT_EQ(opened_[1].name, ListenFdName(at, 1));
  std::vector<ListenSocket> second;
  Status taken = OpenListeners(at, 1, &second);
  EXPECT_NE(MessageOf(taken).find("stop the program that has it"), std::string_view::npos);
}

}  // namespace
}  // namespace ringpost::app
