// SaslServer, beyond the transcripts of tests/golden/smtp_server/auth_*.txt: who may be whom,
// tables of what is no message, what is asked.
#include "gateway/smtp/sasl_server.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/smtp/base64.h"

namespace ringpost::smtp {
namespace {

using Step = SaslServer::Step;
using std::string_literals::operator""s;

std::string Base64(std::string_view bytes) {
  std::string out;
  AppendBase64(bytes, &out);
  return out;
}

std::string Decoded(std::string_view text) {
  std::string out;
  EXPECT_TRUE(DecodeBase64(text, &out)) << text;
  return out;
}

constexpr std::string_view kSalt = "sixteen bytes...";
constexpr std::string_view kServerNonce = "3rfcNHYJY1ZVvWVs7j";
const std::string kScramFirst = "n,,n=user,r=fyko";
const std::string kScramFinal = "c=biws,r=fyko3rfcNHYJY1ZVvWVs7j";
const std::string kProof(32, 'p');

// The first message of an exchange.
Step First(SaslMechanism mechanism, std::string_view message) {
  return SaslServer(mechanism).Begin(Base64(message));
}

// The last one of SCRAM.
Step ScramFinal(std::string_view message) {
  SaslServer sasl(SaslMechanism::kScramSha256);
  EXPECT_EQ(sasl.Begin(Base64(kScramFirst)), Step::kSalt);
  EXPECT_EQ(sasl.Challenge(kSalt, 4096, kServerNonce), Step::kChallenge);
  return sasl.Respond(Base64(message));
}

TEST(Sasl, Mechanisms) {
  EXPECT_EQ(ParseSaslMechanism("plain"), SaslMechanism::kPlain);
  EXPECT_EQ(ParseSaslMechanism("LOGIN"), SaslMechanism::kLogin);
  EXPECT_EQ(ParseSaslMechanism("Scram-Sha-256"), SaslMechanism::kScramSha256);
  for (const char* other :
       {"", "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS", "CRAM-MD5", "PLAIN ", "EXTERNAL"}) {
    EXPECT_FALSE(ParseSaslMechanism(other)) << other;
  }
}

TEST(Sasl, PlainAsksForThePassword) {
  for (const std::string& message : {"\0tim\0tanstaaftanstaaf"s, "tim\0tim\0tanstaaftanstaaf"s}) {
    SaslServer sasl(SaslMechanism::kPlain);
    EXPECT_EQ(sasl.Begin(std::nullopt), Step::kChallenge);
    EXPECT_EQ(sasl.challenge(), "");
    EXPECT_EQ(sasl.Respond(Base64(message)), Step::kPassword);
    EXPECT_EQ(sasl.name(), "tim");
    EXPECT_EQ(sasl.password(), "tanstaaftanstaaf");
    EXPECT_EQ(sasl.Accept(), Step::kDone);
    EXPECT_EQ(sasl.password(), "");
    EXPECT_EQ(sasl.name(), "tim");
  }
}

TEST(Sasl, NobodyActsForAnother) {
  EXPECT_EQ(First(SaslMechanism::kPlain, "Ursel\0Kurt\0xipj3plmq"s), Step::kForeign);  // RFC 4616
  EXPECT_EQ(First(SaslMechanism::kPlain, "TIM\0tim\0tanstaaf"s), Step::kForeign);
  EXPECT_EQ(First(SaslMechanism::kScramSha256, "n,a=other,n=user,r=fyko"), Step::kForeign);
  EXPECT_EQ(First(SaslMechanism::kScramSha256, "n,a=user2,n=user,r=fyko"), Step::kForeign);
  EXPECT_EQ(First(SaslMechanism::kScramSha256, "n,user,n=user,r=fyko"), Step::kForeign);
  EXPECT_EQ(First(SaslMechanism::kScramSha256, "n,a=user,n=user,r=fyko"), Step::kSalt);
}

TEST(Sasl, WhatIsNoPlain) {
  const std::string long_name(limits::kAuthUserBytesMax + 1, 'u');
  const std::string long_password(limits::kAuthSecretBytesMax + 1, 'p');
  for (const std::string& message :
       {""s, "tim"s, "\0"s, "\0\0"s, "\0tim"s, "\0tim\0"s, "\0\0password"s, "\0tim\0pass\0word"s,
        "\0tim\0pass\0"s, "tim\0password"s, "\0ti\nm\0password"s, "\0tim\0pass\r\nword"s,
        "\0\xff\0password"s, "\0tim\0\xc0\xaf"s, "\0" + long_name + "\0p"s,
        "\0tim\0"s + long_password}) {
    EXPECT_EQ(First(SaslMechanism::kPlain, message), Step::kMalformed) << Base64(message);
  }
}

TEST(Sasl, Login) {
  SaslServer sasl(SaslMechanism::kLogin);
  EXPECT_EQ(sasl.Begin(std::nullopt), Step::kChallenge);
  EXPECT_EQ(Decoded(sasl.challenge()), "Username:");
  EXPECT_EQ(sasl.Respond(Base64("tim")), Step::kChallenge);
  EXPECT_EQ(Decoded(sasl.challenge()), "Password:");
  EXPECT_EQ(sasl.Respond(Base64("p\xc3\xa4ss")), Step::kPassword);
  EXPECT_EQ(sasl.name(), "tim");
  EXPECT_EQ(sasl.password(), "p\xc3\xa4ss");
  for (const std::string& bad : {""s, "a\0b"s, "\x7f"s, "\xe4"s}) {
    EXPECT_EQ(First(SaslMechanism::kLogin, bad), Step::kMalformed);
    SaslServer other(SaslMechanism::kLogin);
    EXPECT_EQ(other.Begin(Base64("tim")), Step::kChallenge);
    EXPECT_EQ(other.Respond(Base64(bad)), Step::kMalformed);
  }
}

TEST(Sasl, Scram) {
  SaslServer sasl(SaslMechanism::kScramSha256);
  EXPECT_EQ(sasl.Begin(Base64(kScramFirst)), Step::kSalt);
  EXPECT_EQ(sasl.name(), "user");
  EXPECT_EQ(sasl.Challenge(kSalt, 100'000, kServerNonce), Step::kChallenge);
  const std::string first = "r=fyko3rfcNHYJY1ZVvWVs7j,s=" + Base64(kSalt) + ",i=100000";
  EXPECT_EQ(Decoded(sasl.challenge()), first);
  EXPECT_EQ(sasl.Respond(Base64(kScramFinal + ",p=" + Base64(kProof))), Step::kProof);
  EXPECT_EQ(sasl.proof(), kProof);
  EXPECT_EQ(sasl.auth_message(), "n=user,r=fyko," + first + "," + kScramFinal);
  EXPECT_EQ(sasl.AcceptProof("signature"), Step::kChallenge);
  EXPECT_EQ(Decoded(sasl.challenge()), "v=" + Base64("signature"));
  EXPECT_EQ(sasl.Respond(""), Step::kDone);
}

TEST(Sasl, WhatFollowsTheSignatureIsNothing) {
  for (std::string_view line : {"*", "AAAA", "="}) {
    SaslServer sasl(SaslMechanism::kScramSha256);
    sasl.Begin(Base64(kScramFirst));
    sasl.Challenge(kSalt, 4096, kServerNonce);
    sasl.Respond(Base64(kScramFinal + ",p=" + Base64(kProof)));
    sasl.AcceptProof("signature");
    EXPECT_NE(sasl.Respond(line), Step::kDone) << line;
  }
}

TEST(Sasl, NamesOfScram) {
  auto name = [](const std::string& saslname) {
    SaslServer sasl(SaslMechanism::kScramSha256);
    return sasl.Begin(Base64("n,,n=" + saslname + ",r=x")) == Step::kSalt ? std::string(sasl.name())
                                                                          : "";
  };
  EXPECT_EQ(name("a=2Cb=3Dc"), "a,b=c");
  EXPECT_EQ(name("=3D2C"), "=2C");
  EXPECT_EQ(name("us\xc3\xa9r"), "us\xc3\xa9r");
  for (const std::string& bad :
       {""s, "="s, "=2"s, "=2c"s, "=3d"s, "a=b"s, "a\0b"s, "\xe9"s, "a\x7f"s}) {
    EXPECT_EQ(name(bad), "") << bad;
  }
}

TEST(Sasl, WhatIsNoFirstMessageOfScram) {
  for (const std::string& message :
       {""s,
        "n"s,
        "n,"s,
        "n,,"s,
        "n,,n=user"s,
        "n,,n=user,"s,
        "n,,n=user,r="s,
        "n,,n=user,r=,"s,
        "n,,user,r=x"s,
        "n,,n=user,x"s,
        "n,,r=x,n=user"s,
        "n,,m=ext,n=user,r=x"s,
        "z,,n=user,r=x"s,
        "N,,n=user,r=x"s,
        "p=tls-exporter,,n=user,r=x"s,
        "p,,n=user,r=x"s,
        ",,n=user,r=x"s,
        "n,,n=user,r=a b"s,
        "n,,n=user,r=a\x7f"s,
        "n,,n=user,r=\xc3\xa9"s,
        "n,,n=user,r=x\0"s,
        "n,,n=user,r=x,\xff"s,
        "n,,n=user,r=" + std::string(limits::kAuthNonceBytesMax + 1, 'x')}) {
    EXPECT_EQ(First(SaslMechanism::kScramSha256, message), Step::kMalformed) << message;
  }
}

TEST(Sasl, WhatIsNoLastMessageOfScram) {
  const std::string p = ",p=" + Base64(kProof);
  EXPECT_EQ(ScramFinal(kScramFinal + p), Step::kProof);
  EXPECT_EQ(ScramFinal(kScramFinal + ",x=1,y=2" + p), Step::kProof);
  for (const std::string& message :
       {""s, p, kScramFinal, kScramFinal + ",p=", kScramFinal + ",p=AAAA", kScramFinal + ",p=????",
        kScramFinal + p + ",x=1", kScramFinal + "x" + p, "c=biws,r=fyko" + p,
        "c=biws,r=FYKO3rfcNHYJY1ZVvWVs7j" + p, "r=fyko3rfcNHYJY1ZVvWVs7j,c=biws" + p,
        "c=eSws,r=fyko3rfcNHYJY1ZVvWVs7j" + p,  // "y,,": not the header that was said
        "c=biwsAAAA,r=fyko3rfcNHYJY1ZVvWVs7j" + p, "c=,r=fyko3rfcNHYJY1ZVvWVs7j" + p,
        kScramFinal + ",\xff=1" + p, kScramFinal + ",p=" + Base64(kProof + "p")}) {
    EXPECT_EQ(ScramFinal(message), Step::kMalformed) << message;
  }
}

TEST(Sasl, HeadersThatSayWhetherTheClientCouldBind) {
  for (const std::string& header : {"n,,"s, "y,,"s, "y,a=user,"s}) {
    SaslServer sasl(SaslMechanism::kScramSha256);
    EXPECT_EQ(sasl.Begin(Base64(header + "n=user,r=fyko")), Step::kSalt);
    sasl.Challenge(kSalt, 4096, kServerNonce);
    const std::string last = "c=" + Base64(header) + ",r=fyko" + std::string(kServerNonce);
    EXPECT_EQ(sasl.Respond(Base64(last + ",p=" + Base64(kProof))), Step::kProof) << header;
  }
}

TEST(Sasl, LinesThatAreNoMessage) {
  for (auto mechanism :
       {SaslMechanism::kPlain, SaslMechanism::kLogin, SaslMechanism::kScramSha256}) {
    for (std::string_view line :
         {"A", "====", "AHRlc3QAMTIzNA", "AHRlc3QAMTIzNA== ", "**", "\xff\xff\xff\xff"}) {
      EXPECT_EQ(SaslServer(mechanism).Begin(line), Step::kNotBase64) << line;
    }
    EXPECT_EQ(SaslServer(mechanism).Begin("*"), Step::kCancelled);
    EXPECT_EQ(SaslServer(mechanism).Begin("="), Step::kMalformed);
    SaslServer sasl(mechanism);
    sasl.Begin(std::nullopt);
    EXPECT_EQ(sasl.Respond("="), Step::kNotBase64);  // only in a command it stands for nothing
  }
}

}  // namespace
}  // namespace ringpost::smtp
