// What a peer may send without end, or too much of at once: each has a bound, and past it the
// connection has failed and nothing of it is heard.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "gateway/base/limits.h"
#include "tests/unit/tls/record_forger.h"

namespace ringpost::tls {
namespace {

using ::testing::HasSubstr;

// The library's own bounds (BoringSSL, ssl/tls_record.cc): in a row, without data between them.
constexpr int kEmptyRecordsTaken = 32;
constexpr int kKeyUpdatesTaken = 32;
constexpr int kWarningAlertsTaken = 4;
constexpr uint8_t kWarning = 1, kFatal = 2;
constexpr uint8_t kUserCanceled = 90, kNoRenegotiation = 100;
constexpr uint16_t kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

// Ours are the same.
static_assert(limits::kTlsEmptyRecordsMax == kEmptyRecordsTaken &&
              limits::kTlsControlMessagesMax == kKeyUpdatesTaken &&
              limits::kTlsWarningAlertsMax == kWarningAlertsTaken);

std::shared_ptr<const ServerContext> Server() {
  static const auto server = MakeServer({MakeCertificate({"mx.example"})});
  return server;
}

// Under records of the library's, and under those that are opened where they lie.
class RecordFloods : public ::testing::TestWithParam<bool> {
 protected:
  static bool in_place() { return GetParam(); }
  static void ExpectFailed(RecordForger* forger, const char* in_library, const char* by_us) {
    EXPECT_TRUE(forger->server().failed);
    EXPECT_THAT(forger->server().connection->failure(), HasSubstr(in_place() ? by_us : in_library));
  }
};

INSTANTIATE_TEST_SUITE_P(How, RecordFloods, ::testing::Bool(),
                         [](const auto& one) { return one.param ? "InPlace" : "InTheLibrary"; });

TEST_P(RecordFloods, TheForgersRecordsAreReal) {
  for (uint16_t version : kVersions) {
    RecordForger forger(Server(), version, in_place());
    forger.Send(RecordType::kData, "NOOP\r\n");
    forger.Send(RecordType::kData, std::string(16384, 'x'));
    EXPECT_EQ(forger.server().heard.size(), 6u + 16384u);
    EXPECT_FALSE(forger.server().failed);
  }
}

TEST_P(RecordFloods, EmptyRecords) {
  for (uint16_t version : kVersions) {
    RecordForger forger(Server(), version, in_place());
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < kEmptyRecordsTaken; ++i) forger.Send(RecordType::kData, "");
      forger.Send(RecordType::kData, "x");
    }
    EXPECT_FALSE(forger.server().failed) << "with data between them they are no flood";
    for (int i = 0; i <= kEmptyRecordsTaken; ++i) forger.Send(RecordType::kData, "");
    ExpectFailed(&forger, "empty fragments", "too many empty records");
    forger.Send(RecordType::kData, "MAIL FROM:<mallory@example.com>\r\n");
    EXPECT_EQ(forger.server().heard, "xxx");
  }
}

TEST_P(RecordFloods, WarningAlerts) {
  for (uint16_t version : kVersions) {
    RecordForger forger(Server(), version, in_place());
    uint8_t what = version == TLS1_2_VERSION ? kNoRenegotiation : kUserCanceled;
    for (int i = 0; i < 10 * kWarningAlertsTaken; ++i) {
      forger.Alert(kWarning, what);
      forger.Send(RecordType::kData, "x");
    }
    EXPECT_FALSE(forger.server().failed) << "with data between them they are no flood";
    for (int i = 0; i < kWarningAlertsTaken; ++i) forger.Alert(kWarning, what);
    EXPECT_FALSE(forger.server().failed);
    forger.Alert(kWarning, what);
    ExpectFailed(&forger, "warning alerts", "too many alerts");
  }
  RecordForger forger(Server(), TLS1_3_VERSION, in_place());
  forger.Alert(kWarning, kNoRenegotiation);
  EXPECT_TRUE(forger.server().failed) << "TLS 1.3 has no such warning (RFC 8446 section 6)";
}

TEST_P(RecordFloods, AFatalAlertIsTheEnd) {
  for (uint16_t version : kVersions) {
    RecordForger forger(Server(), version, in_place());
    forger.Alert(kFatal, 40);
    EXPECT_TRUE(forger.server().failed);
    forger.Send(RecordType::kData, "more");
    EXPECT_EQ(forger.server().heard, "");
  }
}

