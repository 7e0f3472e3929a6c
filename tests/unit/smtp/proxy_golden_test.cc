// Golden transcripts of the PROXY protocol: tests/golden/proxy_protocol/*.txt.
//
//   # a comment      C: a line, sent with CRLF      C> bytes, with \r \n \\ \xHH
//   P: parsed, then "source" and "destination", or "the real peer"; with the bytes that follow the
//      header and are the session's     P: malformed     P: more
//
// The C lines up to a P line are one connection's first bytes. A verdict must be that of every way
// in which they can arrive: until the header is whole it is "more", afterwards it does not change.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gateway/smtp/proxy_protocol.h"
#include "tests/unit/smtp/server_harness.h"

namespace ringpost::smtp {
namespace {

using State = ProxyHeader::State;

std::filesystem::path Folder() {
  return std::filesystem::path(RINGPOST_SOURCE_DIR) / "tests/golden/proxy_protocol";
}

std::string Verdict(std::string_view bytes) {
  const ProxyHeader header = ParseProxyHeader(bytes);
  if (header.state == State::kNeedMore) return "more";
  if (header.state == State::kMalformed) return "malformed";
  std::string text = "parsed, the real peer";
  if (header.source) {
    text = "parsed, source " + header.source->ToString() + " destination " +
           header.destination->ToString();
  }
  return text + ", then \"" + Escape(bytes.substr(header.consumed_bytes)) + "\"";
}

// The verdict on all of `bytes`, checked against that on each beginning of them.
void Play(const std::string& bytes, const std::string& expected, const std::string& where) {
  ASSERT_EQ(Verdict(bytes), expected) << where;
  const ProxyHeader whole = ParseProxyHeader(bytes);
  bool decided = false;
  for (size_t size = 0; size <= bytes.size(); ++size) {
    const std::string part = bytes.substr(0, size);
    const ProxyHeader header = ParseProxyHeader(part);
    if (header.state == State::kNeedMore) {
      ASSERT_FALSE(decided) << where << " after " << size << " bytes";
      continue;
    }
    decided = true;
    ASSERT_EQ(header.state, whole.state) << where << " after " << size << " bytes";
    ASSERT_EQ(header.consumed_bytes, whole.consumed_bytes) << where << " after " << size;
    ASSERT_EQ(header.source, whole.source) << where << " after " << size;
  }
}

std::vector<std::string> Transcripts() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(Folder())) {
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class GoldenProxy : public testing::TestWithParam<std::string> {};

TEST_P(GoldenProxy, HoweverItArrives) {
  std::ifstream file(Folder() / (GetParam() + ".txt"));
  std::string line, bytes;
  int verdicts = 0;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string where = GetParam() + ":" + std::to_string(number);
    if (line.empty() || line[0] == '#') continue;
    if (line.starts_with("C: ")) {
      bytes += Unescape(line.substr(3)) + "\r\n";
    } else if (line.starts_with("C> ")) {
      bytes += Unescape(line.substr(3));
    } else if (line.starts_with("P: ")) {
      Play(bytes, line.substr(3), where);
      bytes.clear();
      ++verdicts;
    } else {
      ADD_FAILURE() << where << ": not a transcript line: " << line;
    }
  }
  EXPECT_GT(verdicts, 0);
  EXPECT_EQ(bytes, "") << "without a verdict";
}

INSTANTIATE_TEST_SUITE_P(Transcripts, GoldenProxy, testing::ValuesIn(Transcripts()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace ringpost::smtp
