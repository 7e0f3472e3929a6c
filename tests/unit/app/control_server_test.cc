#include "gateway/app/control_server.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdlib>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/random.h"
#include "tests/unit/app/control_peer.h"
#include "tests/unit/app/fake_control_target.h"

namespace ringpost::app {
namespace {

class MemoryLog final : public Log {
 public:
  void Append(std::string_view line) override {
    std::lock_guard<std::mutex> lock(mutex_);
    lines_.emplace_back(line);
  }
  std::vector<nlohmann::json> Lines() {
    std::lock_guard<std::mutex> lock(mutex_);
    std::vector<nlohmann::json> lines;
    for (const std::string& line : lines_) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

class ControlServerTest : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/ringpost-control-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
    path_ = folder_ + "/control.sock";
    auto started = ControlServer::Start(path_, &target_, &log_);
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = std::move(*started);
  }
  void TearDown() override {
    server_.reset();
    ::rmdir(folder_.c_str());  // fails, and is seen, where the socket file was left behind
    EXPECT_NE(::access(folder_.c_str(), F_OK), 0);
  }
  bool Alive() {
    ControlPeerSocket peer(path_);
    return peer.connected() && peer.Ask(R"({"command":"status"})")["ok"] == true;
  }

  // The last line before the peer is closed, or before nothing comes for `millis`.
  static std::string LastLine(ControlPeerSocket& peer, int millis) {
    std::string last;
    for (std::string line = peer.Line(millis); line != "<closed>" && line != "<nothing>";
         line = peer.Line(millis)) {
      last = line;
    }
    return last;
  }

