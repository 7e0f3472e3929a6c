// Requests about suppressions, from JSON to JSON, with real lists of two regions.
#include "gateway/app/suppression_desk.h"

#include <gtest/gtest.h>

#include <future>
#include <string>

#include "gateway/session/suppression_limits.h"
#include "tests/unit/temp_folder.h"

namespace ringpost::app {
namespace {

using identity::Json;

class SuppressionDeskTest : public ::testing::Test {
 protected:
  SuppressionDeskTest() {
    for (const char* name : {"eu", "us"}) {
      auto list = session::SuppressionList::Open(folder_.path() + "/" + name, &log_);
      EXPECT_TRUE(list.ok()) << list.status();
      desk_.AddRegion(name, list->get(), &log_);
      lists_.push_back(std::move(*list));
    }
  }

  static ControlCommand CommandOf(const Json& request) {
    for (auto command : {ControlCommand::kSuppressionAdd, ControlCommand::kSuppressionRemove,
                         ControlCommand::kSuppressionList, ControlCommand::kSuppressionShow}) {
      if (ControlCommandName(command) == request["command"]) return command;
    }
    return ControlCommand::kStatus;
  }

  // As the gateway does it: the account has the number 7 and, unless the request names another,
  // the region "eu".
  Json Ask(const char* text, const std::string& home = "eu") {
    Json members = Json::parse(text);
    auto parsed = ParseSuppressionRequest(CommandOf(members), members);
    if (const auto* error = std::get_if<ControlError>(&parsed)) {
      return {{"ok", false}, {"error", {{"code", error->code}, {"message", error->message}}}};
    }
    auto request = std::get<SuppressionRequest>(std::move(parsed));
    request.account_id = 7;
    std::promise<Json> said;
    desk_.Answer(std::move(request), home, 1000,
                 [&](const Json& answer) { said.set_value(answer); });
    return said.get_future().get();
  }
  static std::string Entries(const Json& answer) {
    std::string all;
    for (const Json& entry : answer["entries"]) {
      all += entry["entry"].get<std::string>() + "=" + entry["reason"].get<std::string>() + " ";
    }
    return all;
  }
  static std::string Why(const Json& answer) {
    EXPECT_FALSE(answer["ok"].get<bool>()) << answer;
    return answer["error"]["code"].get<std::string>() + ": " +
           answer["error"]["message"].get<std::string>();
  }

  TempFolder folder_;
  NullLog log_;
  std::vector<std::unique_ptr<session::SuppressionList>> lists_;
  SuppressionDesk desk_;
};

TEST_F(SuppressionDeskTest, AddsListsShowsAndRemoves) {
  Json added = Ask(R"({"command":"suppression add","account":"acme","entries":[
      {"entry":"Bob@example.com","reason":"complaint","since":"2026-11-28","detail":"said so"},
      {"entry":"example.com"},{"entry":"*.example.com","reason":"bounce"},
      {"entry":"a@example.community"},{"entry":"bob@example.com"}]})");
  EXPECT_EQ(added.dump(),
            R"({"ok":true,"dry_run":false,"added":4,"changed":1,"removed":0,"unchanged":0,)"
            R"("affected":5,"region":"eu"})");
  EXPECT_EQ(Entries(Ask(R"({"command":"suppression list"})")),
            "*.example.com=bounce example.com=manual bob@example.com=manual "
            "a@example.community=manual ");
  EXPECT_EQ(Entries(Ask(R"({"command":"suppression list","domain":"EXAMPLE.com"})")),
            "example.com=manual bob@example.com=manual ");
  EXPECT_EQ(Entries(Ask(R"({"command":"suppression list","reason":"bounce"})")),
            "*.example.com=bounce ");
  EXPECT_EQ(Entries(Ask(R"({"command":"suppression show","name":"bob@example.com"})")),
            "bob@example.com=manual example.com=manual ");
  EXPECT_EQ(Entries(Ask(R"({"command":"suppression show","name":"x@a.example.com"})")),
            "*.example.com=bounce ");
  Json removed = Ask(R"({"command":"suppression remove","entries":["BOB@example.com","no@one"]})");
  EXPECT_EQ(removed["removed"], 1);
  EXPECT_EQ(removed["unchanged"], 1);
  EXPECT_EQ(Why(Ask(R"({"command":"suppression show","name":"x@example.org"})")),
            "not_found: nothing on this list keeps mail from \"x@example.org\"");
}

