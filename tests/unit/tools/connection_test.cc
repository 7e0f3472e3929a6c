#include "tools/ringpost/connection.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace ringpost::cli {
namespace {

class SocketPathTest : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/ringpost-socket-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    path_ = std::string(folder) + "/ringpost.toml";
    ::unsetenv("RINGPOST_SOCKET");
  }
  void TearDown() override {
    ::unlink(path_.c_str());
    ::rmdir(path_.substr(0, path_.rfind('/')).c_str());
  }
  StatusOr<std::string> With(const std::string& text) {
    std::ofstream(path_) << text;
    return SocketPath("", path_);
  }

  std::string path_;
};

TEST_F(SocketPathTest, WhatIsGivenComesFirst) {
  EXPECT_EQ(*SocketPath("/given", path_), "/given");
  ::setenv("RINGPOST_SOCKET", "/from/environment", 1);
  EXPECT_EQ(*SocketPath("", path_), "/from/environment");
  ::unsetenv("RINGPOST_SOCKET");
  EXPECT_TRUE(SocketPath("", path_)->ends_with("/ringpost/control.sock"));  // there is no file
}

// The daemon that runs on an older text of a broken file is the one to speak to; never another.
TEST_F(SocketPathTest, AFileWithErrorsStillNamesItsSocket) {
  EXPECT_EQ(*With("[store]\npath = \"/var/lib/r\"\nnonsense = 1\n"), "/var/lib/r/control.sock");
  EXPECT_EQ(*With("[control]\nsocket = \"/run/r.sock\"\n"), "/run/r.sock");
}

TEST_F(SocketPathTest, AFileThatNamesNoneEndsIt) {
  for (const char* text : {"", "[store", "[control]\nsocket = 7\n"}) {
    auto path = With(text);
    ASSERT_FALSE(path.ok()) << text;
    std::string words(MessageOf(path.status()));
    EXPECT_NE(words.find(path_ + ":"), std::string::npos) << words;
    EXPECT_NE(words.find("--socket PATH"), std::string::npos) << words;
  }
}

}  // namespace
}  // namespace ringpost::cli