  std::string folder_, path_;
  MemoryLog log_;
  FakeControlTarget target_;
  std::unique_ptr<ControlServer> server_;
};

TEST_F(ControlServerTest, OnlyTheOwnerMayConnect) {
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

// Somebody who was let in by the file's mode, or holds a connection of another user, is closed
// unheard.
TEST_F(ControlServerTest, APeerOfAnotherUserIsClosed) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  ASSERT_EQ(::chmod(path_.c_str(), 0666), 0);
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
  pid_t child = ::fork();
  if (child == 0) {
    if (::setuid(65534) != 0) ::_exit(3);
    ControlPeerSocket peer(path_);
    if (!peer.connected()) ::_exit(4);
    peer.Send("{\"command\":\"status\"}\n");
    ::_exit(peer.Line() == "<closed>" ? 0 : 5);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(Alive());
}

TEST_F(ControlServerTest, Status) {
  ControlPeerSocket peer(path_);
  auto answer = peer.Ask(R"({"command":"status"})");
  ASSERT_EQ(answer["ok"], true) << answer;
  const auto& status = answer["status"];
  EXPECT_EQ(status["version"], "0.1.0");
  EXPECT_EQ(status["pid"], ::getpid());
  EXPECT_EQ(status["shards"][0]["counters"].size(), kCounterCount);
  EXPECT_EQ(status["shards"][0]["counters"]["messages_accepted_total"], 1);
  EXPECT_EQ(status["reactor_features"], "kernel 6.1, msg_ring yes, recv_bundle no");
}

TEST_F(ControlServerTest, RequestsAreAnsweredInOrder) {
  ControlPeerSocket peer(path_);
  ASSERT_TRUE(
      peer.Send("{\"command\":\"queue summary\"}\n{\"command\":\"status\"}\r\n"
                "{\"command\":\"suspensions\"}\n"));
  EXPECT_TRUE(nlohmann::json::parse(peer.Line()).contains("rows"));
  EXPECT_TRUE(nlohmann::json::parse(peer.Line()).contains("status"));
  EXPECT_TRUE(nlohmann::json::parse(peer.Line()).contains("suspensions"));
}

TEST_F(ControlServerTest, AHalfClosedPeerStillGetsItsAnswer) {
  ControlPeerSocket peer(path_);
  ASSERT_TRUE(peer.Send("{\"command\":\"queue list\"}\n"));
  ASSERT_EQ(::shutdown(peer.fd(), SHUT_WR), 0);
  EXPECT_EQ(nlohmann::json::parse(peer.Line())["entries"].size(), 6u);
  EXPECT_EQ(peer.Line(), "<closed>");
}

TEST_F(ControlServerTest, SummaryAddsUpTheShards) {
  ControlPeerSocket peer(path_);
  auto answer = peer.Ask(R"({"command":"queue summary","region":"eu"})");
  ASSERT_EQ(answer["ok"], true) << answer;
  ASSERT_EQ(answer["rows"].size(), 2u);
  EXPECT_EQ(answer["rows"][0]["domain"], "a.example");  // 1, 3, 5, homes on one shard
  EXPECT_EQ(answer["rows"][0]["deferred"], 3);
  EXPECT_EQ(answer["rows"][1]["deferred"], 2);
  EXPECT_EQ(answer["totals"]["deferred"], 5);
  EXPECT_EQ(peer.Ask(R"({"command":"queue summary"})")["rows"].size(), 3u);
  EXPECT_EQ(peer.Ask(R"({"command":"queue summary","domain":"B.example"})")["rows"].size(), 1u);
}

// What the shards say matches is counted: one of several next hops, a domain as it was typed.
TEST_F(ControlServerTest, SummaryCountsWhatTheShardsMatch) {
  target_.AddEntry("eu", 7, "a.example", "a:25;b:25");
  ControlPeerSocket peer(path_);
  EXPECT_EQ(peer.Ask(R"({"command":"queue summary","next_hop":"a:25"})")["totals"]["deferred"], 1);
  EXPECT_EQ(peer.Ask(R"({"command":"queue summary","domain":"B.example."})")["totals"]["deferred"],
            2);
}

TEST_F(ControlServerTest, PagesHoldEveryMessageOnce) {
  ControlPeerSocket peer(path_);
  for (int limit = 1; limit <= 7; ++limit) {
    std::vector<std::string> ids;
    nlohmann::json after;
    for (int page = 0; page < 10; ++page) {
      nlohmann::json request = {{"command", "queue list"}, {"limit", limit}};
      if (!after.is_null()) request["after"] = after;
      auto answer = peer.Ask(request.dump());
      ASSERT_EQ(answer["ok"], true) << answer;
      EXPECT_LE(answer["entries"].size(), static_cast<size_t>(limit));
      for (const auto& entry : answer["entries"]) ids.push_back(entry["id"]);
      after = answer["next"];
      if (after.is_null()) break;
    }
    std::vector<std::string> expected;
    for (uint8_t i = 1; i <= 6; ++i) expected.push_back(TestId(i).ToString());
    EXPECT_EQ(ids, expected) << "limit " << limit;
  }
}

// One message with three next hops is three entries, which a page does not tear apart.
TEST_F(ControlServerTest, APageNeverEndsWithinAMessage) {
  for (int i = 0; i < 2; ++i) target_.AddEntry("eu", 2, "c.example");
  ControlPeerSocket peer(path_);
  auto first = peer.Ask(R"({"command":"queue list","region":"eu","limit":3})");
  ASSERT_EQ(first["ok"], true);
  EXPECT_EQ(first["entries"].size(), 1u);
  EXPECT_EQ(first["next"], TestId(1).ToString());
  auto second = peer.Ask(R"({"command":"queue list","region":"eu","limit":2,"after":")" +
                         TestId(1).ToString() + "\"}");
  EXPECT_EQ(second["entries"].size(), 3u);  // more than asked for, rather than a torn message
  EXPECT_EQ(second["next"], TestId(2).ToString());
}

TEST_F(ControlServerTest, ShowFindsOneOrSaysThatThereIsNone) {
  ControlPeerSocket peer(path_);
  auto found = peer.Ask(R"({"command":"queue show","id":")" + TestId(3).ToString() + "\"}");
  ASSERT_EQ(found["ok"], true) << found;
  ASSERT_EQ(found["entries"].size(), 1u);
  EXPECT_EQ(found["entries"][0]["recipients"][0], "user3@a.example");
  EXPECT_EQ(found["entries"][0]["region"], "eu");
  auto missing = peer.Ask(R"({"command":"queue show","id":")" + TestId(99).ToString() + "\"}");
  EXPECT_EQ(missing["ok"], false);
  EXPECT_EQ(missing["error"]["code"], "not_found");
}

