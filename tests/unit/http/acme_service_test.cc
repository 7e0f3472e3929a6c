// Certificates that come by themselves, where something goes wrong beside the server: clocks that
// are set, a store that does not write, a configuration that changes meanwhile.
#include "gateway/http/acme_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iterator>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/acme_records.h"
#include "storage/sim/control_store_testing.h"
#include "storage/sim/sync_dropping_file_system.h"
#include "tests/unit/http/acme/fake_authority.h"
#include "tests/unit/tls/tls_pair.h"

namespace ringpost::http {
namespace {

using testing::HasSubstr;

constexpr Seconds kPatience{20};
constexpr Seconds kDay{86'400};
constexpr char kName[] = "mx.example";

// The clock on the wall, by how much it is wrong.
std::atomic<int64_t> clock_error_millis{0};
WallTime WrongClock() { return ReadWallClock() + Millis(clock_error_millis.load()); }
void SetClockWrongBy(Millis error) { clock_error_millis = error.count(); }

// What the service says and when it has changed; who waits for it is woken.
class Heard final : public Log {
 public:
  void Append(std::string_view line) override {
    if (on_line) on_line(line);
    std::lock_guard lock(mutex_);
    lines_.emplace_back(line);
    news_.notify_all();
  }
  void Changed() {
    std::lock_guard lock(mutex_);
    ++changes_;
    news_.notify_all();
  }
  std::vector<std::string> Of(std::string_view event) {
    std::lock_guard lock(mutex_);
    return LinesOf(event);
  }
  bool AwaitEvents(std::string_view event, size_t count) {
    std::unique_lock lock(mutex_);
    return news_.wait_for(lock, kPatience, [&] { return LinesOf(event).size() >= count; });
  }
  bool AwaitChanges(size_t count) {
    std::unique_lock lock(mutex_);
    return news_.wait_for(lock, kPatience, [&] { return changes_ >= count; });
  }

  std::function<void(std::string_view line)> on_line;  // on the service's thread; set before Start

 private:
  std::vector<std::string> LinesOf(std::string_view event) const {
    std::string field = "\"event\":\"" + std::string(event) + "\"";
    std::vector<std::string> found;
    std::copy_if(lines_.begin(), lines_.end(), std::back_inserter(found),
                 [&](const std::string& line) { return line.find(field) != std::string::npos; });
    return found;
  }

  std::mutex mutex_;
  std::condition_variable news_;
  std::vector<std::string> lines_;
  size_t changes_ = 0;
};

// A port of loopback's that refuses connections, or takes them and says nothing.
class Port {
 public:
  explicit Port(bool listens) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(fd_, generic, length), 0);
    EXPECT_EQ(getsockname(fd_, generic, &length), 0);
    number_ = ntohs(address.sin_port);
    EXPECT_TRUE(!listens || listen(fd_, 8) == 0);
  }
  ~Port() { close(fd_); }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  std::string Directory() const {
    return "https://127.0.0.1:" + std::to_string(number_) + "/directory";
  }
  bool AwaitConnection(Millis patience = kPatience) const {
    pollfd waits{fd_, POLLIN, 0};
    return poll(&waits, 1, static_cast<int>(patience.count())) == 1;
  }
  void EndConnection() const { close(accept(fd_, nullptr, nullptr)); }
  // Takes one connection, and under TLS one request without a body.
  void Answer(std::string_view response) const {
    int fd = accept(fd_, nullptr, nullptr);
    tls::Side side;
    side.connection = tls::Connection::Accept(tls::MakeServer({tls::MakeCertificate({kName})}));
    char bytes[4096];
    ssize_t count = 0;
    while (side.heard.find("\r\n\r\n") == std::string::npos &&
           (count = read(fd, bytes, sizeof bytes)) > 0) {
      side.Feed({bytes, static_cast<size_t>(count)});
      Send(fd, side.Take());
    }
    side.Say(response);
    Send(fd, side.Take());
    close(fd);
  }

