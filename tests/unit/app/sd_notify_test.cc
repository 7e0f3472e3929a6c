#include "gateway/app/sd_notify.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::app {
namespace {

// A service manager's end: a datagram socket that tells what came, descriptors too.
class Receiver {
 public:
  explicit Receiver(const std::string& address) : address_(address) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, address.data(), address.size());
    if (address[0] == '@') name.sun_path[0] = '\0';
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&name), size), 0) << std::strerror(errno);
  }
  ~Receiver() {
    ::close(fd_);
    if (address_[0] == '/') ::unlink(address_.c_str());
  }
  std::string Next(std::vector<int>* fds = nullptr) {
    pollfd p{fd_, POLLIN, 0};
    if (::poll(&p, 1, 5000) != 1) return "nothing came";
    char text[4096];
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 253)];
    iovec piece{text, sizeof text};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t n = ::recvmsg(fd_, &message, MSG_CMSG_CLOEXEC);
    for (cmsghdr* h = CMSG_FIRSTHDR(&message); h; h = CMSG_NXTHDR(&message, h)) {
      if (h->cmsg_type != SCM_RIGHTS) continue;
      size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      std::vector<int> got(count);
      std::memcpy(got.data(), CMSG_DATA(h), count * sizeof(int));
      for (int fd : got) fds ? fds->push_back(fd) : static_cast<void>(::close(fd));
    }
    return n < 0 ? "error" : std::string(text, static_cast<size_t>(n));
  }
  bool Empty() {
    pollfd p{fd_, POLLIN, 0};
    return ::poll(&p, 1, 0) == 0;
  }

 private:
  std::string address_;
  int fd_ = -1;
};

std::string PathAddress() { return "/tmp/ringpost-notify-" + std::to_string(::getpid()); }
std::string AbstractAddress() { return "@ringpost-notify-" + std::to_string(::getpid()); }

TEST(ServiceNotifier, SaysEachThing) {
  for (const std::string& address : {PathAddress(), AbstractAddress()}) {
    SCOPED_TRACE(address);
    Receiver manager(address);
    ServiceNotifier notifier = ServiceNotifier::To(address);
    EXPECT_TRUE(notifier.enabled());
    EXPECT_TRUE(notifier.Ready("accepting mail").ok());
    EXPECT_EQ(manager.Next(), "READY=1\nSTATUS=accepting mail");
    EXPECT_TRUE(notifier.Stopping("draining").ok());
    EXPECT_EQ(manager.Next(), "STOPPING=1\nSTATUS=draining");
    EXPECT_TRUE(notifier.Watchdog().ok());
    EXPECT_EQ(manager.Next(), "WATCHDOG=1");
    EXPECT_TRUE(notifier.ExtendTimeout(std::chrono::seconds(5)).ok());
    EXPECT_EQ(manager.Next(), "EXTEND_TIMEOUT_USEC=5000000");
  }
}

TEST(ServiceNotifier, ReloadingCarriesTheMonotonicTime) {
  Receiver manager(AbstractAddress());
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  uint64_t before = static_cast<uint64_t>(now.tv_sec) * 1'000'000;
  ASSERT_TRUE(ServiceNotifier::To(AbstractAddress()).Reloading().ok());
  std::string text = manager.Next();
  const std::string start = "RELOADING=1\nMONOTONIC_USEC=";
  ASSERT_EQ(text.substr(0, start.size()), start);
  auto micros = ParseDecimal(text.substr(start.size()));
  ASSERT_TRUE(micros);
  EXPECT_GE(*micros, before);
  EXPECT_LE(*micros, before + 60'000'000);
}

TEST(ServiceNotifier, AStatusIsOneLine) {
  Receiver manager(AbstractAddress());
  ASSERT_TRUE(ServiceNotifier::To(AbstractAddress()).Ready("a\nSTOPPING=1\rb").ok());
  EXPECT_EQ(manager.Next(), "READY=1\nSTATUS=a STOPPING=1 b");
}

