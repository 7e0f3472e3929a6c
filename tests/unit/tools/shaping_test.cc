// What `ringpost shaping explain` shows, held to the files NAME.explain under tests/golden/shaping.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "gateway/app/config_shaping.h"
#include "tools/ringpost/view_shaping.h"

namespace ringpost::cli {
namespace {

std::string Slurp(const std::string& name) {
  std::ifstream file(std::string(RINGPOST_SOURCE_DIR) + "/tests/golden/shaping/" + name,
                     std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Json Explained(const std::string& toml, const delivery::ShapingQuery& query) {
  app::Config config;
  config.source_path = "ringpost.toml";
  app::ShapingResult result =
      app::ParseShaping(Slurp(toml), "shaping.toml", app::BaseShaping(config));
  EXPECT_TRUE(result.table) << result.ErrorText();
  return ExplainShaping(*result.table, query);
}

void ExpectGolden(const std::string& name, const std::string& text) {
  EXPECT_EQ(text, Slurp(name)) << "should be in tests/golden/shaping/" << name << ":\n" << text;
}

TEST(ShapingView, AProviderSourceAndAccount) {
  std::vector<std::string> hosts = {"aspmx.l.google.com", "alt1.aspmx.l.google.com"};
  Json explained = Explained("good.toml", {"bank.example", hosts, "new-address", "acme"});
  ExpectGolden("account.explain", ViewShaping(explained, Terminal{}));
}

TEST(ShapingView, ADomainByItsNameAlone) {
  ExpectGolden("name.explain",
               ViewShaping(Explained("good.toml", {.domain = "example.com"}), Terminal{}));
}

TEST(ShapingView, EverySettingIsThereWithItsPlace) {
  Json explained = Explained("good.toml", {.domain = "bank.example"});
  ASSERT_EQ(explained["settings"].size(), delivery::kSettings);
  for (const Json& one : explained["settings"]) {
    bool said = !one["value"].is_null();
    EXPECT_EQ(said, one.contains("rule") && one.contains("file") && one.contains("line"));
    if (one["name"] != "tls") continue;
    EXPECT_EQ(one["value"], "verified");
    EXPECT_EQ(one["rule"], "[[domain]] bank.example");
    EXPECT_EQ(one["file"], "shaping.toml");
    EXPECT_EQ(one["line"], 16);
  }
}

TEST(ShapingView, WhatIsInAFileIsSafeForATerminal) {
  Json explained = Explained("good.toml", {.domain = "bank.example"});
  explained["settings"][0]["rule"] = "\x1b[2J";
  explained["provider"] = "\x1b[2J";
  EXPECT_EQ(ViewShaping(explained, Terminal{}).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace ringpost::cli
