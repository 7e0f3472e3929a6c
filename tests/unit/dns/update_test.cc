// Updates and their signatures. The vectors were made with dnspython 2.3.
#include <gtest/gtest.h>

#include <set>

#include "gateway/dns/dns_limits.h"
#include "gateway/dns/message.h"
#include "gateway/dns/tsig.h"
#include "gateway/dns/update_message.h"
#include "gateway/tls/password_hash.h"
#include "tests/unit/dns/hex.h"

namespace ringpost::dns {
namespace {

const WallTime kNow = WallFromMillis(1'764'000'000'000);
constexpr uint16_t kId = 0x1234;
constexpr std::string_view kMac =
    "30dd75ad3b6b4f58114c793f106d4564979a31683efe8167ccb76f528539cad7";
constexpr std::string_view kSigned =
    "123428000001000000030001026777076578616d706c65000006000104676f6e65027270026777076578616d706c65"
    "00000f00ff000000000000017404646b696d026777076578616d706c6500001000ff000000000000017404646b696d"
    "026777076578616d706c6500001000010000012c000d0c763d444b494d313b20703d410a7570646174652d6b657900"
    "00fa00ff00000000003d0b686d61632d73686132353600000069248100012c002030dd75ad3b6b4f58114c793f106d"
    "4564979a31683efe8167ccb76f528539cad7123400000000";
constexpr std::string_view kAnswer =
    "1234a80000000000000000010a7570646174652d6b65790000fa00ff00000000003d0b686d61632d73686132353600"
    "000069248100012c0020349d15fea2a5c264f7594b1aaf3de82e37e94c3da1583e649de0793e16aa825b1234000000"
    "00";
constexpr std::string_view kRefused =
    "1234a80500000000000000010a7570646174652d6b65790000fa00ff00000000003d0b686d61632d73686132353600"
    "000069248100012c0020f38b6f30ccd95d49e242d88bbf83686935e714be28e2350508fb2790e7b5515b1234000000"
    "00";

std::array<uint8_t, 32> Hmac(std::string_view key, std::string_view message) {
  return tls::HmacSha256(key, {message});
}

TsigKey Key() {
  return *TsigKey::Parse("hmac-sha256:Update-Key.:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
}

Update TestUpdate() {
  return {"gw.example",
          {{"gone.rp.gw.example", RecordType::kMx}},
          {{"t.dkim.gw.example", RecordType::kTxt, 300, 0, "v=DKIM1; p=A"}}};
}

TEST(UpdateTest, GoldenAndSigned) {
  std::string message = *UpdateMessage(TestUpdate(), kId);
  std::string mac = SignTsig(Key(), kNow, &Hmac, &message);
  EXPECT_EQ(ToHex(mac), kMac);
  EXPECT_EQ(ToHex(message), kSigned);
}

TEST(UpdateTest, Refuses) {
  auto code = [](auto change) {
    Update update = TestUpdate();
    change(&update);
    return UpdateMessage(update, kId).status().code();
  };
  EXPECT_EQ(code([](Update*) {}), StatusCode::kOk);
  EXPECT_EQ(code([](Update* u) { u->zone = "other.example"; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](Update* u) { u->zone = ""; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](Update* u) { u->removed[0].owner = "a b"; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](Update* u) { u->records[0].value = ""; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](Update* u) { u->records.resize(limits::kUpdateRecordsMax, u->records[0]); }),
            StatusCode::kResourceExhausted);
  EXPECT_EQ(code([](Update* u) {
              u->records[0].value = std::string(limits::kTextBytesMax, 'x');
              u->records.resize(20, u->records[0]);
            }),
            StatusCode::kResourceExhausted);
}

TEST(UpdateTest, SplitsWithoutCuttingASet) {
  Update update{"gw.example", {{"gone.gw.example", RecordType::kMx}}, {}};
  for (int i = 0; i < 700; ++i) {
    std::string owner = "t" + std::to_string(i) + ".gw.example";
    update.records.push_back({owner, RecordType::kMx, 300, 10, "a.gw.example"});
    update.records.push_back({owner, RecordType::kMx, 300, 20, "b.gw.example"});
    update.records.push_back({owner, RecordType::kTxt, 300, 0, std::string(4000, 'x')});
  }
  std::vector<Update> parts = SplitUpdate(update);
  size_t records = 0, removed = 0;
  std::set<RecordSet> seen;
  for (const Update& part : parts) {
    EXPECT_TRUE(UpdateMessage(part, kId).ok()) << UpdateMessage(part, kId).status();
    std::set<RecordSet> sets;
    for (const Record& record : part.records) sets.insert({record.owner, record.type});
    for (const RecordSet& set : sets) EXPECT_TRUE(seen.insert(set).second);
    records += part.records.size();
    removed += part.removed.size();
  }
  EXPECT_GT(parts.size(), 2u);
  EXPECT_EQ(records, update.records.size());
  EXPECT_EQ(removed, 1u);
  EXPECT_TRUE(SplitUpdate({"gw.example", {}, {}}).empty());
}

TEST(UpdateTest, Answers) {
  EXPECT_TRUE(ReadUpdateAnswer(FromHex(kAnswer), kId).ok());
  EXPECT_EQ(ReadUpdateAnswer(FromHex(kAnswer), kId + 1).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadUpdateAnswer("", kId).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadUpdateAnswer(FromHex(kSigned), kId).code(), StatusCode::kInvalidArgument);
  Status refused = ReadUpdateAnswer(FromHex(kRefused), kId);
  EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(MessageOf(refused), "the server refuses the update: REFUSED");
  auto with = [](char rcode) {
    std::string answer = FromHex("1234a8000000000000000000");
    answer[3] = rcode;
    return ReadUpdateAnswer(answer, kId).code();
  };
  EXPECT_EQ(with(9), StatusCode::kPermissionDenied);
  EXPECT_EQ(with(10), StatusCode::kNotFound);
  EXPECT_EQ(with(2), StatusCode::kUnavailable);
  EXPECT_EQ(with(4), StatusCode::kFailedPrecondition);
}

TEST(TsigTest, AnswersOfWhoHasTheKey) {
  std::string mac = FromHex(kMac), answer = FromHex(kAnswer);
  EXPECT_TRUE(VerifyTsig(Key(), mac, kNow, &Hmac, answer).ok());
  EXPECT_TRUE(VerifyTsig(Key(), mac, kNow + Seconds(300), &Hmac, answer).ok());
  EXPECT_TRUE(VerifyTsig(Key(), mac, kNow, &Hmac, FromHex(kRefused)).ok());
  auto code = [&](const TsigKey& key, const std::string& request_mac, WallTime now,
                  const std::string& bytes) {
    return VerifyTsig(key, request_mac, now, &Hmac, bytes).code();
  };
  constexpr StatusCode kNo = StatusCode::kUnauthenticated;
  EXPECT_EQ(code(Key(), mac, kNow + Seconds(301), answer), kNo);
  EXPECT_EQ(code(Key(), mac, kNow - Seconds(301), answer), kNo);
  EXPECT_EQ(code(Key(), mac + "x", kNow, answer), kNo);
  TsigKey other = Key();
  other.name = "another";
  EXPECT_EQ(code(other, mac, kNow, answer), kNo);
  other = Key();
  other.secret[0] = 'x';
  EXPECT_EQ(code(other, mac, kNow, answer), kNo);
  EXPECT_EQ(code(Key(), mac, kNow, FromHex("1234a8000000000000000000")), kNo);
  EXPECT_EQ(code(Key(), mac, kNow, "x"), StatusCode::kInvalidArgument);
}

TEST(TsigTest, NoBitOfAnAnswerCanBeChanged) {
  const std::string answer = FromHex(kAnswer);
  int good = 0;
  for (size_t bit = 0; bit < answer.size() * 8; ++bit) {
    std::string changed = answer;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    good += VerifyTsig(Key(), FromHex(kMac), kNow, &Hmac, changed).ok();
  }
  // The id on the wire is not covered, since a forwarder may change it (RFC 8945 section 5.3; it is
  // compared where the answer is read), nor is the case of letters in both names.
  EXPECT_EQ(good, 16 + 9 + 7);
}

TEST(TsigTest, ServersSayWhatTheyRefuse) {
  // No MAC; error BADSIG.
  std::string answer = FromHex(
      "1234a80900000000000000010a7570646174652d6b65790000fa00ff00000000001d0b686d61632d736861323536"
      "00000069248100012c00001234001000"
      "00");
  Status status = VerifyTsig(Key(), FromHex(kMac), kNow, &Hmac, answer);
  EXPECT_EQ(status.code(), StatusCode::kPermissionDenied);
  EXPECT_NE(MessageOf(status).find("BADSIG"), std::string_view::npos) << status;
  answer[answer.size() - 3] = 18;  // BADTIME is signed, or it is nothing
  EXPECT_EQ(VerifyTsig(Key(), FromHex(kMac), kNow, &Hmac, answer).code(),
            StatusCode::kUnauthenticated);
}

TEST(TsigTest, Keys) {
  EXPECT_EQ(Key().name, "update-key");
  EXPECT_EQ(Key().secret.size(), 32u);
  EXPECT_EQ(TsigKey::Parse("a.b:AAECAwQFBgcICQoLDA0ODw==")->secret.size(), 16u);
  for (std::string bad : {"", "a", "a:", "a:AAAA", "a b:AAECAwQFBgcICQoLDA0ODw==",
                          "hmac-md5:a:AAECAwQFBgcICQoLDA0ODw==", "a:AAECAwQFBgcICQoLDA0ODw=",
                          "a:AAECAwQFBgcICQoLDA0OD-==", "a:AAECAwQFBgcICQoLDA0ODx=="}) {
    EXPECT_FALSE(TsigKey::Parse(bad).ok()) << bad;
  }
  EXPECT_FALSE(TsigKey::Parse("a:" + std::string(200, 'A')).ok());
}

}  // namespace
}  // namespace ringpost::dns