TEST_F(ControlServerTest, ChangesAreCountedAndLogged) {
  ControlPeerSocket peer(path_);
  EXPECT_EQ(peer.Ask(R"({"command":"queue hold","domain":"a.example"})")["affected"], 4);
  EXPECT_EQ(peer.Ask(R"({"command":"queue list","held":true})")["entries"].size(), 4u);
  EXPECT_EQ(peer.Ask(R"({"command":"queue delete","all":true,"region":"us"})")["affected"], 1);
  EXPECT_EQ(peer.Ask(R"({"command":"queue list"})")["entries"].size(), 5u);
  EXPECT_EQ(peer.Ask(R"({"command":"queue delete","domain":"nowhere.example"})")["affected"], 0);
  auto lines = log_.Lines();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0]["event"], "control");
  EXPECT_EQ(lines[0]["command"], "queue hold");
  EXPECT_EQ(lines[0]["domain"], "a.example");
  EXPECT_EQ(lines[0]["affected"], 4);
  EXPECT_EQ(lines[0]["uid"], ::geteuid());
  EXPECT_EQ(lines[0]["pid"], ::getpid());
  EXPECT_EQ(lines[0]["outcome"], "ok");
  EXPECT_EQ(lines[1]["all"], true);
}

TEST_F(ControlServerTest, SuspensionsCountOnceHoweverManyShards) {
  ControlPeerSocket peer(path_);
  auto suspended = peer.Ask(R"({"command":"suspend","domain":"A.example","seconds":60})");
  EXPECT_EQ(suspended["affected"], 2) << suspended;  // two regions
  auto list = peer.Ask(R"({"command":"suspensions"})");
  ASSERT_EQ(list["suspensions"].size(), 2u);
  EXPECT_EQ(list["suspensions"][0]["domain"], "a.example");
  EXPECT_EQ(peer.Ask(R"({"command":"resume","all":true})")["affected"], 2);
  EXPECT_EQ(peer.Ask(R"({"command":"suspensions"})")["suspensions"].size(), 0u);
}

TEST_F(ControlServerTest, UnknownRegion) {
  ControlPeerSocket peer(path_);
  auto answer = peer.Ask(R"({"command":"queue list","region":"mars"})");
  EXPECT_EQ(answer["error"]["code"], "not_found");
  EXPECT_EQ(answer["error"]["hint"], "regions: eu, us");
}

TEST_F(ControlServerTest, AFailingShardMakesAPartialAnswer) {
  target_.failing_shard_ = 0;
  ControlPeerSocket peer(path_);
  auto answer = peer.Ask(R"({"command":"queue hold","all":true})");
  EXPECT_EQ(answer["ok"], false);
  EXPECT_EQ(answer["error"]["code"], "partial");
  EXPECT_EQ(answer["error"]["message"], "the store is not writable");
  EXPECT_EQ(answer["affected"], 3);
  target_.refusing_shard_ = 1;
  answer = peer.Ask(R"({"command":"queue hold","all":true})");
  EXPECT_EQ(answer["error"]["code"], "unavailable");
}

// A shard that does not answer holds up its own client, and nobody else.
TEST_F(ControlServerTest, ASilentShardHoldsUpNobodyElse) {
  target_.shard(1).SetAnswering(false);
  ControlPeerSocket waiting(path_);
  ASSERT_TRUE(waiting.Send("{\"command\":\"queue summary\"}\n"));
  EXPECT_EQ(waiting.Line(100), "<nothing>");
  EXPECT_TRUE(Alive());
  target_.shard(1).SetAnswering(true);
  EXPECT_EQ(nlohmann::json::parse(waiting.Line())["ok"], true);
}

// Its commands come back to a client that has gone, and to a server that has stopped.
TEST_F(ControlServerTest, AnswersThatComeTooLateAreDropped) {
  target_.shard(1).SetAnswering(false);
  {
    ControlPeerSocket leaving(path_);
    ASSERT_TRUE(leaving.Send("{\"command\":\"queue hold\",\"all\":true}\n"));
    EXPECT_EQ(leaving.Line(100), "<nothing>");
  }
  EXPECT_TRUE(Alive());  // so the server has seen the peer go before the shard answers
  target_.shard(1).SetAnswering(true);
  while (log_.Lines().empty()) ::usleep(1000);
  EXPECT_EQ(log_.Lines()[0]["outcome"], "the client left before the answer");
  EXPECT_EQ(log_.Lines()[0]["affected"], 6);  // all of it, not what was done when the client left
}

