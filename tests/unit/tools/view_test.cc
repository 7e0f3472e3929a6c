#include "tools/ringpost/view.h"
#include "tools/ringpost/view_identity.h"

#include <gtest/gtest.h>

namespace ringpost::cli {
namespace {

const WallTime kNow = WallFromMillis(1'795'504'584'123);  // 2026-11-24T07:16:24.123Z

Json Entry() {
  return Json::parse(R"({"id":"01K80000010040000000000001","region":"eu","state":"deferred",
    "sender":"news@example.org","recipients":["a@x.example","b@x.example"],"recipients_open":5,
    "next_hop":"127.0.0.1:2626","attempts":2,"received":"2026-11-24T06:16:24.123Z",
    "next_attempt":"2026-11-24T07:21:24.123Z","deadline":"2026-11-29T06:16:24.123Z","bytes":4096,
    "last_reply":"451 4.7.1 try \u001b[2Jagain"})");
}

TEST(View, AnEntryInAList) {
  EXPECT_EQ(ViewEntries(Json::array({Entry()}), kNow, Terminal{}),
            "01K80000010040000000000001  deferred, 1h old, 4 KiB, 2 attempts\n"
            "  news@example.org -> a@x.example (+4 more)\n"
            "  via 127.0.0.1:2626, next attempt in 5m\n"
            "  451 4.7.1 try ?[2Jagain\n");
}

TEST(View, AnEntryInFull) {
  EXPECT_EQ(ViewEntryInFull(Entry(), kNow, Terminal{}),
            "01K80000010040000000000001  deferred\n"
            "  region      eu\n"
            "  sender      news@example.org\n"
            "  next hop    127.0.0.1:2626\n"
            "  size        4 KiB\n"
            "  received    2026-11-24 06:16:24 UTC, 1h ago\n"
            "  tried       2 attempts, next attempt in 5m\n"
            "  gives up    2026-11-29 06:16:24 UTC\n"
            "  last reply  451 4.7.1 try ?[2Jagain\n"
            "  recipients  5 open\n"
            "    a@x.example\n"
            "    b@x.example\n"
            "    and 3 more\n");
}

TEST(View, CertificatesThatComeByThemselves) {
  Json status = Json::parse(R"({"acme":[
    {"name":"mx.example","not_after":"2027-02-22T06:16:24.123Z",
     "next_try":"2027-01-23T06:16:24.123Z","failures":0,"last_failure":""},
    {"name":"new.example","not_after":null,"next_try":"2026-11-24T07:16:24.123Z","failures":0,
     "last_failure":""},
    {"name":"bad.example","not_after":null,"next_try":"2026-11-24T07:17:24.123Z","failures":2,
     "last_failure":"no \u001b[2Janswer"}]})");
  std::string text = ViewStatus(status, false, Terminal{});
  EXPECT_NE(text.find("NAME         CERTIFICATE UNTIL        NEXT TRY                 STATE\n"
                      "mx.example   2027-02-22 06:16:24 UTC  2027-01-23 06:16:24 UTC  good\n"
                      "new.example  none yet                 2026-11-24 07:16:24 UTC  asking\n"
                      "bad.example  none yet                 2026-11-24 07:17:24 UTC  failing\n"
                      "no certificate for bad.example after 2 tries: no ?[2Janswer\n"),
            std::string::npos)
      << text;
  EXPECT_EQ(ViewStatus(Json::object(), false, Terminal{}).find("CERTIFICATE"), std::string::npos);
}

TEST(View, TheNullSenderAndWhatIsHeld) {
  Json entry = Entry();
  entry["sender"] = "";
  entry["state"] = "held";
  entry["attempts"] = 0;
  entry["last_reply"] = "";
  EXPECT_EQ(ViewEntries(Json::array({entry}), kNow, Terminal{}),
            "01K80000010040000000000001  held, 1h old, 4 KiB, not tried\n"
            "  <> -> a@x.example (+4 more)\n"
            "  via 127.0.0.1:2626\n");
}

TEST(View, Summary) {
  Json answer = Json::parse(R"({"ok":true,
    "totals":{"queued":1,"deferred":3,"held":0,"delivering":0,"oldest":"2026-11-24T06:16:24.123Z"},
    "rows":[
      {"region":"eu","domain":"a.example","next_hop":"127.0.0.1:2626","queued":1,"deferred":2,
       "held":0,"delivering":0,"suspended":true,"oldest":"2026-11-24T06:16:24.123Z"},
      {"region":"eu","domain":"","next_hop":"","queued":0,"deferred":1,"held":0,"delivering":0,
       "suspended":false,"oldest":null}],
    "rows_left_out":7})");
  EXPECT_EQ(
      ViewSummary(answer, kNow, Terminal{}),
      "DOMAIN             NEXT HOP                    QUEUED  DEFERRED  HELD  DELIVERING  OLDEST\n"
      "a.example          127.0.0.1:2626 (suspended)       1         2     0           0      1h\n"
      "(further domains)                                   0         1     0           0       -\n"
      "all                                                 1         3     0           0      1h\n"
      "7 smaller domains are counted in the last line and not shown.\n");
  EXPECT_EQ(ViewSummary(Json::parse(R"({"rows":[]})"), kNow, Terminal{}), "The queue is empty.\n");
}

