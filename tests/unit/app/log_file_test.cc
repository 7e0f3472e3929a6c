#include "gateway/app/log_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "gateway/base/limits.h"

namespace ringpost::app {
namespace {

constexpr Millis kWait{10'000};

class LogFileTest : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/ringpost-log-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
    path_ = folder_ + "/messages.log";
  }
  void TearDown() override {
    std::string command = "rm -rf " + folder_;
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  std::unique_ptr<LogFile> Open(size_t rings = 4) {
    auto log = LogFile::Open(path_, rings);
    EXPECT_TRUE(log.ok()) << log.status();
    return log.ok() ? std::move(*log) : nullptr;
  }
  static std::vector<std::string> Lines(const std::string& path) {
    std::ifstream file(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

  std::string folder_, path_;
};

TEST_F(LogFileTest, WritesLinesInOrder) {
  auto log = Open();
  LogLine(WallFromMillis(1'795'504'584'123), "accepted").Text("from", "a\"b").To(*log);
  log->Append("{\"second\":2}");
  ASSERT_TRUE(log->Flush(kWait));
  EXPECT_EQ(Lines(path_),
            (std::vector<std::string>{
                R"({"time":"2026-11-24T07:16:24.123Z","event":"accepted","from":"a\"b"})",
                R"({"second":2})"}));
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0137, 0u);  // nobody but the group reads it
}

TEST_F(LogFileTest, AppendsToWhatIsThere) {
  std::ofstream(path_) << "old\n";
  Open()->Append("new");
  EXPECT_EQ(Lines(path_), (std::vector<std::string>{"old", "new"}));
}

TEST_F(LogFileTest, SaysWhyItCannotOpen) {
  auto log = LogFile::Open(folder_ + "/missing/messages.log", 1);
  ASSERT_FALSE(log.ok());
  EXPECT_NE(MessageOf(log.status()).find("missing/messages.log: No such file"),
            std::string_view::npos);
}

TEST_F(LogFileTest, TheDestructorWritesTheRest) {
  {
    auto log = Open();
    for (int i = 0; i < 1000; ++i) log->Append("line " + std::to_string(i));
  }
  auto lines = Lines(path_);
  ASSERT_EQ(lines.size(), 1000u);
  EXPECT_EQ(lines.back(), "line 999");
}

// Every line of every thread arrives whole, each thread's in its order.
TEST_F(LogFileTest, ManyThreads) {
  constexpr int kThreads = 6, kEach = 20'000;
  auto log = Open(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&log, t] {
      for (int i = 0; i < kEach; ++i) {
        log->Append("{\"t\":" + std::to_string(t) + ",\"i\":" + std::to_string(i) + "}");
        // Not faster than a disk under a sanitizer: this test is about order, not about dropping.
        if (i % 1000 == 999) {
          ASSERT_TRUE(log->Flush(kWait));
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(log->Flush(kWait));
  EXPECT_EQ(log->stats().lines_dropped, 0u);
  std::map<int, int> next;
  for (const std::string& line : Lines(path_)) {
    auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json["i"].get<int>(), next[json["t"].get<int>()]++);
  }
  for (int t = 0; t < kThreads; ++t) EXPECT_EQ(next[t], kEach);
}

TEST_F(LogFileTest, ReopenFollowsARotation) {
  auto log = Open();
  log->Append("before");
  ASSERT_TRUE(log->Flush(kWait));
  ASSERT_EQ(::rename(path_.c_str(), (path_ + ".1").c_str()), 0);
  log->Append("between");
  ASSERT_TRUE(log->Flush(kWait));
  log->Reopen();
  while (::access(path_.c_str(), F_OK) != 0) ::usleep(1000);
  log->Append("after");
  ASSERT_TRUE(log->Flush(kWait));
  EXPECT_EQ(Lines(path_ + ".1"), (std::vector<std::string>{"before", "between"}));
  EXPECT_EQ(Lines(path_), (std::vector<std::string>{"after"}));
}

TEST_F(LogFileTest, ReopenThatFailsKeepsTheOldFile) {
  auto log = Open();
  ASSERT_EQ(::rename(folder_.c_str(), (folder_ + ".moved").c_str()), 0);
  log->Reopen();
  while (log->stats().write_errors == 0) ::usleep(1000);
  EXPECT_NE(log->stats().last_error.find("No such file"), std::string::npos);
  log->Append("kept");
  ASSERT_TRUE(log->Flush(kWait));
  EXPECT_EQ(Lines(folder_ + ".moved/messages.log"), (std::vector<std::string>{"kept"}));
  ASSERT_EQ(::rename((folder_ + ".moved").c_str(), folder_.c_str()), 0);
}

TEST_F(LogFileTest, ALineThatIsTooLongIsDroppedAndReported) {
  auto log = Open();
  log->Append(std::string(limits::kLogLineBytesMax, 'x'));
  log->Append("short");
  log.reset();
  auto lines = Lines(path_);
  ASSERT_EQ(lines.size(), 2u);
  // The writer may have come by in between.
  size_t at = lines[0] == "short" ? 1 : 0;
  EXPECT_EQ(lines[1 - at], "short");
  auto report = nlohmann::json::parse(lines[at]);
  EXPECT_EQ(report["event"], "log_lines_dropped");
  EXPECT_EQ(report["lines"], 1);
}

// A file that takes nothing: a FIFO whose reader does not read. Logging goes on at memory speed;
// what does not fit is dropped, and counted to the line once the reader reads again.
TEST_F(LogFileTest, ASlowDiskStallsNobody) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  int reader = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  auto log = Open(1);
  const std::string line(1000, 'x');
  constexpr uint64_t kLines = 5000;  // 5 MB against a ring of 2 MiB and a pipe of 64 KiB
  MonoTime start = ReadMonoClock();
  for (uint64_t i = 0; i < kLines; ++i) log->Append(line);
  EXPECT_LT(ReadMonoClock() - start, Seconds(2));
  EXPECT_FALSE(log->Flush(Millis(50)));
  uint64_t dropped = log->stats().lines_dropped;
  EXPECT_GT(dropped, 2000u);

  std::string text;
  std::thread drain([&] {
    char buffer[65536];
    for (;;) {
      ssize_t n = ::read(reader, buffer, sizeof buffer);
      if (n > 0) text.append(buffer, static_cast<size_t>(n));
      if (n == 0) break;  // the writer has closed
      if (n < 0) ::usleep(100);
    }
  });
  log.reset();
  drain.join();
  ::close(reader);
  uint64_t whole = 0, reported = 0;
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find('\n', at);
    ASSERT_NE(end, std::string::npos);
    std::string_view one(text.data() + at, end - at);
    if (one == line) {
      ++whole;
    } else {
      reported += nlohmann::json::parse(one)["lines"].get<uint64_t>();
    }
    at = end + 1;
  }
  EXPECT_EQ(reported, dropped);
  EXPECT_EQ(whole + reported, kLines);
}

// A write that stops in the middle of a line (here: the file size limit; on a full disk the same):
// the piece is ended, and the line comes again, whole.
TEST_F(LogFileTest, ATornLineIsWrittenAgain) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  auto log = Open(1);
  rlimit small = old;
  small.rlim_cur = 25;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  log->Append("0123456789");
  log->Append("abcdefghij");
  log->Append("ABCDEFGHIJ");
  while (log->stats().write_errors == 0) ::usleep(1000);
  EXPECT_NE(log->stats().last_error.find("cannot write"), std::string::npos);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  ASSERT_TRUE(log->Flush(kWait));
  auto lines = Lines(path_);
  std::vector<std::string> whole;
  for (const std::string& one : lines) {
    if (one.size() == 10) whole.push_back(one);
  }
  EXPECT_EQ(whole, (std::vector<std::string>{"0123456789", "abcdefghij", "ABCDEFGHIJ"}));
  EXPECT_LE(lines.size(), 5u);
  EXPECT_EQ(log->stats().last_error, "");
  EXPECT_EQ(log->stats().lines_dropped, 0u);
}

TEST_F(LogFileTest, StandardErrorWhereNoPathIsGiven) {
  int saved = ::dup(STDERR_FILENO);
  int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(::dup2(file, STDERR_FILENO), 0);
  {
    auto log = LogFile::Open("", 1);
    ASSERT_TRUE(log.ok());
    (*log)->Append("to stderr");
    (*log)->Reopen();
    (*log)->Append("still");
    EXPECT_TRUE((*log)->Flush(kWait));
  }
  ASSERT_GE(::dup2(saved, STDERR_FILENO), 0);
  ::close(saved);
  ::close(file);
  EXPECT_EQ(Lines(path_), (std::vector<std::string>{"to stderr", "still"}));
}

}  // namespace
}  // namespace ringpost::app
