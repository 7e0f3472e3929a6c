// What the rules that are compiled in make of bounces by real MTAs (tests/bounces/make_bounces.py)
// of failures that are known: at least 95 of a hundred right, and no rule that names a sample.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "gateway/app/config_bounces.h"

namespace ringpost::app {
namespace {

const std::filesystem::path kGolden =
    std::filesystem::path(RINGPOST_SOURCE_DIR) / "tests/golden/bounces";

std::string FileText(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(BounceClassesOfMtas, AreThoseOfTheFailures) {
  std::ifstream table(kGolden / "expected.tsv");
  std::string path, expected;
  size_t seen = 0, right = 0;
  std::set<std::string> mtas;
  while (std::getline(table, path, '\t') && std::getline(table, expected)) {
    mail::BounceFacts facts = mail::ReadBounce(FileText(kGolden / path));
    ASSERT_EQ(facts.recipients.size(), 1u) << path;
    auto result = DefaultBounceClasses()->Classify(facts.recipients[0]);
    bool same = mail::BounceClassName(result.klass) == expected;
    if (!same) {
      std::printf("%s: %s by line %u, not %s\n", path.c_str(),
                  std::string(mail::BounceClassName(result.klass)).c_str(), result.line,
                  expected.c_str());
    }
    ++seen;
    right += same;
    mtas.insert(path.substr(0, path.find('/')));
  }
  EXPECT_GE(seen, 40u);
  EXPECT_GE(mtas.size(), 4u);
  EXPECT_GE(right * 100, seen * 95);
}

// Hosts, names and numbers of tests/bounces; the rules hold a documented address at most in "@".
TEST(BounceClassesOfMtas, NoRuleNamesASample) {
  std::string rules(DefaultBounceClassesText());
  for (const char* word : {"example", "192.0.2", "bob", "ann@", "4711", "ref 17", "300 second",
                           "virtual mailbox", "r01", "mx."}) {
    EXPECT_EQ(rules.find(word), std::string::npos) << word;
  }
}

}  // namespace
}  // namespace ringpost::app