 private:
  static void Send(int fd, std::string_view bytes) {
    EXPECT_EQ(send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  int fd_;
  uint16_t number_ = 0;
};

class AcmeServiceTest : public testing::Test {
 protected:
  AcmeServiceTest() {
    SetClockWrongBy(Millis(0));
    std::string path = testing::TempDir() + "/ringpost-acme-XXXXXX";
    folder_ = mkdtemp(path.data());
    auto store = storage::ControlStoreTesting::Open(folder_ + "/control.store", files_);
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = std::move(*store);
  }
  ~AcmeServiceTest() override {
    service_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  static AcmeOptions Asking(const Port& port) {
    return {port.Directory(), "", {kName}, {acme::ChallengeKind::kHttp01}, tls::MakeClient()};
  }
  void Make(AcmeOptions options) {
    AcmeService::Setup setup;
    setup.store = store_.get();
    setup.log = &heard_;
    setup.alpn_challenges = &alpn_challenges_;
    setup.http_challenges = &http_challenges_;
    setup.user_agent = "test";
    setup.changed = [this] { heard_.Changed(); };
    setup.wall_clock = WrongClock;
    service_ = AcmeService::Make(std::move(setup), std::move(options));
  }
  // As an earlier run of the program has left it.
  void StoreCertificate(const std::string& directory) {
    acme::Issued issued = acme::Issue({kName});
    Status put = store_->Put(CertificateRecordKey(kName),
                             EncodeCertificate({directory, issued.key, issued.chain}));
    EXPECT_TRUE(put.ok()) << put;
  }
  void StoreAccount(const std::string& directory) {
    Status put =
        store_->Put(AccountRecordKey(directory),
                    EncodeAccount({"https://127.0.0.1/account/1", tls::AcmeKey::Generate()}));
    EXPECT_TRUE(put.ok()) << put;
  }

  std::string folder_;
  std::shared_ptr<storage::SyncDroppingFileSystem> files_ =
      std::make_shared<storage::SyncDroppingFileSystem>(1);
  std::unique_ptr<storage::ControlStore> store_;
  Heard heard_;
  tls::AlpnChallenges alpn_challenges_;
  AcmeChallenges http_challenges_;
  std::unique_ptr<AcmeService> service_;
};

// --- Clocks

TEST_F(AcmeServiceTest, AClockThatIsSetBackDoesNotDelayTheNextTryForYears) {
  Port refuses(false);
  SetClockWrongBy(kDay * 3650);
  heard_.on_line = [](std::string_view line) {
    if (line.find("acme_failed") != std::string_view::npos) SetClockWrongBy(Millis(0));
  };
  Make(Asking(refuses));
  service_->Start();
  ASSERT_TRUE(heard_.AwaitEvents("acme_failed", 2));
  EXPECT_THAT(heard_.Of("acme_failed")[1], HasSubstr("\"failures\":2"));
}

TEST_F(AcmeServiceTest, WhatWasNotValidYetIsUsedOnceTheClockIsRight) {
  Port refuses(false);
  StoreCertificate(refuses.Directory());
  SetClockWrongBy(-kDay * 3650);
  Make(Asking(refuses));
  EXPECT_TRUE(service_->certificates().empty());
  EXPECT_EQ(heard_.Of("acme_store_trouble").size(), 1u);
  SetClockWrongBy(Millis(0));
  service_->Start();
  ASSERT_TRUE(heard_.AwaitChanges(1));
  EXPECT_EQ(service_->certificates().size(), 1u);
  EXPECT_TRUE(heard_.Of("acme_failed").empty()) << "nobody need be asked";
}

// --- A server that makes us wait

std::string Field(std::string_view line, std::string_view name) {
  size_t at = line.find("\"" + std::string(name) + "\":\"");
  if (at == std::string_view::npos) return "";
  line.remove_prefix(at + name.size() + 4);
  return std::string(line.substr(0, line.find('"')));
}

TEST_F(AcmeServiceTest, ACertificateDoesNotRunOutWhileTheServerMakesUsWait) {
  Port busy(true);
  StoreCertificate(busy.Directory());  // for 30 days
  SetClockWrongBy(kDay * 25);
  Make(Asking(busy));
  service_->Start();
  ASSERT_TRUE(busy.AwaitConnection());
  busy.Answer("HTTP/1.1 503 Busy\r\nRetry-After: 604800\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(heard_.AwaitEvents("acme_failed", 1));
  std::string line = heard_.Of("acme_failed")[0];
  EXPECT_LT(Field(line, "next_try"), Field(line, "not_after")) << line;
  EXPECT_GT(Field(line, "next_try"), FormatRfc3339(WrongClock() + kDay)) << line;
}

// --- A store that does not write

TEST_F(AcmeServiceTest, NobodyIsAskedWhereWhatComesCouldNotBeKept) {
  Port silent(true);
  StoreAccount(silent.Directory());
  files_->FailSyncs(storage::SyncDroppingFileSystem::Fault::kIoError, 1, UINT32_MAX);
  Make(Asking(silent));
  service_->Start();
  ASSERT_TRUE(heard_.AwaitEvents("acme_failed", 1));
  EXPECT_FALSE(silent.AwaitConnection(Millis(0)));
  EXPECT_THAT(heard_.Of("acme_failed")[0], HasSubstr("simulated"));
}

// --- A configuration that changes

TEST_F(AcmeServiceTest, WhatFailsBehindAReloadDoesNotPutOffTheOtherServer) {
  Port before(true), after(true);
  Make(Asking(before));
  service_->Start();
  ASSERT_TRUE(before.AwaitConnection());
  service_->Configure(Asking(after));
  ASSERT_TRUE(heard_.AwaitChanges(1));
  before.EndConnection();
  EXPECT_TRUE(after.AwaitConnection());
  EXPECT_TRUE(heard_.Of("acme_failed").empty()) << "that server is not asked any more";
}

TEST_F(AcmeServiceTest, FailuresAtOneServerDoNotCountAtAnother) {
  Port before(false), after(true);
  Make(Asking(before));
  service_->Start();
  ASSERT_TRUE(heard_.AwaitEvents("acme_failed", 1));
  service_->Configure(Asking(after));
  ASSERT_TRUE(heard_.AwaitChanges(1));
  EXPECT_EQ(service_->status().at(0).failures, 0u);
  EXPECT_TRUE(after.AwaitConnection());
}

}  // namespace
}  // namespace ringpost::http
