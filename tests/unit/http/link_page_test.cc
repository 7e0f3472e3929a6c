#include "gateway/http/link_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringpost::http {
namespace {

using testing::HasSubstr;
using testing::Not;
using State = LinkFacts::State;

constexpr std::string_view kToken = "abcdefghijklmnopqrstuvwxyz234567";

LinkFacts Facts(State state) { return {state, "bob@example.com", "acme", "gw.example.org"}; }

Request Asks(std::string_view method, std::string_view target, bool secure = true) {
  return {method, target, "gw.example.org", 1, 11, secure};
}

TEST(LinkPageTest, NamesAllAndHasOneButton) {
  Answer answer = LinkPage(Facts(State::kOpen));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "text/html; charset=utf-8");
  for (const char* part :
       {"bob@example.com", ">acme<", "gw.example.org",
        "<form method=\"post\"><button type=\"submit\">", "<html lang=\"en\">"}) {
    EXPECT_THAT(answer.body, HasSubstr(part));
  }
  EXPECT_THAT(answer.content_security_policy,
              testing::MatchesRegex("default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; "
                                    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"));
  for (const char* part : {"<script", "src=", "href=", "action=", "://", "@import", "url("}) {
    EXPECT_THAT(answer.body, Not(HasSubstr(part)));
  }
}

TEST(LinkPageTest, WhatCannotBePressedHasNoButtonAndItsStatus) {
  for (auto [state, status] : {std::pair(State::kConfirmed, 200),
                               {State::kUsed, 410},
                               {State::kReplaced, 410},
                               {State::kExpired, 410},
                               {State::kUnknown, 404},
                               {State::kTooMany, 429},
                               {State::kUnavailable, 503}}) {
    Answer answer = LinkPage(Facts(state));
    EXPECT_EQ(answer.status, status);
    EXPECT_THAT(answer.body, Not(HasSubstr("<form")));
    EXPECT_NE(answer.content_security_policy, "");
    EXPECT_EQ(answer.retry_after_seconds > 0, status == 429 || status == 503);
  }
}

TEST(LinkPageTest, WhatItNamesIsText) {
  LinkFacts facts = Facts(State::kOpen);
  facts.address = "\"<script>alert('1')</script>&\"@example.com";
  facts.account = "a\"onload=x";
  facts.gateway = "<b>\x01\xff\xe2\x80\xae";
  std::string body = LinkPage(facts).body;
  EXPECT_THAT(body, HasSubstr("&quot;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;@"));
  EXPECT_THAT(body, HasSubstr("a&quot;onload=x"));
  EXPECT_THAT(body, HasSubstr("&lt;b&gt;??"));
  for (const char* part : {"<script", "<b>", "\x01", "\xff", "\xe2\x80\xae"}) {
    EXPECT_THAT(body, Not(HasSubstr(part)));
  }
  EXPECT_EQ(HtmlEscaped("m\xc3\xbcller \xe2\x82\xac"), "m\xc3\xbcller \xe2\x82\xac");
  EXPECT_LE(HtmlEscaped(std::string(100'000, '\'')).size(), 6 * 300u);
}

TEST(LinkDoorTest, OnlyPostConfirms) {
  std::string target = "/confirm/" + std::string(kToken);
  for (const char* method : {"GET", "HEAD"}) {
    auto question = QuestionOf(Asks(method, target), 443);
    ASSERT_TRUE(question) << method;
    EXPECT_EQ(question->token, kToken);
    EXPECT_FALSE(question->confirm) << method;
  }
  EXPECT_TRUE(QuestionOf(Asks("POST", target), 443)->confirm);
  for (const char* method : {"PUT", "DELETE", "OPTIONS", "post", "", "GETT", "PATCH"}) {
    EXPECT_FALSE(QuestionOf(Asks(method, target), 443)) << method;
    Answer answer = AnswerTo(Asks(method, target), {}, 443, Facts(State::kOpen));
    EXPECT_EQ(answer.status, 405);
    EXPECT_EQ(answer.allow, "GET, HEAD, POST");
  }
  EXPECT_EQ(AnswerTo(Asks("GET", target), {}, 443, Facts(State::kOpen)).status, 200);
  EXPECT_EQ(AnswerTo(Asks("POST", target), {}, 443, Facts(State::kConfirmed)).status, 200);
  EXPECT_EQ(AnswerTo(Asks("POST", target), {}, 443).status, 503) << "nobody could say";
}

TEST(LinkDoorTest, WhatIsNoTokenIsUnknownWithoutALook) {
  const std::string token(kToken);
  for (const std::string& other :
       {std::string(), token + "a", token.substr(1), token.substr(1) + "A", token.substr(1) + "1",
        token + "?x", token + "/", "../" + token.substr(3), "%61" + token.substr(1),
        token.substr(1) + "-", std::string(8000, 'a')}) {
    std::string target = "/confirm/" + other;
    EXPECT_FALSE(QuestionOf(Asks("POST", target), 443)) << target;
    Answer answer = AnswerTo(Asks("POST", target), {}, 443, Facts(State::kConfirmed));
    EXPECT_EQ(answer.status, 404) << target;
    EXPECT_THAT(answer.body, Not(HasSubstr("bob@")));
  }
  for (const char* target : {"/confirm", "/Confirm/", "/x/confirm/", "//confirm/"}) {
    Answer answer = AnswerTo(Asks("GET", target + token), {}, 443, Facts(State::kOpen));
    EXPECT_EQ(answer.status, 404) << target;
    EXPECT_THAT(answer.body, HasSubstr("mail gateway"));
  }
}

TEST(LinkDoorTest, InClearItIsRedirectedWhereThereIsHttps) {
  std::string target = "/confirm/" + std::string(kToken);
  for (const char* method : {"GET", "POST"}) {
    Request clear = Asks(method, target, /*secure=*/false);
    EXPECT_FALSE(QuestionOf(clear, 443));
    EXPECT_FALSE(TakesForm(clear, 443));
    Answer answer = AnswerTo(clear, {}, 443, Facts(State::kOpen));
    EXPECT_EQ(answer.status, 308);
    EXPECT_EQ(answer.location, "https://gw.example.org" + target);
    EXPECT_TRUE(QuestionOf(clear, 0)) << "where there is none";
    EXPECT_EQ(AnswerTo(clear, {}, 0, Facts(State::kOpen)).status, 200);
  }
  target = "http://other.example" + target;
  EXPECT_TRUE(QuestionOf(Asks("GET", target, /*secure=*/false), 0));
}

TEST(LinkDoorTest, WithoutAHostNothingIsAskedOrTaken) {
  Request request = Asks("POST", "/confirm/abcdefghijklmnopqrstuvwxyz234567");
  EXPECT_TRUE(TakesForm(request, 443));
  for (uint32_t hosts : {0u, 2u}) {
    request.hosts = hosts;
    EXPECT_FALSE(QuestionOf(request, 443));
    EXPECT_FALSE(TakesForm(request, 443));
    EXPECT_EQ(AnswerTo(request, {}, 443, Facts(State::kConfirmed)).status, 400);
  }
  EXPECT_FALSE(TakesForm(Asks("POST", "/"), 443));
  EXPECT_FALSE(TakesForm(Asks("GET", "/confirm/x"), 443));
}

TEST(LinkDoorTest, NoTokenIsLogged) {
  EXPECT_EQ(LoggedTarget("/confirm/" + std::string(kToken)), "/confirm/...");
  EXPECT_EQ(LoggedTarget("http://a.example/confirm/x?y"), "http://a.example/confirm/...");
  EXPECT_EQ(LoggedTarget("/x?y"), "/x?y");
  EXPECT_EQ(LoggedTarget(std::string(1000, 'a')).size(), limits::kHttpTargetLoggedBytesMax);
}

}  // namespace
}  // namespace ringpost::http