TEST(ServiceNotifier, StoresDescriptors) {
  Receiver manager(AbstractAddress());
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  ASSERT_TRUE(ServiceNotifier::To(AbstractAddress()).StoreFds("ringpost-a_25-0", pair).ok());
  std::vector<int> fds;
  EXPECT_EQ(manager.Next(&fds), "FDSTORE=1\nFDNAME=ringpost-a_25-0");
  ASSERT_EQ(fds.size(), 2u);
  // They are the same sockets: what goes in at ours comes out at theirs.
  ASSERT_EQ(::write(pair[0], "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(fds[1], &byte, 1), 1);
  EXPECT_EQ(byte, 'x');
  for (int fd : {pair[0], pair[1], fds[0], fds[1]}) ::close(fd);
  ASSERT_TRUE(ServiceNotifier::To(AbstractAddress()).RemoveFds("ringpost-a_25-0").ok());
  EXPECT_EQ(manager.Next(), "FDSTOREREMOVE=1\nFDNAME=ringpost-a_25-0");
}

TEST(ServiceNotifier, RefusesNamesTheManagerWouldRefuse) {
  Receiver manager(AbstractAddress());
  ServiceNotifier notifier = ServiceNotifier::To(AbstractAddress());
  int fd = STDERR_FILENO;
  for (std::string name : {"", "a:b", "a b", "a\nb"}) {
    EXPECT_FALSE(notifier.StoreFds(name, {&fd, 1}).ok()) << name;
    EXPECT_FALSE(notifier.RemoveFds(name).ok()) << name;
  }
  EXPECT_FALSE(notifier.StoreFds(std::string(256, 'a'), {&fd, 1}).ok());
  EXPECT_FALSE(notifier.StoreFds("a", {}).ok());
  std::vector<int> many(limits::kNotifyFdsMax + 1, STDERR_FILENO);
  EXPECT_FALSE(notifier.StoreFds("a", many).ok());
  many.pop_back();
  EXPECT_TRUE(notifier.StoreFds("a", many).ok());
  EXPECT_EQ(manager.Next(), "FDSTORE=1\nFDNAME=a");
}

TEST(ServiceNotifier, NobodyToTellIsFine) {
  ServiceNotifier notifier;
  EXPECT_FALSE(notifier.enabled());
  EXPECT_TRUE(notifier.Ready("x").ok());
  EXPECT_TRUE(notifier.Watchdog().ok());
}

TEST(ServiceNotifier, SaysWhatIsWrong) {
  auto gone = ServiceNotifier::To("/tmp/ringpost-nobody-there").Ready("x");
  EXPECT_FALSE(gone.ok());
  EXPECT_NE(MessageOf(gone).find("No such file"), std::string_view::npos);
  EXPECT_FALSE(ServiceNotifier::To("relative/path").Ready("x").ok());
  EXPECT_FALSE(ServiceNotifier::To("@").Ready("x").ok());
  EXPECT_FALSE(ServiceNotifier::To("/" + std::string(200, 'x')).Ready("x").ok());
}

// A manager that does not read: the socket fills and the call fails, but returns.
TEST(ServiceNotifier, NeverBlocks) {
  Receiver manager(AbstractAddress());
  ServiceNotifier notifier = ServiceNotifier::To(AbstractAddress());
  bool failed = false;
  for (int i = 0; i < 10'000 && !failed; ++i) failed = !notifier.Watchdog().ok();
  EXPECT_TRUE(failed);
}

TEST(ServiceNotifier, ReadsAndClearsTheEnvironment) {
  Receiver manager(PathAddress());
  ::setenv("NOTIFY_SOCKET", PathAddress().c_str(), 1);
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  ServiceNotifier notifier = ServiceNotifier::FromEnvironment();
  EXPECT_EQ(notifier.watchdog_interval(), std::chrono::seconds(30));
  EXPECT_TRUE(notifier.Watchdog().ok());
  EXPECT_EQ(manager.Next(), "WATCHDOG=1");
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
    EXPECT_EQ(std::getenv(name), nullptr) << name;
  }
  EXPECT_FALSE(ServiceNotifier::FromEnvironment().enabled());

  ::setenv("WATCHDOG_USEC", "30000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);  // another process is watched
  EXPECT_FALSE(ServiceNotifier::FromEnvironment().watchdog_interval());
  for (const char* bad : {"0", "-5", "30s", "99999999999999999999"}) {
    ::setenv("WATCHDOG_USEC", bad, 1);
    EXPECT_FALSE(ServiceNotifier::FromEnvironment().watchdog_interval()) << bad;
  }
}

}  // namespace
}  // namespace ringpost::app
