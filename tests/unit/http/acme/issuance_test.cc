// The whole way to a certificate, and every way in which a server can lie, forget, refuse or stall.
#include "gateway/http/acme/issuance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "gateway/base/limits.h"
#include "tests/unit/http/acme/fake_authority.h"

namespace ringpost::acme {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Answer = Issuance::Answer;

// `what`'s answer has `body` in place of its own.
FakeAuthority::Lie Says(const std::string& what, const std::string& body) {
  return [=](const std::string& asked, Answer* answer) {
    if (asked == what) answer->body = body;
  };
}
// ... or with one member changed or taken away (null).
FakeAuthority::Lie Changes(const std::string& what, const std::string& member, const Json& value) {
  return [=](const std::string& asked, Answer* answer) {
    if (asked != what) return;
    Json json = Json::parse(answer->body);
    if (value.is_null()) {
      json.erase(member);
    } else {
      json[member] = value;
    }
    answer->body = json.dump();
  };
}

TEST(IssuanceTest, ObtainsACertificate) {
  FakeAuthority authority;
  Issuance issuance(authority.Options(), authority.now);
  authority.Run(&issuance);
  ASSERT_TRUE(authority.done) << issuance.failure().words;
  EXPECT_EQ(issuance.chain(), authority.issued.chain);
  EXPECT_EQ(issuance.account_url(), "https://ca.example/account/1");
  EXPECT_THAT(authority.asked,
              ElementsAre("directory", "nonce", "account", "order", "authorization", "http",
                          "authorization", "authorization", "my-order", "finalize", "my-order",
                          "my-order", "certificate"));
  // Who we are: by the key at first, by the account from then on; each nonce once.
  EXPECT_EQ(authority.headers[0]["jwk"], Json::parse(authority.account_key->Jwk()));
  std::set<std::string> nonces;
  for (size_t i = 0; i < authority.headers.size(); ++i) {
    EXPECT_TRUE(nonces.insert(authority.headers[i]["nonce"]).second);
    EXPECT_EQ(authority.headers[i].value("kid", ""), i == 0 ? "" : "https://ca.example/account/1");
  }
  EXPECT_EQ(authority.payloads[0],
            (Json{{"termsOfServiceAgreed", true}, {"contact", {"mailto:ops@example.net"}}}));
  EXPECT_EQ(authority.payloads[1],
            (Json{{"identifiers", {{{"type", "dns"}, {"value", "mx.example"}}}}}));
  EXPECT_TRUE(authority.payloads[2].is_null());  // POST-as-GET
  EXPECT_EQ(authority.payloads[3], Json::object());
  ASSERT_EQ(authority.published.size(), 1u);
  EXPECT_EQ(authority.published[0].kind, ChallengeKind::kHttp01);
  EXPECT_EQ(authority.published[0].name, "mx.example");
  EXPECT_EQ(authority.published[0].key_authorization,
            "http-token." + authority.account_key->Thumbprint());
}

TEST(IssuanceTest, UsesTheAccountThatIsThere) {
  FakeAuthority authority;
  Issuance::Options options = authority.Options();
  options.account_url = "https://ca.example/account/7";
  options.email.clear();
  options.challenges = {ChallengeKind::kTlsAlpn01};
  EXPECT_EQ(authority.FailureOf(options), "");
  EXPECT_EQ(authority.CountOf("account"), 0u);
  EXPECT_EQ(authority.headers[0]["kid"], "https://ca.example/account/7");
  ASSERT_EQ(authority.published.size(), 1u);
  EXPECT_EQ(authority.published[0].kind, ChallengeKind::kTlsAlpn01);
  EXPECT_EQ(authority.published[0].token, "alpn-token");
}

TEST(IssuanceTest, ShowsNothingWhereTheNameIsValidatedAlready) {
  FakeAuthority authority;
  authority.authorization = "valid";
  authority.order = "ready";
  EXPECT_EQ(authority.FailureOf(), "");
  EXPECT_TRUE(authority.published.empty());
}

TEST(IssuanceTest, MakesItsAccountAnewOnceWhereTheServerForgotIt) {
  FakeAuthority authority;
  bool forgot = false;
  authority.lie = [&](const std::string& what, Answer* answer) {
    if (what != "order" || std::exchange(forgot, true)) return;
    *answer = FakeAuthority::Refusal(400, "accountDoesNotExist");
  };
  Issuance::Options options = authority.Options();
  options.account_url = "https://ca.example/account/old";
  EXPECT_EQ(authority.FailureOf(options), "");
  EXPECT_EQ(authority.CountOf("account"), 1u);

  FakeAuthority never;
  never.lie = [](const std::string& what, Answer* answer) {
    if (what == "order") *answer = FakeAuthority::Refusal(400, "accountDoesNotExist");
  };
  EXPECT_THAT(never.FailureOf(), HasSubstr("accountDoesNotExist"));
  EXPECT_EQ(never.CountOf("order"), 2u);
}

TEST(IssuanceTest, TakesAnotherNonceWhereOneIsNotLiked) {
  FakeAuthority authority;
  int refused = 0;
  authority.lie = [&](const std::string& what, Answer* answer) {
    if (what == "directory" || what == "nonce" || ++refused % 2 == 0) return;
    std::string nonce = refused % 4 == 1 ? answer->replay_nonce : "";
    // What it did not take it did not do.
    if (what == "http") authority.authorization = "pending";
    if (what == "finalize") authority.order = "ready";
    *answer = FakeAuthority::Refusal(400, "badNonce");
    answer->replay_nonce = nonce;
  };
  EXPECT_EQ(authority.FailureOf(), "");
  EXPECT_GT(authority.CountOf("nonce"), 1u);

  FakeAuthority never;
  never.lie = [](const std::string& what, Answer* answer) {
    if (what == "account") *answer = FakeAuthority::Refusal(400, "badNonce");
  };
  EXPECT_THAT(never.FailureOf(), HasSubstr("badNonce"));
  EXPECT_EQ(never.CountOf("account"), limits::kAcmeNonceTriesMax + 1);
}

TEST(IssuanceTest, LooksAgainWhereTheOrderIsNotReady) {
  FakeAuthority authority;
  int refused = 0;
  authority.lie = [&](const std::string& what, Answer* answer) {
    if (what != "finalize" || ++refused > 2) return;
    authority.order = "ready";
    *answer = FakeAuthority::Refusal(403, "orderNotReady");
  };
  EXPECT_EQ(authority.FailureOf(), "");
  EXPECT_EQ(authority.CountOf("finalize"), 3u);
}

TEST(IssuanceTest, HasAnEndWhereTheServerHasNone) {
  for (const char* what : {"authorization", "my-order"}) {
    FakeAuthority authority;
    authority.lie = [&](const std::string& asked, Answer* answer) {
      bool second = asked == what && authority.CountOf(what) > 1;
      if (!second) return;
      Json json = Json::parse(answer->body);
      json["status"] = "processing";
      answer->body = json.dump();
    };
    MonoTime begun = authority.now;
    EXPECT_THAT(authority.FailureOf(), HasSubstr("it was not done within")) << what;
    EXPECT_LE(authority.now - begun,
              Seconds(limits::kAcmeAttemptSeconds) + Millis(limits::kAcmePollMillisMax));
    EXPECT_LE(authority.asked.size(), limits::kAcmeRequestsMax);
  }
}

TEST(IssuanceTest, WaitsAsTheServerAsksWithinReason) {
  for (const auto& [field, least, most] :
       {std::tuple("3", 3000, 3000), std::tuple("0", 250, 250), std::tuple("86400", 15'000, 15'000),
        std::tuple("soon", 250, 500), std::tuple("", 250, 500)}) {
    FakeAuthority authority;
    authority.lie = [&, value = std::string(field)](const std::string&, Answer* answer) {
      answer->retry_after = value;
    };
    MonoTime begun = authority.now;
    EXPECT_EQ(authority.FailureOf(), "");
    auto took = (authority.now - begun).count();
    EXPECT_GE(took, 4 * least) << field;  // two looks at each of two things
    EXPECT_LE(took, 4 * most) << field;
  }
}

TEST(IssuanceTest, SaysWhatTheServerSaid) {
  FakeAuthority authority;
  authority.lie = [](const std::string& what, Answer* answer) {
    if (what != "order") return;
    *answer = FakeAuthority::Refusal(429, "rateLimited");
    answer->retry_after = "3600";
  };
  EXPECT_EQ(authority.FailureOf(), "the server answered 429: no (rateLimited)");
  EXPECT_EQ(authority.retry_after, Seconds(3600));

  authority.lie = [](const std::string& what, Answer* answer) {
    if (what != "order") return;
    answer->status = 503;
    answer->body = "<html>\x1b[2J away</html>";
  };
  EXPECT_EQ(authority.FailureOf(), "the server answered 503");

  FakeAuthority invalid;
  invalid.lie = [&](const std::string& what, Answer* answer) {
    if (what != "authorization" || invalid.CountOf(what) < 2) return;
    Json json = Json::parse(answer->body);
    json["status"] = "invalid";
    json["challenges"][2]["status"] = "invalid";
    json["challenges"][2]["error"] = {{"type", "urn:ietf:params:acme:error:connection"},
                                      {"detail", "no route to \x01host"}};
    answer->body = json.dump();
  };
  std::string words = invalid.FailureOf();
  EXPECT_THAT(words, HasSubstr("no route to ?host (connection)"));
  EXPECT_THAT(words, HasSubstr("did not find that this host has the name"));
}

TEST(IssuanceTest, FollowsNoRedirects) {
  FakeAuthority authority;
  authority.lie = [](const std::string& what, Answer* answer) {
    if (what != "directory") return;
    answer->status = 302;
    answer->location = "https://elsewhere.example/directory";
  };
  EXPECT_THAT(authority.FailureOf(), HasSubstr("a redirect"));
  EXPECT_EQ(authority.asked.size(), 1u);
}

TEST(IssuanceTest, FollowsNobodyToAnotherHost) {
  for (const char* member : {"newNonce", "newAccount", "newOrder"}) {
    FakeAuthority authority;
    authority.lie = Changes("directory", member, "https://ca.example:8443/" + std::string(member));
    EXPECT_THAT(authority.FailureOf(), HasSubstr("another host")) << member;
  }
}

TEST(IssuanceTest, FollowsNoOtherScheme) {
  for (const char* url : {"http://ca.example/x", "file:///etc/passwd", "", "//ca.example/x",
                          "https://user@ca.example/x", "https://ca.example/a b", "/relative"}) {
    for (const auto& [what, member] :
         {std::pair("directory", "newNonce"), std::pair("directory", "newAccount"),
          std::pair("directory", "newOrder"), std::pair("order", "finalize")}) {
      FakeAuthority authority;
      authority.lie = Changes(what, member, url);
      EXPECT_THAT(authority.FailureOf(), HasSubstr("https URL")) << what << member << url;
    }
    FakeAuthority authority;
    authority.lie = Changes("order", "authorizations", Json{url});
    EXPECT_THAT(authority.FailureOf(), HasSubstr("no https URL")) << url;
    for (const char* what : {"account", "order"}) {
      FakeAuthority moved;
      moved.lie = [&](const std::string& asked, Answer* answer) {
        if (asked == what) answer->location = url;
      };
      EXPECT_THAT(moved.FailureOf(), HasSubstr("no https URL")) << what << url;
    }
  }
}

TEST(IssuanceTest, TakesNothingThatIsNotAsItMustBe) {
  for (const char* what : {"directory", "account", "order", "authorization", "finalize"}) {
    for (const std::string& body :
         {std::string(), std::string("[]"), std::string("null"), std::string("{"),
          std::string("\"text\""), std::string("{}"), std::string(100'000, '['),
          "{\"a\":\"\xff\"}" + std::string()}) {
      FakeAuthority authority;
      authority.lie = Says(what, body);
      EXPECT_NE(authority.FailureOf(), "") << what << ": " << body.substr(0, 20);
    }
  }
  for (const Json& value : {Json(1), Json("x"), Json::array({1}), Json::object(), Json(true)}) {
    for (const auto& [what, member] :
         {std::pair("order", "authorizations"), std::pair("order", "identifiers"),
          std::pair("order", "status"), std::pair("authorization", "identifier"),
          std::pair("authorization", "challenges"), std::pair("account", "status")}) {
      FakeAuthority authority;
      authority.lie = Changes(what, member, value);
      EXPECT_NE(authority.FailureOf(), "") << what << member << value;
    }
  }
}

TEST(IssuanceTest, TakesNothingThatIsTooDeep) {
  auto failure_at = [](size_t depth) {
    Json deep = 1;
    for (size_t i = 1; i < depth; ++i) deep = Json::array({deep});  // the answer itself is one
    FakeAuthority authority;
    authority.lie = Changes("order", "unknown", deep);
    return authority.FailureOf();
  };
  EXPECT_EQ(failure_at(limits::kJsonDepthMax), "");
  EXPECT_THAT(failure_at(limits::kJsonDepthMax + 1), HasSubstr("is not a JSON object"));
}

TEST(IssuanceTest, TakesNoOthersName) {
  FakeAuthority order;
  order.lie = Changes("order", "identifiers", Json{{{"type", "dns"}, {"value", "other.example"}}});
  EXPECT_THAT(order.FailureOf(), HasSubstr("order is for something else"));
  FakeAuthority more;
  more.lie = Changes("order", "identifiers",
                     Json{{{"type", "dns"}, {"value", "mx.example"}},
                          {{"type", "dns"}, {"value", "other.example"}}});
  EXPECT_THAT(more.FailureOf(), HasSubstr("order is for something else"));
  FakeAuthority address;
  address.lie = Changes("order", "identifiers", Json{{{"type", "ip"}, {"value", "mx.example"}}});
  EXPECT_THAT(address.FailureOf(), HasSubstr("order is for something else"));
  FakeAuthority authorization;
  authorization.lie =
      Changes("authorization", "identifier", Json{{"type", "dns"}, {"value", "other.example"}});
  EXPECT_THAT(authorization.FailureOf(), HasSubstr("authorization is for something else"));
  EXPECT_TRUE(authorization.published.empty());
  FakeAuthority wildcard;
  wildcard.lie = Changes("authorization", "wildcard", true);
  EXPECT_THAT(wildcard.FailureOf(), HasSubstr("authorization is for something else"));
}

TEST(IssuanceTest, TakesNoOthersCertificate) {
  Issued other = Issue({"mx.example"});
  FakeAuthority key;
  key.lie = Says("certificate", other.chain);
  EXPECT_THAT(key.FailureOf(), HasSubstr("does not belong"));
  for (const auto& names : {std::vector<std::string>{"other.example"},
                            std::vector<std::string>{"mx.example", "other.example"},
                            std::vector<std::string>{"*.example"}}) {
    FakeAuthority name;
    name.issued = Issue(names);
    EXPECT_THAT(name.FailureOf(), HasSubstr("certificate is for something else"));
  }
  FakeAuthority chain;
  chain.lie = Says("certificate", chain.issued.chain + Issue({"ca.example"}).chain);
  EXPECT_THAT(chain.FailureOf(), HasSubstr("did not issue"));
  FakeAuthority none;
  none.lie = Says("certificate", "no certificate");
  EXPECT_THAT(none.FailureOf(), HasSubstr("no certificate in PEM form"));
  FakeAuthority type;
  type.lie = [](const std::string& what, Answer* answer) {
    if (what == "certificate") answer->content_type = "text/html; charset=utf-8";
  };
  EXPECT_THAT(type.FailureOf(), HasSubstr("application/pem-certificate-chain"));
  FakeAuthority parameter;
  parameter.lie = [](const std::string& what, Answer* answer) {
    if (what == "certificate") answer->content_type = "Application/PEM-certificate-chain; a=b";
  };
  EXPECT_EQ(parameter.FailureOf(), "");
}

TEST(IssuanceTest, TakesNoCertificateItDidNotAskFor) {
  FakeAuthority authority;
  authority.authorization = authority.order = "valid";
  EXPECT_THAT(authority.FailureOf(), HasSubstr("nobody asked for"));
  EXPECT_EQ(authority.CountOf("certificate"), 0u);
  FakeAuthority forgets;
  forgets.lie = [](const std::string& what, Answer* answer) {
    if (what != "finalize") return;
    Json json = Json::parse(answer->body);
    json["status"] = "ready";
    answer->body = json.dump();
  };
  EXPECT_THAT(forgets.FailureOf(), HasSubstr("forgotten"));
  for (const char* state : {"invalid", "deactivated", "revoked"}) {
    FakeAuthority ended;
    ended.order = state;
    EXPECT_THAT(ended.FailureOf(), HasSubstr("came to nothing")) << state;
  }
}

TEST(IssuanceTest, TakesNoTokenThatIsNone) {
  for (const char* token : {"", "a/b", "../x", "a b", "a\r\nb", "t%2f"}) {
    FakeAuthority authority;
    authority.lie =
        Changes("authorization", "challenges",
                Json{{{"type", "http-01"}, {"url", "https://ca.example/http"}, {"token", token}}});
    EXPECT_THAT(authority.FailureOf(), HasSubstr("token")) << token;
  }
  FakeAuthority others;
  others.lie = Changes("authorization", "challenges", Json{{{"type", "dns-01"}}});
  EXPECT_THAT(others.FailureOf(), HasSubstr("none of the challenges"));
  FakeAuthority many;
  many.lie = Changes("authorization", "challenges",
                     Json(std::vector<Json>(limits::kAcmeOffersMax + 1, Json::object())));
  EXPECT_THAT(many.FailureOf(), HasSubstr("too many"));
}

TEST(IssuanceTest, TakesNoNonceThatIsNone) {
  for (const std::string& nonce : {std::string(), std::string("a\"b"), std::string(1000, 'n')}) {
    FakeAuthority authority;
    authority.lie = [&](const std::string& what, Answer* answer) {
      if (what == "nonce") answer->replay_nonce = nonce;
    };
    EXPECT_THAT(authority.FailureOf(), HasSubstr("no nonce"));
  }
}

TEST(IssuanceTest, SaysWhatIsNotSupportedAndWhatWasClosed) {
  FakeAuthority external;
  external.lie = Changes("directory", "meta", Json{{"externalAccountRequired", true}});
  EXPECT_THAT(external.FailureOf(), HasSubstr("externalAccountRequired"));
  FakeAuthority closed;
  closed.lie = Changes("account", "status", "deactivated");
  EXPECT_THAT(closed.FailureOf(), HasSubstr("closed this account"));
}

TEST(IssuanceTest, SaysWhyThereWasNoAnswer) {
  FakeAuthority authority;
  Issuance issuance(authority.Options(), authority.now);
  EXPECT_EQ(issuance.Next(authority.now).kind, Issuance::ActionKind::kSend);
  issuance.OnNoAnswer("connection refused");
  EXPECT_EQ(issuance.Next(authority.now).kind, Issuance::ActionKind::kFailed);
  EXPECT_EQ(issuance.failure().words, "connection refused");
  Issuance::Options options = authority.Options();
  options.directory = "http://ca.example/directory";
  EXPECT_THAT(authority.FailureOf(options), HasSubstr("no https URL"));
}

}  // namespace
}  // namespace ringpost::acme
