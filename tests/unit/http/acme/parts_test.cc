// URLs and schedules.
#include <gtest/gtest.h>

#include "gateway/base/limits.h"
#include "gateway/http/acme/schedule.h"
#include "gateway/http/acme/url.h"

namespace ringpost::acme {
namespace {

TEST(UrlTest, ReadsWhatServersGive) {
  auto url = ParseUrl("https://acme-v02.Example.org/acme/order/1/2?x=%20y");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "acme-v02.example.org");
  EXPECT_EQ(url->port, 443);
  EXPECT_EQ(url->target, "/acme/order/1/2?x=%20y");
  url = ParseUrl("HTTPS://127.0.0.1:14000");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "127.0.0.1");
  EXPECT_EQ(url->port, 14000);
  EXPECT_EQ(url->target, "/");
  EXPECT_EQ(url->authority, "127.0.0.1:14000");
  url = ParseUrl("https://[2001:db8::1]:99?q");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "2001:db8::1");
  EXPECT_EQ(url->port, 99);
  EXPECT_EQ(url->target, "/?q");
}

TEST(UrlTest, RefusesTheRest) {
  for (const std::string& text : {std::string(),
                                  std::string("https://"),
                                  std::string("https:///x"),
                                  std::string("http://a/"),
                                  std::string("https://a b/"),
                                  std::string("https://a/\r\nHost: b"),
                                  std::string("https://u:p@a/"),
                                  std::string("https://a/#f"),
                                  std::string("https://a:0/"),
                                  std::string("https://a:65536/"),
                                  std::string("https://a:/"),
                                  std::string("https://a:1:2/"),
                                  std::string("https://[::1/"),
                                  std::string("https://[a]/"),
                                  std::string("https://[1.2.3.4]/"),
                                  std::string("https://\xc3\xa9/"),
                                  std::string("https://a:-1/"),
                                  std::string("https://::1/"),
                                  "https://a/" + std::string(limits::kAcmeUrlBytesMax, 'x'),
                                  "https://" + std::string(300, 'a') + "/"}) {
    EXPECT_FALSE(ParseUrl(text)) << text;
  }
}

TEST(ScheduleTest, RenewsAtTwoThirdsAndNotAllAtOnce) {
  Random random(1);
  WallTime from = WallFromMillis(1'800'000'000'000), to = from + Seconds(90 * 86400);
  WallTime first = RenewAt(from, to, &random);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    WallTime at = RenewAt(from, to, &random);
    EXPECT_GE(at, from + Seconds(60 * 86400));
    EXPECT_LE(at, from + Seconds(60 * 86400 + 45 * 8640));
    differs |= at - first > Seconds(3600);
  }
  EXPECT_TRUE(differs);
  EXPECT_EQ(RenewAt(to, from, &random), to);  // as a liar might have it
}

TEST(ScheduleTest, BacksOffWithinBounds) {
  Random random(1);
  Millis before(0);
  for (uint32_t failures = 1; failures < 100; ++failures) {
    Millis wait = RetryAfter(failures, Seconds(0), &random);
    EXPECT_GE(wait, Seconds(limits::kAcmeRetrySeconds));
    EXPECT_LE(wait, Seconds(limits::kAcmeRetrySecondsMax) * 5 / 4);
    EXPECT_TRUE(failures >= 8 || wait > before);
    before = wait;
  }
  EXPECT_GE(before, Seconds(limits::kAcmeRetrySecondsMax));
  EXPECT_GE(RetryAfter(1, Seconds(86400), &random), Seconds(86400));
  EXPECT_LE(RetryAfter(1, Seconds(1'000'000'000), &random),
            Seconds(limits::kAcmeRetryAfterSecondsMax) * 5 / 4);
}

TEST(ScheduleTest, ReadsRetryAfter) {
  WallTime now = WallFromMillis(784111777'000);  // Sun, 06 Nov 1994 08:49:37 GMT
  EXPECT_EQ(ParseRetryAfter("120", now), Seconds(120));
  EXPECT_EQ(ParseRetryAfter(" 0 ", now), Seconds(0));
  EXPECT_EQ(ParseRetryAfter("18446744073709551615", now),
            Seconds(limits::kAcmeRetryAfterSecondsMax));
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 1994 08:50:37 GMT", now), Seconds(60));
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 1994 08:00:00 GMT", now), Seconds(0));
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 2094 08:00:00 GMT", now),
            Seconds(limits::kAcmeRetryAfterSecondsMax));
  for (const char* bad : {"", "-1", "1.5", "soon", "Sun, 31 Feb 1994 08:49:37 GMT",
                          "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT",
                          "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 ovD 1994 08:49:37 GMT"}) {
    EXPECT_FALSE(ParseRetryAfter(bad, now)) << bad;
  }
}

}  // namespace
}  // namespace ringpost::acme
