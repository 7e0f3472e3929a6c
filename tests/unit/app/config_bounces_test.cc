// bounce-classes.toml: what it may say, what is said of one that is wrong, and what the rules that
// are compiled in make of common words.
#include "gateway/app/config_bounces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace ringpost::app {
namespace {

using mail::BounceClass;

std::string Errors(std::string_view text) {
  BounceClassesResult result = ParseBounceClasses(text);
  EXPECT_EQ(result.classes == nullptr, !result.errors.empty());
  std::string all;
  for (const ConfigError& error : result.errors) all += error.ToString("f") + "\n";
  return all;
}

TEST(BounceClassesFile, NamesWhatIsWrongAndWhere) {
  EXPECT_EQ(Errors(""), "");
  EXPECT_THAT(
      Errors("[[rule]]\nclas = \"hard\"\ncode = \"550\"\n"),
      ::testing::StartsWith("f:1:1: rule.class: is missing: what the mail is that this rule "
                            "matches, as class = \"hard\"\nf:2:1: rule.clas: unknown key; "
                            "did you mean \"class\"?"));
  EXPECT_EQ(Errors("[[rule]]\nclass = \"hart\"\ncode = \"550\"\n"),
            "f:2:9: rule.class: expects hard, soft, block, content, policy or unknown, not "
            "\"hart\"; did you mean \"hard\"?\n");
  EXPECT_EQ(Errors("[[rule]]\nclass = \"hard\"\n"),
            "f:1:1: rule: has no condition: give it code, status or text\n");
  EXPECT_EQ(Errors("[[rule]]\nclass = \"hard\"\ncode = [\"550\", \"250\"]\nstatus = \"5.1\"\n"),
            "f:3:16: rule.code: expects one like \"550\" or \"4xx\", not \"250\"\n"
            "f:4:10: rule.status: expects one like \"5.1.1\" or \"5.7.x\", not \"5.1\"\n");
  EXPECT_THAT(Errors("[[rule]]\nclass = \"hard\"\ntext = [\"a\",\n  'b(']\n"),
              ::testing::StartsWith("f:4:3: rule.text: the pattern \"b(\": missing )"));
  EXPECT_THAT(Errors("[[rule]]\nclass = \"hard\"\ntext = 'a*'\n"),
              ::testing::HasSubstr("matches an empty text"));
  EXPECT_THAT(Errors("[[rule]\n"), ::testing::StartsWith("f:1:8: is not TOML"));
  EXPECT_THAT(Errors("rule = 1\n"), ::testing::StartsWith("f:1:8: rule: expects sections"));
  EXPECT_THAT(Errors(std::string(limits::kConfigBytesMax + 1, ' ')),
              ::testing::StartsWith("f: is longer than"));
  EXPECT_THAT(Errors("[[rule]]\nclass = \"hard\"\ntext = '((((a{99}){9}){9}){9}){9}'\n"),
              ::testing::HasSubstr("rule.text"));
}

TEST(BounceClassesFile, TheFirstRuleThatMatchesCounts) {
  auto classes = ParseBounceClasses(
                     "[[rule]]\nclass = \"block\"\nstatus = \"5.7.x\"\ntext = ['listed', 'b.d']\n"
                     "[[rule]]\nclass = \"policy\"\nstatus = [\"5.7.1\", \"4.7.1\"]\n"
                     "[[rule]]\nclass = \"soft\"\ncode = \"4x2\"\n")
                     .classes;
  ASSERT_NE(classes, nullptr);
  auto is = [&](int code, smtp::EnhancedCode status, std::string_view text) {
    auto result = classes->Classify(static_cast<uint16_t>(code), status, text);
    return std::pair(result.klass, result.line);
  };
  EXPECT_EQ(is(550, {5, 7, 9}, "you are LISTED"), std::pair(BounceClass::kBlock, 1u));
  EXPECT_EQ(is(550, {5, 7, 1}, "you are\nbad"), std::pair(BounceClass::kBlock, 1u));
  EXPECT_EQ(is(550, {5, 7, 1}, "no"), std::pair(BounceClass::kPolicy, 5u));
  EXPECT_EQ(is(550, {5, 7, 1}, "listed@bad.example"), std::pair(BounceClass::kPolicy, 5u));
  EXPECT_EQ(is(550, {5, 7, 1}, "see https://listed.example/"), std::pair(BounceClass::kPolicy, 5u));
  EXPECT_EQ(is(550, {5, 7, 9}, "no"), std::pair(BounceClass::kUnknown, 0u));
  EXPECT_EQ(is(452, {}, "listed"), std::pair(BounceClass::kSoft, 8u));
  EXPECT_EQ(is(451, {}, "listed"), std::pair(BounceClass::kUnknown, 0u));
  EXPECT_EQ(is(0, {}, ""), std::pair(BounceClass::kUnknown, 0u));
}

TEST(BounceClassesFile, WhatIsShippedIsWhatIsCompiledIn) {
  std::ifstream file(std::filesystem::path(RINGPOST_SOURCE_DIR) /
                     "gateway/app/bounce-classes.toml");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), DefaultBounceClassesText());
  EXPECT_EQ(Errors(text.str()), "");
  EXPECT_GT(DefaultBounceClasses()->size(), 15u);
}