TEST_P(RecordFloods, KeyUpdates) {
  for (bool requested : {false, true}) {
    RecordForger forger(Server(), TLS1_3_VERSION, in_place());
    forger.server().Take();
    for (int i = 0; i < 200; ++i) {
      forger.KeyUpdate(requested);
      forger.Send(RecordType::kData, "x");
    }
    EXPECT_FALSE(forger.server().failed) << "with data between them they are no flood";
    EXPECT_EQ(forger.server().heard.size(), 200u);
    for (int i = 0; i < kKeyUpdatesTaken; ++i) forger.KeyUpdate(requested);
    EXPECT_FALSE(forger.server().failed);
    // Answers to all of them would be 232 records; one that waits stands for those behind it.
    EXPECT_LT(forger.server().Take().size(), 1000u);
    forger.KeyUpdate(requested);
    ExpectFailed(&forger, "key updates", "too many messages");
  }
}

TEST_P(RecordFloods, ARecordWithMoreThanARecordHolds) {
  for (uint16_t version : kVersions) {
    RecordForger forger(Server(), version, in_place());
    forger.Send(RecordType::kData, std::string(16385, 'x'));
    EXPECT_TRUE(forger.server().failed);
    EXPECT_EQ(forger.server().heard, "");
  }
}

TEST_P(RecordFloods, AHeaderThatAnnouncesTooMuch) {
  for (uint16_t version : kVersions) {
    // 2^14 + 256 for TLS 1.3 and + 2048 for 1.2 (RFC 8446 section 5.2, RFC 5246 section 6.2.3).
    for (size_t size : {size_t{16384 + 2049}, size_t{0xFFFF}}) {
      RecordForger forger(Server(), version, in_place());
      std::string header("\x17\x03\x03", 3);
      header += {static_cast<char>(size >> 8), static_cast<char>(size)};
      forger.server().Feed(header);
      EXPECT_TRUE(forger.server().failed) << "it waits for no byte of it";
      EXPECT_THAT(forger.server().connection->failure(), HasSubstr("too long"));
    }
  }
}

TEST_P(RecordFloods, RenegotiationIsTheEnd) {
  RecordForger forger(Server(), TLS1_2_VERSION, in_place());
  std::string hello({1, 0, 0, 41, 3, 3});
  hello += std::string(32, 'r') + std::string({0, 0, 2, '\xC0', 0x2B, 1, 0});
  forger.Send(RecordType::kHandshake, hello);
  ExpectFailed(&forger, "renegotiation", "renegotiate");
}

TEST(FloodTest, AHandshakeMessageThatAnnouncesTooMuch) {
  Side server;
  server.connection = Connection::Accept(Server());
  server.Feed(std::string("\x16\x03\x01\x00\x04\x01\xFF\xFF\xFF", 9));
  EXPECT_TRUE(server.failed);
  EXPECT_THAT(server.connection->failure(), HasSubstr("message size"));
}

// Before there are keys anybody can send these.
TEST(FloodTest, FloodsInPlaceOfAHello) {
  struct {
    const char* record;
    size_t size;
  } floods[] = {{"\x16\x03\x01\x00\x00", 5}, {"\x15\x03\x01\x00\x02\x01\x5A", 7}};
  for (const auto& flood : floods) {
    Side server;
    server.connection = Connection::Accept(Server());
    for (int i = 0; i < 100 && !server.failed; ++i) server.Feed({flood.record, flood.size});
    EXPECT_TRUE(server.failed);
  }
}

TEST(FloodTest, AHelloAByteAtATimeIsTakenAndHeldInItsOwnSize) {
  Pair pair(MakeClient(), Server());
  pair.client.Feed({});
  std::string hello = pair.client.Take();
  for (size_t i = 0; i + 1 < hello.size(); ++i) {
    pair.server.Feed(hello.substr(i, 1));
    ASSERT_TRUE(pair.server.connection->output().empty());
  }
  pair.server.Feed(hello.substr(hello.size() - 1));
  EXPECT_FALSE(pair.server.connection->output().empty());
}

}  // namespace
}  // namespace ringpost::tls
