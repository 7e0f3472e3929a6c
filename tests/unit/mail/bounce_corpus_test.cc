// Bounces made by real MTAs (tests/bounces/make_bounces.py), with Python's email package as the
// oracle of what their delivery status says.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "gateway/mail/bounce_reader.h"

namespace ringpost::mail {
namespace {

const std::filesystem::path kGolden =
    std::filesystem::path(RINGPOST_SOURCE_DIR) / "tests/golden/bounces";

std::string FileText(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::vector<std::string>> PythonReads() {
  std::string command = "/usr/bin/python3 -B -I -S " RINGPOST_SOURCE_DIR
                        "/tests/unit/mail/read_bounces.py " +
                        kGolden.string();
  std::vector<std::vector<std::string>> rows;
  std::FILE* pipe = popen(command.c_str(), "r");
  char line[8192];
  while (pipe && std::fgets(line, sizeof line, pipe)) {
    std::vector<std::string> row(1);
    for (const char* at = line; *at && *at != '\n'; ++at) {
      *at == '\t' ? void(row.emplace_back()) : row.back().push_back(*at);
    }
    rows.push_back(std::move(row));
  }
  if (pipe) pclose(pipe);
  return rows;
}

TEST(BouncesOfMtas, SayWhatPythonReads) {
  std::vector<std::vector<std::string>> rows = PythonReads();
  EXPECT_GE(rows.size(), 40u);
  for (const std::vector<std::string>& row : rows) {
    SCOPED_TRACE(row[0]);
    ASSERT_EQ(row.size(), 6u);
    BounceFacts facts = ReadBounce(FileText(kGolden / row[0]));
    EXPECT_EQ(facts.kind, BounceKind::kDsn);
    ASSERT_EQ(facts.recipients.size(), 1u);
    const BouncedRecipient& one = facts.recipients[0];
    EXPECT_EQ(one.final, row[1]);
    EXPECT_EQ(one.failed(), row[2] == "failed");
    EXPECT_EQ(one.status.ToString(), row[3]);
    // The words of the last line, whatever codes stand in front of each.
    std::string_view last = std::string_view(row[4]).substr(row[4].rfind(' ') + 1);
    EXPECT_TRUE(std::string_view(one.diagnosis.text).ends_with(last)) << one.diagnosis.text;
    EXPECT_FALSE(one.diagnosis.text.empty());
    EXPECT_EQ(facts.message_id, row[5]);
  }
}

// What the reader knows without its delivery status: from the text for people.
TEST(BouncesOfMtas, AreBouncesByTheirTextAlone) {
  size_t seen = 0, right = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kGolden)) {
    if (entry.path().extension() != ".eml") continue;
    std::string text = FileText(entry.path());
    BounceFacts whole = ReadBounce(text);
    size_t at = text.find("message/delivery-status");
    ASSERT_NE(at, std::string::npos);
    // And without the type of the whole, where it says so.
    while (at != std::string::npos) {
      text.replace(at, 23, "application/octet-stream");
      at = text.find("message/delivery-status");
    }
    BounceFacts facts = ReadBounce(text);
    ++seen;
    bool same = facts.kind == BounceKind::kPlainBounce && facts.recipients.size() == 1 &&
                facts.recipients[0].final == whole.recipients[0].final &&
                facts.recipients[0].failed();
    if (!same) std::printf("not by its text alone: %s\n", entry.path().c_str());
    right += same;
  }
  // OpenSMTPD calls delayed, for people, what has expired.
  EXPECT_GE(right * 100, seen * 95);
  EXPECT_GE(seen, 40u);
}

}  // namespace
}  // namespace ringpost::mail
