#include <gtest/gtest.h>

#include "gateway/smtp/capabilities.h"

namespace ringpost::smtp {
namespace {

Capabilities Read(std::initializer_list<const char*> lines) {
  Capabilities capabilities;
  for (const char* line : lines) AddCapability(line, &capabilities);
  FinishCapabilities(&capabilities);
  return capabilities;
}

TEST(Capabilities, ReadsKeywordsOfAnyCase) {
  Capabilities all = Read({"pipelining", "Chunking", "BINARYMIME", "8bitmime", "SMTPUTF8", "DSN",
                           "ENHANCEDSTATUSCODES", "STARTTLS", "SIZE 1000"});
  EXPECT_TRUE(all.pipelining && all.chunking && all.binarymime && all.eight_bit_mime &&
              all.smtputf8);
  EXPECT_TRUE(all.dsn && all.enhanced_status_codes && all.starttls && all.size);
  EXPECT_EQ(all.size_max, 1000u);
}

TEST(Capabilities, IgnoresWhatItDoesNotKnow) {
  Capabilities none = Read({"", "XPIPELINING", "PIPELININGS", "AUTH CRAM-MD5 CHUNKING", "  "});
  EXPECT_FALSE(none.pipelining || none.chunking || none.size);
}

TEST(Capabilities, SizeWithoutOrWithBadValueIsNoLimit) {
  for (const char* line : {"SIZE", "SIZE 0", "SIZE x", "SIZE -1", "SIZE 99999999999999999999999"}) {
    Capabilities read = Read({line});
    EXPECT_TRUE(read.size) << line;
    EXPECT_EQ(read.size_max, 0u) << line;
  }
}

TEST(Capabilities, BinarymimeNeedsChunking) { EXPECT_FALSE(Read({"BINARYMIME"}).binarymime); }

TEST(Capabilities, Limits) {
  Capabilities read = Read({"limits  mailmax=5 RCPTMAX=100 RcptDomainMax=1 OTHER=3"});
  EXPECT_EQ(read.mail_max, 5u);
  EXPECT_EQ(read.recipients_max, 100u);
  EXPECT_EQ(read.recipient_domains_max, 1u);
  read = Read({"LIMITS MAILMAX RCPTMAX=0 RCPTDOMAINMAX=x"});
  EXPECT_EQ(read.mail_max + read.recipients_max + read.recipient_domains_max, 0u);
  EXPECT_EQ(Read({"LIMITS MAILMAX=99999999999"}).mail_max, UINT32_MAX);
}

TEST(ClientCapabilities, Auth) {
  struct {
    std::initializer_list<const char*> lines;
    bool plain, login;
  } cases[] = {{{"AUTH PLAIN LOGIN"}, true, true},
               {{"auth  GSSAPI\tplain"}, true, false},
               {{"AUTH=LOGIN"}, false, true},
               {{"AUTH=LOGIN PLAIN"}, true, true},
               {{"AUTH=CRAM-MD5", "AUTH LOGIN"}, false, true},
               {{"AUTH"}, false, false},
               {{"AUTH="}, false, false},
               {{"AUTH PLAINER XLOGIN", "XAUTH PLAIN", "AUTHPLAIN"}, false, false}};
  for (const auto& one : cases) {
    Capabilities read = Read(one.lines);
    EXPECT_EQ(read.auth_plain, one.plain) << *one.lines.begin();
    EXPECT_EQ(read.auth_login, one.login) << *one.lines.begin();
  }
}

}  // namespace
}  // namespace ringpost::smtp