TEST_F(SuppressionDeskTest, KeepsWhatWasGiven) {
  Ask(R"({"command":"suppression add","entries":[{"entry":"a@example.com","reason":"unsubscribe",
      "since":"2026-11-28T07:16:24.123Z","detail":"d","message":"01KAYT0C5M0000000000000000"}]})");
  Json shown = Ask(R"({"command":"suppression show","name":"a@example.com"})");
  EXPECT_EQ(shown["entries"][0].dump(),
            R"({"entry":"a@example.com","reason":"unsubscribe","since":"2026-11-28T07:16:24.123Z",)"
            R"("detail":"d","message":"01KAYT0C5M0000000000000000"})");
}

TEST_F(SuppressionDeskTest, PagesGoOnWhereTheyEnded) {
  Ask(R"({"command":"suppression add","entries":[{"entry":"a@example.com"},{"entry":"example.com"},
      {"entry":"b@example.com"},{"entry":"c@example.org"}]})");
  Json first = Ask(R"({"command":"suppression list","limit":2})");
  EXPECT_EQ(Entries(first), "example.com=manual a@example.com=manual ");
  Json next = {{"command", "suppression list"}, {"limit", 2}, {"after", first["next"]}};
  Json second = Ask(next.dump().c_str());
  EXPECT_EQ(Entries(second), "b@example.com=manual c@example.org=manual ");
  EXPECT_FALSE(second.contains("next"));
}

TEST_F(SuppressionDeskTest, ADryRunChangesNothing) {
  Json would =
      Ask(R"({"command":"suppression add","dry_run":true,"entries":[{"entry":"a@example.com"}]})");
  EXPECT_EQ(would["added"], 1);
  EXPECT_EQ(would["affected"], 0);
  EXPECT_EQ(lists_[0]->table().size(), 0u);
}

TEST_F(SuppressionDeskTest, EachRegionHasItsOwn) {
  const char* add = R"({"command":"suppression add","entries":[{"entry":"a@example.com"}]})";
  EXPECT_EQ(Ask(add, "us")["region"], "us");
  EXPECT_EQ(lists_[0]->table().size(), 0u);
  EXPECT_EQ(lists_[1]->table().size(), 1u);
  EXPECT_EQ(Ask(R"({"command":"suppression list","region":"us"})")["region"], "us");
  EXPECT_EQ(Why(Ask(add, "")),
            "bad_request: each region has a list of its own, and this account has no region");
  EXPECT_EQ(Why(Ask(add, "mars")), "not_found: there is no region \"mars\"");
}

TEST_F(SuppressionDeskTest, RefusesWhatIsNoRequest) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"command":"suppression add"})", "list of 1 to 5000 entries"},
      {R"({"command":"suppression add","entries":[]})", "list of 1 to 5000 entries"},
      {R"({"command":"suppression add","entries":["a@example.com"]})", "is a JSON object"},
      {R"({"command":"suppression add","entries":[{"entry":"a"},{"entry":"b c"}]})", "entry 2: "},
      {R"({"command":"suppression add","entries":[{"entry":"a@b.c","reason":"x"}]})",
       "\"bounce\", \"unsubscribe\""},
      {R"({"command":"suppression add","entries":[{"entry":"a@b.c","since":"x"}]})",
       "a time in UTC"},
      {R"({"command":"suppression add","entries":[{"entry":"a@b.c","x":1}]})", "\"x\""},
      {R"({"command":"suppression remove","entries":[{"entry":"a@b.c"}]})", "is text"},
      {R"({"command":"suppression list","limit":0})", "at least 1"},
      {R"({"command":"suppression list","domain":"a@b.c"})", "is a domain"},
      {R"({"command":"suppression show"})", "an address or a domain"},
      {R"({"command":"suppression show","name":"a@b.c","entries":[]})", "\"entries\""},
  };
  for (const auto& [request, words] : cases) {
    std::string why = Why(Ask(request));
    EXPECT_EQ(why.substr(0, 12), "bad_request:") << request;
    EXPECT_NE(why.find(words), std::string::npos) << request << ": " << why;
  }
}

}  // namespace
}  // namespace ringpost::app