// A change that takes long says how far it is.
TEST_F(ControlServerTest, ChangesReportProgress) {
  target_.shard(1).SetAnswering(false);
  ControlPeerSocket peer(path_);
  ASSERT_TRUE(peer.Send("{\"command\":\"queue hold\",\"region\":\"eu\",\"all\":true}\n"));
  EXPECT_EQ(peer.Line(), R"({"progress":{"affected":2,"shards_waiting":1}})");
  session::QueueProgress* progress = target_.last_command_.load()->progress;
  progress->affected = 2;
  progress->steps += 1000;
  EXPECT_EQ(peer.Line(), R"({"progress":{"affected":4,"shards_waiting":1}})");
  EXPECT_EQ(peer.Line(2 * limits::kControlProgressMillis), "<nothing>");  // it has not got on
  target_.shard(1).SetAnswering(true);
  EXPECT_EQ(peer.Line(), R"({"ok":true,"affected":5})");
}

TEST_F(ControlServerTest, AChangeCutShortByTheEndIsLogged) {
  target_.shard(1).SetAnswering(false);
  ControlPeerSocket peer(path_);
  ASSERT_TRUE(peer.Send("{\"command\":\"queue hold\",\"all\":true}\n"));
  EXPECT_EQ(peer.Line(100), "<nothing>");
  std::thread later([this] {
    ::usleep(100'000);
    target_.shard(1).SetAnswering(true);
  });
  server_->Stop();
  later.join();
  ASSERT_EQ(log_.Lines().size(), 1u);
  EXPECT_EQ(log_.Lines()[0]["outcome"], "the daemon stopped before the answer");
}

// The daemon's own log is not where a region's addresses belong.
TEST_F(ControlServerTest, TheLogOfChangesHoldsNoAddress) {
  ControlPeerSocket peer(path_);
  peer.Ask(R"({"command":"queue hold","sender":"news@example.org"})");
  ASSERT_EQ(log_.Lines().size(), 1u);
  EXPECT_EQ(log_.Lines()[0]["sender_filter"], true);
  EXPECT_EQ(log_.Lines()[0].dump().find("news@"), std::string::npos);
}

TEST_F(ControlServerTest, StopTakesBackWhatShardsHold) {
  target_.shard(1).SetAnswering(false);
  ControlPeerSocket waiting(path_);
  ASSERT_TRUE(waiting.Send("{\"command\":\"queue summary\"}\n"));
  EXPECT_EQ(waiting.Line(100), "<nothing>");
  std::thread later([this] {
    ::usleep(100'000);
    target_.shard(1).SetAnswering(true);
  });
  server_->Stop();
  later.join();
  EXPECT_EQ(nlohmann::json::parse(waiting.Line())["error"]["code"], "stopping");
  EXPECT_EQ(waiting.Line(), "<closed>");
}

TEST_F(ControlServerTest, Reload) {
  ControlPeerSocket peer(path_);
  auto answer = peer.Ask(R"({"command":"reload"})");
  EXPECT_EQ(answer["ok"], true) << answer;
  EXPECT_EQ(answer["reload"]["needs_restart"][0], "reactor.cores");
  target_.reload_outcome_ = {false, "ringpost.toml:3:1: unknown key", {}};
  answer = peer.Ask(R"({"command":"reload"})");
  EXPECT_EQ(answer["ok"], false);
  EXPECT_EQ(answer["error"]["code"], "config");
  EXPECT_NE(answer["error"]["message"].get<std::string>().find("ringpost.toml:3:1"),
            std::string::npos);
}

TEST_F(ControlServerTest, ConfigCheck) {
  ControlPeerSocket peer(path_);
  EXPECT_EQ(peer.Ask(R"({"command":"config check"})")["config"]["valid"], true);
  target_.config_check_ = {false, "/etc/r.toml", {"/etc/r.toml:1:1: x: unknown key"}};
  auto answer = peer.Ask(R"({"command":"config check"})");
  EXPECT_EQ(answer["error"]["code"], "config");
  EXPECT_EQ(answer["config"]["errors"].size(), 1u);
}

TEST_F(ControlServerTest, DrainReportsUntilTheEnd) {
  ControlPeerSocket peer(path_);
  auto progress = peer.Ask(R"({"command":"drain"})");
  EXPECT_EQ(progress["progress"]["state"], "draining");
  EXPECT_EQ(progress["progress"]["connections"], 3);
  EXPECT_TRUE(target_.draining_);
  EXPECT_EQ(nlohmann::json::parse(peer.Line())["progress"]["state"], "draining");
  server_->Stop();
  EXPECT_EQ(LastLine(peer, 100).find("\"ok\""), std::string::npos) << "the daemon still runs";
  server_->EndDrains(true);
  EXPECT_EQ(LastLine(peer, 5000), R"({"ok":true,"stopped":true})");
}

TEST_F(ControlServerTest, ADrainThatWasCutShortIsNotOk) {
  ControlPeerSocket peer(path_);
  peer.Ask(R"({"command":"drain"})");
  server_->Stop();
  server_->EndDrains(false);
  auto answer = nlohmann::json::parse(LastLine(peer, 5000));
  EXPECT_EQ(answer["ok"], false);
  EXPECT_EQ(answer["stopped"], true);
  EXPECT_EQ(answer["error"]["code"], "partial");
}

TEST_F(ControlServerTest, TraceStreamsUntilTheClientLeaves) {
  auto peer = std::make_unique<ControlPeerSocket>(path_);
  auto first = peer->Ask(R"({"command":"trace","client":"127.0.0.0/8"})");
  EXPECT_EQ(first["progress"]["state"], "tracing") << first;
  EXPECT_TRUE(target_.TraceLine("C: EHLO \"x\"\x01\xff"));
  EXPECT_EQ(nlohmann::json::parse(peer->Line())["trace"], "C: EHLO \"x\"\x01\uFFFD");
  ControlPeerSocket other(path_);
  EXPECT_EQ(other.Ask(R"({"command":"trace","client":"127.0.0.0/8"})")["error"]["code"], "busy");
  EXPECT_EQ(other.Ask(R"({"command":"trace","next_hop":"a:25"})")["error"]["code"], "busy");
  peer.reset();
  while (target_.traces_stopped_ == 0) ::usleep(1000);
  EXPECT_FALSE(target_.TraceLine("nobody"));
  EXPECT_EQ(other.Ask(R"({"command":"trace","next_hop":"a:25"})")["error"]["code"], "unsupported");
  EXPECT_EQ(other.Ask(R"({"command":"trace","client":"::/0"})")["progress"]["state"], "tracing");
}

// A tracer that does not read loses lines, and hears how many; memory stays bounded.
TEST_F(ControlServerTest, ASlowTracerLosesLines) {
  ControlPeerSocket peer(path_);
  peer.Ask(R"({"command":"trace","client":"127.0.0.0/8"})");
  const std::string line(1000, 'x');
  constexpr uint64_t kLines = 20'000;
  for (uint64_t i = 0; i < kLines; ++i) ASSERT_TRUE(target_.TraceLine(line));
  ::usleep(100'000);
  uint64_t got = 0, dropped = 0;
  for (;;) {
    std::string text = peer.Line(200);
    if (text == "<nothing>") {
      if (got + dropped >= kLines) break;
      target_.TraceLine("end");  // a loss is reported with the next line that fits
      ++got;
      text = peer.Line();
      --got;
    }
    auto json = nlohmann::json::parse(text);
    if (json.contains("trace") && json["trace"] != "end") ++got;
    if (json.contains("trace_lines_dropped"))
      dropped += json["trace_lines_dropped"].get<uint64_t>();
    ASSERT_LE(got + dropped, kLines + 10);
  }
  EXPECT_GT(dropped, 1000u);
  EXPECT_GT(got, 1000u);
}

TEST_F(ControlServerTest, TooManyClients) {
  std::vector<std::unique_ptr<ControlPeerSocket>> peers;
  for (uint32_t i = 0; i < limits::kControlClientsMax; ++i) {
    peers.push_back(std::make_unique<ControlPeerSocket>(path_));
    ASSERT_EQ(peers.back()->Ask(R"({"command":"status"})")["ok"], true);
  }
  ControlPeerSocket late(path_);
  EXPECT_EQ(nlohmann::json::parse(late.Line())["error"]["code"], "busy");
  EXPECT_EQ(late.Line(), "<closed>");
  peers.pop_back();
  ::usleep(50'000);
  EXPECT_TRUE(Alive());
}

// --- Hostile peers (a local socket that garbage could stop was CVE-2025-62875 of another mail
// server) ---

TEST_F(ControlServerTest, GarbageCostsThePeerItsConnection) {
  for (std::string_view garbage :
       {std::string_view("\n"), std::string_view("GET / HTTP/1.0\r\n\r\n"),
        std::string_view("\0\0\0\0\n", 5), std::string_view("\xff\xfe\n"),
        std::string_view("{\"command\":\"status\"}x\n")}) {
    ControlPeerSocket peer(path_);
    ASSERT_TRUE(peer.Send(garbage));
    EXPECT_EQ(nlohmann::json::parse(peer.Line())["error"]["code"], "protocol");
    EXPECT_EQ(peer.Line(), "<closed>");
  }
  EXPECT_TRUE(Alive());
}

TEST_F(ControlServerTest, ALineThatDoesNotEnd) {
  ControlPeerSocket peer(path_);
  peer.Send(std::string(limits::kControlRequestBytesMax * 4, 'x'));
  EXPECT_EQ(nlohmann::json::parse(peer.Line())["error"]["code"], "protocol");
  EXPECT_EQ(peer.Line(), "<closed>");
  EXPECT_TRUE(Alive());
}

TEST_F(ControlServerTest, AMistakeCostsNothing) {
  ControlPeerSocket peer(path_);
  EXPECT_EQ(peer.Ask(R"({"command":"queue delete"})")["error"]["code"], "bad_request");
  EXPECT_EQ(peer.Ask(R"({"command":"status"})")["ok"], true);
}

// Random bytes, random cuts, sudden closes, unread answers: the daemon goes on.
TEST_F(ControlServerTest, RandomAbuse) {
  Random random(20'261'124);
  const std::vector<std::string> pieces = {"{\"command\":\"status\"}\n",
                                           "{\"command\":\"queue list\"}\n",
                                           "{\"command\":\"reload\"}\n",
                                           "{\"command\":\"trace\",\"client\":\"127.0.0.1\"}\n",
                                           "{\"command\":",
                                           "\n",
                                           "\"}",
                                           "{{{{",
                                           "{\"command\":\"queue hold\",\"all\":true}\n",
                                           "{\"command\":\"suspensions\"}\n"};
  for (int round = 0; round < 300; ++round) {
    ControlPeerSocket peer(path_);
    for (uint64_t step = random.Below(8); step > 0; --step) {
      if (random.OneIn(3)) {
        std::string bytes;
        for (uint64_t n = random.Below(200); n > 0; --n) {
          bytes.push_back(static_cast<char>(random.Next()));
        }
        peer.Send(bytes);
      } else {
        peer.Send(pieces[random.Below(pieces.size())]);
      }
      if (random.OneIn(4)) ::shutdown(peer.fd(), static_cast<int>(random.Below(3)));
      if (random.OneIn(4)) peer.Line(1);
    }
  }
  ::usleep(50'000);
  EXPECT_TRUE(Alive());
}

// --- The socket file

TEST_F(ControlServerTest, ALiveSocketIsNotTakenOver) {
  auto second = ControlServer::Start(path_, &target_, nullptr);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(MessageOf(second.status()).find("another ringpostd answers there"),
            std::string_view::npos);
  EXPECT_TRUE(Alive());
}

TEST_F(ControlServerTest, AnOldSocketFileIsReplaced) {
  std::string path = folder_ + "/old.sock";
  pid_t child = ::fork();
  if (child == 0) {
    int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::strncpy(at.sun_path, path.c_str(), sizeof at.sun_path - 1);
    ::_exit(::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_EQ(::access(path.c_str(), F_OK), 0);
  auto started = ControlServer::Start(path, &target_, nullptr);
  ASSERT_TRUE(started.ok()) << started.status();
  EXPECT_EQ(ControlPeerSocket(path).Ask(R"({"command":"status"})")["ok"], true);
  (*started)->Stop();
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST_F(ControlServerTest, AnythingElseInTheWayIsLeftAlone) {
  std::string path = folder_ + "/file";
  ::fclose(::fopen(path.c_str(), "w"));
  auto started = ControlServer::Start(path, &target_, nullptr);
  ASSERT_FALSE(started.ok());
  EXPECT_NE(MessageOf(started.status()).find("no socket is in the way"), std::string_view::npos);
  EXPECT_EQ(::unlink(path.c_str()), 0);
  EXPECT_FALSE(ControlServer::Start(folder_ + "/none/x", &target_, nullptr).ok());
  EXPECT_FALSE(ControlServer::Start("/tmp/" + std::string(200, 'x'), &target_, nullptr).ok());
  EXPECT_FALSE(ControlServer::Start("", &target_, nullptr).ok());
}

}  // namespace
}  // namespace ringpost::app
