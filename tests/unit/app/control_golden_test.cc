// Plays the transcripts of tests/golden/control against a control server over a fake gateway.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "gateway/app/control_server.h"
#include "tests/unit/app/control_peer.h"
#include "tests/unit/app/fake_control_target.h"

namespace ringpost::app {
namespace {

// What differs from run to run.
std::string Steady(std::string line) {
  line =
      std::regex_replace(line, std::regex("\"uptime_seconds\":-?[0-9]+"), "\"uptime_seconds\":0");
  line = std::regex_replace(line, std::regex("\"pid\":[0-9]+"), "\"pid\":1");
  // Which counters there are is their own list's business.
  line = std::regex_replace(line, std::regex("\"counters\":\\{[^}]*\\}"), "\"counters\":{}");
  return std::regex_replace(line, std::regex("\"kernel\":\"[^\"]*\""), "\"kernel\":\"6.1.0\"");
}

class ControlGolden : public testing::TestWithParam<std::string> {};

TEST_P(ControlGolden, Plays) {
  std::string folder = "/tmp/ringpost-golden-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  FakeControlTarget target;
  auto server = ControlServer::Start(folder + "/control.sock", &target, nullptr);
  ASSERT_TRUE(server.ok()) << server.status();
  ControlPeerSocket peer((*server)->path());

  std::ifstream file(std::string(RINGPOST_SOURCE_DIR) + "/tests/golden/control/" + GetParam());
  ASSERT_TRUE(file);
  std::string wanted, played;
  size_t requests = 0;
  for (std::string line; std::getline(file, line);) {
    wanted += line + "\n";
    if (line.starts_with("S: ")) continue;
    played += line + "\n";
    if (!line.starts_with("C: ")) continue;
    ++requests;
    ASSERT_TRUE(peer.Send(line.substr(3) + "\n"));
    played += "S: " + Steady(peer.Line()) + "\n";
  }
  EXPECT_EQ(played, wanted);
  EXPECT_GT(requests, 0u);
  (*server)->Stop();
  ::rmdir(folder.c_str());
}

std::vector<std::string> Transcripts() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(RINGPOST_SOURCE_DIR) +
                                                               "/tests/golden/control")) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Transcripts, ControlGolden, testing::ValuesIn(Transcripts()),
                         [](const auto& name) {
                           return name.param.substr(0, name.param.find('.'));
                         });

}  // namespace
}  // namespace ringpost::app
