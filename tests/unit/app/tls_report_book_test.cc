#include "gateway/app/tls_report_book.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "gateway/app/tls_report_request.h"
#include "gateway/base/log.h"
#include "gateway/mail/tls_report_limits.h"
#include "tests/unit/temp_folder.h"

namespace ringpost::app {
namespace {

namespace limits = mail::limits;
using State = TlsReportState::Target::State;

constexpr UtcDay kDay{20'785};  // 2026-11-28
constexpr Seconds kHour{3600};
constexpr uint64_t kSeed = 7;

class Lines final : public Log {
 public:
  void Append(std::string_view line) override { text.append(line).append("\n"); }
  std::string text;
};

class TlsReportBookTest : public ::testing::Test {
 protected:
  TlsReportBookTest() {
    auto opened = storage::ControlStore::Open(dir_.path() + "/control.store", nullptr);
    EXPECT_TRUE(opened.ok()) << opened.status();
    store_ = std::move(*opened);
    Start(kDay.begin());
  }
  // Another process finds what the one before has saved.
  void Start(WallTime now) {
    book_ = std::make_unique<TlsReportBook>(store_.get(), &log_);
    book_->Load(now);
  }
  void Record(UtcDay day, const std::string& domain, mail::TlsResult result = {}) {
    book_->outcomes()->Record({domain, nullptr, {.result = result}, day.begin() + kHour});
    book_->Take();
  }
  std::set<std::string> DueAt(WallTime now) {
    std::set<std::string> due;
    for (const auto& one : book_->TakeDue(now, kSeed, 1000)) {
      due.insert(one.day.ToString() + " " + one.domain);
    }
    return due;
  }
  size_t Records(std::string_view prefix) {
    size_t count = 0;
    EXPECT_TRUE(
        store_->ForEach(prefix, [&](std::string_view, const std::string&) { ++count; }).ok());
    return count;
  }
  WallTime AllDue() const {
    return kDay.end() + Seconds(limits::kTlsReportDelaySeconds + limits::kTlsReportSpreadSeconds);
  }

  TempFolder dir_;
  Lines log_;
  std::unique_ptr<storage::ControlStore> store_;
  std::unique_ptr<TlsReportBook> book_;
};

TEST(UtcDayTest, LeadsToTextAndBack) {
  EXPECT_EQ(kDay.ToString(), "2026-11-28");
  EXPECT_EQ(UtcDay::Parse("2026-11-28"), kDay);
  EXPECT_EQ(UtcDay::Of(kDay.begin()), kDay);
  EXPECT_EQ(UtcDay::Of(kDay.end() - Millis(1)), kDay);
  EXPECT_EQ(UtcDay::Of(kDay.end()).number, kDay.number + 1);
  EXPECT_EQ(UtcDay::Of(WallFromMillis(-1)).number, -1);
  EXPECT_EQ(UtcDay::Parse("2024-02-29")->ToString(), "2024-02-29");
  for (const char* text : {"", "2026-11-31", "2026-13-01", "2025-02-29", "26-11-28", "2026/11/28",
                           "2026-11-28 ", "today"}) {
    EXPECT_FALSE(UtcDay::Parse(text)) << text;
  }
}

TEST_F(TlsReportBookTest, SumsOutliveAProcessWhereTheyWereSaved) {
  Record(kDay, "a.example");
  Record(kDay, "a.example", mail::TlsResult::kDaneRequired);
  book_->Save(kDay.begin() + kHour);
  Record(kDay, "a.example");
  Start(kDay.begin() + kHour);
  auto sums = book_->Find(kDay, "A.example");
  ASSERT_TRUE(sums);
  EXPECT_EQ(sums->at(0).successful, 1u) << "a kill loses what came behind the last save";
  EXPECT_EQ(sums->at(0).failed, 1u);
  Record(kDay, "a.example");
  book_->Save(kDay.begin() + kHour);
  Start(kDay.begin() + kHour);
  EXPECT_EQ(book_->Find(kDay, "a.example")->at(0).successful, 2u);
  EXPECT_EQ(log_.text, "");
}

TEST_F(TlsReportBookTest, DaysAreApartAndOldOnesGo) {
  UtcDay next{kDay.number + 1};
  Record(kDay, "a.example");
  Record(next, "a.example");
  Record(next, "b.example");
  book_->Save(next.begin());
  EXPECT_EQ(book_->List(kDay, "", 9).size(), 1u);
  EXPECT_EQ(book_->List(next, "", 9).size(), 2u);
  EXPECT_EQ(book_->List(next, "a.example", 9).at(0).domain, "b.example");
  EXPECT_EQ(book_->List(next, "", 1).size(), 1u);
  EXPECT_EQ(Records("tls/sums/"), 3u);
  TlsReportState state{.targets = {{"mailto:x@a.example", State::kSent, ""}}, .over = true};
  EXPECT_TRUE(book_->SetState(kDay, "a.example", state));
  book_->Save(kDay.begin() + kHour * 24 * limits::kTlsDaysMax);
  EXPECT_FALSE(book_->Find(kDay, "a.example"));
  EXPECT_TRUE(book_->Find(next, "a.example"));
  EXPECT_EQ(Records("tls/sums/"), 2u);
  EXPECT_EQ(Records("tls/sent/"), 0u);
  Start(next.begin() + kHour * 24 * limits::kTlsDaysMax);
  EXPECT_EQ(Records("tls/sums/"), 0u) << "a start sweeps too";
}

TEST_F(TlsReportBookTest, ReportsAreDueSomeHoursAfterTheDayAndSpread) {
  constexpr int kDomains = 200;
  for (int i = 0; i < kDomains; ++i) Record(kDay, std::to_string(i) + ".example");
  EXPECT_TRUE(DueAt(kDay.end() - Millis(1)).empty());
  EXPECT_TRUE(DueAt(kDay.end() + Seconds(limits::kTlsReportDelaySeconds) - Seconds(1)).empty());
  size_t half = DueAt(kDay.end() +
                      Seconds(limits::kTlsReportDelaySeconds + limits::kTlsReportSpreadSeconds / 2))
                    .size();
  EXPECT_GT(half, kDomains / 4u);
  EXPECT_LT(half, kDomains * 3 / 4u);
  EXPECT_EQ(DueAt(AllDue()).size(), static_cast<size_t>(kDomains));
  EXPECT_EQ(book_->TakeDue(AllDue(), kSeed, 5).size(), 5u);
}

TEST_F(TlsReportBookTest, WhatWasSentIsNotDueAgainAfterAStart) {
  Record(kDay, "a.example");
  Record(kDay, "b.example");
  book_->Save(AllDue());
  EXPECT_EQ(DueAt(AllDue()).size(), 2u);
  TlsReportState sent{.targets = {{"mailto:x@a.example", State::kSent, ""}}, .over = true};
  EXPECT_TRUE(book_->SetState(kDay, "a.example", sent));
  TlsReportState waits{.targets = {{"https://b.example/", State::kOpen, "503"},
                                   {"mailto:x@b.example", State::kSent, ""}},
                       .due = AllDue() + kHour,
                       .first = AllDue()};
  EXPECT_TRUE(book_->SetState(kDay, "b.example", waits));
  for (int start = 0; start < 2; ++start) {
    EXPECT_TRUE(DueAt(AllDue()).empty());
    EXPECT_EQ(DueAt(AllDue() + kHour), std::set<std::string>{"2026-11-28 b.example"});
    auto state = book_->TakeDue(AllDue() + kHour, kSeed, 9).at(0).state;
    EXPECT_EQ(state.targets.at(0).state, State::kOpen);
    EXPECT_EQ(state.targets.at(0).words, "503");
    EXPECT_EQ(state.targets.at(1).state, State::kSent);
    EXPECT_EQ(state.first, AllDue());
    Start(AllDue());
  }
}

TEST_F(TlsReportBookTest, WhatCannotBeReadIsSentNoSecondTime) {
  Record(kDay, "a.example");
  book_->Save(AllDue());
  EXPECT_TRUE(store_->Put("tls/sent/2026-11-28/a.example", "{").ok());
  EXPECT_TRUE(store_->Put("tls/sums/2026-11-28/b.example", "{").ok());
  EXPECT_TRUE(store_->Put("tls/sums/never/c.example", "[]").ok());
  Start(AllDue());
  EXPECT_TRUE(DueAt(AllDue() + kHour * 24).empty());
  EXPECT_EQ(Records("tls/sums/"), 1u);
}

TEST_F(TlsReportBookTest, AClockThatJumpsMakesNoDaysWithoutEnd) {
  for (int i = 0; i < 50; ++i) Record(UtcDay{kDay.number + 10 * i}, "a.example");
  EXPECT_GT(book_->lost(), 40u);
}

TEST(TlsReportRequestTest, BothKinds) {
  auto parse = [](ControlCommand command, const char* text) {
    return ParseTlsReportRequest(command, identity::Json::parse(text));
  };
  auto report =
      parse(ControlCommand::kTlsReport,
            R"({"command":"tls report","name":"B.example.","day":"2026-11-28","send":true})");
  const auto& asked = std::get<TlsReportRequest>(report);
  EXPECT_TRUE(asked.report && asked.send);
  EXPECT_EQ(asked.name, "b.example");
  EXPECT_EQ(asked.day, kDay);
  auto list = parse(ControlCommand::kTlsOutcomes, R"({"limit":5,"after":"a.example"})");
  EXPECT_EQ(std::get<TlsReportRequest>(list).limit, 5u);
  EXPECT_FALSE(std::get<TlsReportRequest>(list).day);
  for (const char* text : {"{}", R"({"name":""})", R"({"name":"a","day":"now"})",
                           R"({"name":"a","send":1})", R"({"name":"a","limit":5})"}) {
    EXPECT_TRUE(std::holds_alternative<ControlError>(parse(ControlCommand::kTlsReport, text)))
        << text;
  }
  EXPECT_TRUE(
      std::holds_alternative<ControlError>(parse(ControlCommand::kTlsOutcomes, R"({"limit":0})")));
}

}  // namespace
}  // namespace ringpost::app
