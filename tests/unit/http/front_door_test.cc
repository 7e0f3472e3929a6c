#include "gateway/http/front_door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/base/limits.h"

namespace ringpost::http {
namespace {

using testing::HasSubstr;

Answer Ask(std::string_view target, std::string_view host, uint16_t https_port = 443,
           bool secure = false) {
  static const AcmeChallenges none;
  return AnswerTo({"GET", target, host, 1, 11, secure}, none, https_port);
}

TEST(FrontDoorTest, RedirectsToTheSameUnderHttps) {
  Answer answer = Ask("/a/b?c=d%20e&f", "www.example:80");
  EXPECT_EQ(answer.status, 308);
  EXPECT_EQ(answer.location, "https://www.example/a/b?c=d%20e&f");
  EXPECT_EQ(Ask("/", "www.example", 8465).location, "https://www.example:8465/");
  EXPECT_EQ(Ask("/", "192.0.2.1").location, "https://192.0.2.1/");
  EXPECT_EQ(Ask("/", "[2001:db8::1]:80").location, "https://[2001:db8::1]/");
  EXPECT_EQ(Ask("http://other.example/x", "www.example").location, "https://other.example/x");
  EXPECT_EQ(Ask("HTTP://other.example", "www.example").location, "https://other.example/");
  EXPECT_EQ(Ask("//other.example/x", "www.example").location,
            "https://www.example//other.example/x");
}

TEST(FrontDoorTest, WhereNothingTakesHttpsThereIsNothing) {
  EXPECT_EQ(Ask("/", "www.example", 0).status, 404);
  EXPECT_EQ(Ask("/", "www.example", 443, /*secure=*/true).status, 404);
  EXPECT_EQ(Ask("/", "", 443, /*secure=*/true).status, 404);
  EXPECT_THAT(Ask("/", "www.example", 443, true).body, HasSubstr("mail gateway"));
}

TEST(FrontDoorTest, AHostThatIsNoneIsRefused) {
  for (std::string_view host :
       {"", "a b", "a.example/x", "a.example\r\nX: y", "user@a.example", "a.example:x",
        "a.example:99999", "[::1", "[192.0.2.1]", "[a.example]", "a..example", "-", "<a>",
        "a.example:80:80", "[::1]x"}) {
    Answer answer = Ask("/", host);
    EXPECT_EQ(answer.status, 400) << host;
    EXPECT_EQ(answer.location, "") << host;
  }
  EXPECT_EQ(Ask("/", std::string(300, 'a') + ".example").status, 400);
  const AcmeChallenges none;
  EXPECT_EQ(AnswerTo({"GET", "/", "a.example", 2, 11, false}, none, 443).status, 400);
  EXPECT_EQ(AnswerTo({"GET", "/", "", 0, 11, false}, none, 443).status, 400);
  EXPECT_EQ(AnswerTo({"GET", "/", "", 0, 10, false}, none, 0).status, 404);
}

TEST(FrontDoorTest, ATargetThatIsNoneIsRefused) {
  for (std::string_view target : {"", "*", "a.example:443", "x", "/a b", "/\r\nX: y", "/\x01",
                                  "/\x7f", "/\xff", "/<script>", "/\"", "https://a.example/"}) {
    EXPECT_EQ(Ask(target, "a.example").status, 400) << target;
  }
}

TEST(FrontDoorTest, ChallengesAreAnsweredInClearAlone) {
  AcmeChallenges challenges;
  ASSERT_TRUE(challenges.Add("tok-EN_1", "tok-EN_1.thumbprint").ok());
  Request request{"GET", "/.well-known/acme-challenge/tok-EN_1", "a.example", 1, 11, false};
  Answer answer = AnswerTo(request, challenges, 443);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "tok-EN_1.thumbprint");
  EXPECT_EQ(answer.content_type, "application/octet-stream");
  request.method = "HEAD";
  EXPECT_EQ(AnswerTo(request, challenges, 443).status, 200);
  request.method = "PUT";
  EXPECT_EQ(AnswerTo(request, challenges, 443).status, 405);
  EXPECT_EQ(AnswerTo(request, challenges, 443).allow, "GET, HEAD");
  request.method = "GET";
  for (std::string_view other : {"", "tok-EN_2", "tok-EN_1/", "../tok-EN_1", "tok-EN_1?x"}) {
    std::string target = "/.well-known/acme-challenge/" + std::string(other);
    request.target = target;
    EXPECT_EQ(AnswerTo(request, challenges, 443).status, 404) << "and no redirect: " << other;
  }
  request.target = "/.well-known/acme-challenge/tok-EN_1";
  request.secure = true;
  EXPECT_EQ(AnswerTo(request, challenges, 443).status, 404);
  request.secure = false;
  challenges.Remove("tok-EN_1");
  EXPECT_EQ(AnswerTo(request, challenges, 443).status, 404);
}

TEST(AcmeChallengesTest, IsBoundedAndTakesTokensAlone) {
  AcmeChallenges challenges;
  for (std::string_view token : {"", "a/b", "a.b", "a b", "a=", "\xc3\xa4"}) {
    EXPECT_FALSE(challenges.Add(token, "x").ok()) << token;
  }
  EXPECT_FALSE(challenges.Add(std::string(limits::kAcmeTokenBytesMax + 1, 'a'), "x").ok());
  for (size_t i = 0; i < limits::kAcmeChallengesMax; ++i) {
    EXPECT_TRUE(challenges.Add("t" + std::to_string(i), "x").ok());
  }
  EXPECT_EQ(challenges.Add("one-more", "x").code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(challenges.Add("t0", "new").ok());
  EXPECT_EQ(challenges.Find("t0"), "new");
  challenges.Remove("t0");
  EXPECT_TRUE(challenges.Add("one-more", "x").ok());
}

}  // namespace
}  // namespace ringpost::http