struct Reply {
  const char* text;
  BounceClass klass;
};

// Replies as they are met, by who says them; none of them has served to make a rule of its own.
TEST(BounceClassesFile, CommonReplies) {
  const Reply kReplies[] = {
      {"550 5.1.1 The email account that you tried to reach does not exist.", BounceClass::kHard},
      {"550 Requested action not taken: mailbox unavailable", BounceClass::kHard},
      {"550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
       BounceClass::kHard},
      {"550 5.4.1 Recipient address rejected: Access denied.", BounceClass::kHard},
      {"554 delivery error: dd This user doesn't have an account", BounceClass::kHard},
      {"550 No such user here", BounceClass::kHard},
      {"511 sorry, no mailbox here by that name (#5.1.1 - chkuser)", BounceClass::kHard},
      {"556 5.1.10 Recipient address has a null MX", BounceClass::kHard},
      {"550 Unrouteable address", BounceClass::kHard},
      {"550 5.2.1 The email account that you tried to reach is disabled.", BounceClass::kHard},
      {"452 4.2.2 The email account that you tried to reach is over quota.", BounceClass::kSoft},
      {"552 5.2.2 mailbox full", BounceClass::kSoft},
      {"550 Mailbox quota exceeded", BounceClass::kSoft},
      {"450 4.2.0 Greylisted, see https://x.example/", BounceClass::kSoft},
      {"550 5.2.1 The user you are trying to contact is receiving mail too quickly",
       BounceClass::kSoft},
      {"450 4.1.1 User unknown in local recipient table", BounceClass::kSoft},
      {"421 4.7.0 Temporary server error. Please try again later", BounceClass::kSoft},
      {"554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using a.dnsbl.example",
       BounceClass::kBlock},
      {"550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus.",
       BounceClass::kBlock},
      {"550 SC-001 Unfortunately, messages from 192.0.2.1 weren't sent. Please contact your "
       "Internet service provider since part of their network is on our block list",
       BounceClass::kBlock},
      {"421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to user complaints",
       BounceClass::kBlock},
      {"554 5.7.1 Your IP has a poor reputation", BounceClass::kBlock},
      {"550 5.7.606 Access denied, banned sending IP [192.0.2.1]", BounceClass::kBlock},
      {"552 5.3.4 Message size exceeds fixed maximum message size", BounceClass::kContent},
      {"554 5.7.1 Message rejected as spam by Content Filtering.", BounceClass::kContent},
      {"550 5.7.1 [192.0.2.1] Our system has detected that this message is likely unsolicited "
       "mail.",
       BounceClass::kContent},
      {"554 5.7.1 virus Eicar-Test-Signature detected by ClamAV", BounceClass::kContent},
      {"552 5.7.0 This message was blocked because its content presents a potential security issue",
       BounceClass::kContent},
      {"550 5.7.26 This mail has been blocked because the sender is unauthenticated.",
       BounceClass::kPolicy},
      {"550 5.7.1 Email rejected per DMARC policy for example.com", BounceClass::kPolicy},
      {"550 5.7.23 SPF validation failed", BounceClass::kPolicy},
      {"554 5.7.1 <b@example.net>: Relay access denied", BounceClass::kPolicy},
      {"550 relay not permitted", BounceClass::kPolicy},
      {"530 5.7.0 Must issue a STARTTLS command first", BounceClass::kPolicy},
      {"550 5.7.25 Client host rejected: cannot find your reverse hostname", BounceClass::kPolicy},
      {"554 Transaction failed", BounceClass::kUnknown},
  };
  for (const Reply& one : kReplies) {
    smtp::Reply reply = mail::ReadBounceReply(one.text);
    auto result = DefaultBounceClasses()->Classify(reply.code, reply.enhanced, reply.text);
    EXPECT_EQ(mail::BounceClassName(result.klass), mail::BounceClassName(one.klass))
        << one.text << ", by line " << result.line;
  }
}

}  // namespace
}  // namespace ringpost::app