TEST(View, Suspensions) {
  Json answer = Json::parse(R"({"suspensions":[{"region":"eu","domain":"a.example","next_hop":"",
    "until":"2026-11-24T08:16:24.123Z"}]})");
  EXPECT_EQ(ViewSuspensions(answer, kNow, Terminal{}),
            "REGION  DOMAIN     NEXT HOP  UNTIL                    LEFT\n"
            "eu      a.example  -         2026-11-24 08:16:24 UTC    1h\n");
}

TEST(View, Status) {
  Json status = Json::parse(R"({"version":"0.1.0","state":"running","hostname":"gw.example","pid":7,
    "kernel":"6.1.0","reactor_features":"msg_ring yes","config":"","started":"2026-11-24T06:16:24.123Z",
    "uptime_seconds":3600,"config_loaded":"2026-11-24T06:16:24.123Z","memory_bytes":67108864,
    "memory_ceiling_bytes":1073741824,"open_files_max":20000,"listeners":["127.0.0.1:2525"],
    "regions":[{"region":"eu","queued_entries":12,"held_body_bytes":4096,"scan_done":true,
      "spool":{"accepting":false,"reason":"disk full","free_bytes":0,"memtable_bytes":1048576,
      "commit_p50_us":850,"commit_p99_us":12345,"key_memory_locked":false}}],
    "shards":[{"shard":0,"connections":3,"pool_bytes_held":8192,
      "counters":{"messages_accepted_total":10}}],
    "counters":{"messages_accepted_total":10}})");
  std::string text = ViewStatus(status, /*all_counters=*/true, Terminal{});
  EXPECT_TRUE(text.starts_with("ringpostd 0.1.0 on gw.example: running, up 1h\n")) << text;
  EXPECT_NE(text.find("none: embedded development mode"), std::string::npos);
  EXPECT_NE(text.find("64 MiB of 1 GiB"), std::string::npos);
  EXPECT_NE(text.find("refusing      12      4 KiB"), std::string::npos) << text;
  EXPECT_NE(text.find("850 us  12.3 ms"), std::string::npos) << text;
  EXPECT_NE(text.find("region eu refuses mail: disk full"), std::string::npos);
  EXPECT_NE(text.find("raise LimitMEMLOCK"), std::string::npos);
  EXPECT_NE(text.find("messages_accepted_total       10           10"), std::string::npos) << text;
}

TEST(View, ReturnPaths) {
  Json status = Json::parse(
      R"({"counters":{"return_paths_taken_total":1200,"return_paths_refused_total":3}})");
  EXPECT_TRUE(ViewStatus(status, false, Terminal{})
                  .ends_with("\nreturn paths: 1,200 bounces taken, 3 refused\n"));
  EXPECT_EQ(ViewStatus(Json::object(), false, Terminal{}).find("return paths"), std::string::npos);
}

TEST(View, WhatIsUsed) {
  EXPECT_EQ(
      ViewUse(Json::parse(R"({
      "day":{"recipients":1340,"quota":2000,"begins_anew":"2026-11-25T00:00:00.000Z"},
      "month":{"recipients":0,"quota":30000,"begins_anew":"2026-12-01T00:00:00.000Z"},
      "last_24_hours":{"recipients":1340,"hard_bounces":47,"complaints":1}})")),
      "Used:\n"
      "  today           1,340 of 2,000 recipients, begins anew 2026-11-25 00:00:00 UTC\n"
      "  this month      0 of 30,000 recipients, begins anew 2026-12-01 00:00:00 UTC\n"
      "  last 24 hours   1,340 recipients, 47 (3.5 %) bounced for good, 1 (0.1 %) complained\n");
  EXPECT_EQ(
      ViewUse(Json::parse(R"({"last_24_hours":{"recipients":1,"hard_bounces":0,"complaints":0}})")),
      "Used:\n  last 24 hours   1 recipient, 0 bounced for good, 0 complained\n");
  for (const char* nothing : {"{}", "[]", R"({"day":7,"last_24_hours":null})"}) {
    EXPECT_EQ(ViewUse(Json::parse(nothing)), "") << nothing;
  }
}

// An older or newer daemon, or something else entirely: no exception, no crash.
TEST(View, AnythingMayBeMissingOrOfAnotherType) {
  Terminal terminal;
  for (const char* text :
       {"{}", R"({"rows":7,"entries":{},"error":1,"recipients":{"a":1},"shards":[1,"x",null]})",
        R"({"rows":[{"queued":"x","oldest":5}],"totals":[]})"}) {
    Json json = Json::parse(text);
    ViewStatus(json, true, terminal);
    ViewSummary(json, kNow, terminal);
    ViewEntries(Json::array({json}), kNow, terminal);
    ViewEntryInFull(json, kNow, terminal);
    ViewSuspensions(json, kNow, terminal);
    ViewError(json);
  }
}

TEST(View, ErrorsSayWhatToDo) {
  EXPECT_EQ(ViewError(Json::parse(R"({"ok":false,"error":{"code":"busy","message":"no room",
    "hint":"try later"}})")),
            "ringpost: no room\n  try later\n");
}

// A configuration's errors are a line each, and stay so; what is in a line is made harmless.
TEST(View, ErrorsOfSeveralLines) {
  EXPECT_EQ(
      ViewError(Json::parse(R"({"error":{"message":"not loaded:\nr.toml:1:1: a\u001b[0m\n"}})")),
      "ringpost: not loaded:\nr.toml:1:1: a?[0m\n");
}

}  // namespace
}  // namespace ringpost::cli
