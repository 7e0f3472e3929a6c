// Keys out of a connection, in the kernel's form, and records made elsewhere in both directions.
#include "gateway/tls/record_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/tls/kernel_records.h"
#include "gateway/tls/record_cursor.h"
#include "tests/unit/tls/records/record_layer.h"
#include "tests/unit/tls/tls_pair.h"

namespace ringpost::tls {
namespace {

using ::testing::HasSubstr;

constexpr uint8_t kData = 23;

// What the kernel would have: the keys, through its own form of them.
RecordLayer LayerOf(const std::optional<RecordKeys>& keys) {
  EXPECT_TRUE(keys);
  auto read = RecordLayer::FromKernel(KernelKeys(*keys).bytes());
  EXPECT_TRUE(read);
  EXPECT_EQ(read->sequence, keys->sequence);
  return RecordLayer(*read);
}

struct Secured : Pair {
  Secured() : Pair(MakeClient(), MakeServer({MakeCertificate({"mx.example"})})) {
    Run();
    EXPECT_TRUE(client.secured && server.secured);
  }
};

TEST(RecordCursor, FindsTheBoundaries) {
  RecordCursor cursor;
  EXPECT_EQ(cursor.BytesToBoundary(), 0u);
  cursor.Advance(std::string("\x16\x03\x01", 3));
  EXPECT_EQ(cursor.BytesToBoundary(), 2u);
  cursor.Advance(std::string("\x01\x02", 2));
  EXPECT_EQ(cursor.BytesToBoundary(), 0x102u);
  cursor.Advance(std::string(0x101, 'x'));
  EXPECT_EQ(cursor.BytesToBoundary(), 1u);
  cursor.Advance(
      std::string("x\x17\x03\x03\x00\x00\x17", 7));  // an empty record, and one more begun
  EXPECT_EQ(cursor.BytesToBoundary(), 4u);
}

TEST(RecordCursor, IsLostInWhatIsNoRecord) {
  RecordCursor cursor;
  cursor.Advance("EHLO");
  EXPECT_EQ(cursor.BytesToBoundary(), std::nullopt);
}

TEST(RecordKeys, OneSideGoesOnElsewhereToSend) {
  Secured pair;
  pair.server.Say("from the library\r\n");
  pair.client.Feed(pair.server.Take());
  pair.server.connection->FlushForSendKeys();
  pair.client.Feed(pair.server.Take());
  RecordLayer sends = LayerOf(pair.server.connection->SendKeys());
  pair.server.connection->SendElsewhere();
  pair.client.Feed(sends.Seal(kData, "from elsewhere\r\n"));
  pair.client.Feed(sends.Seal(kData, "and more"));
  EXPECT_EQ(pair.client.heard, "from the library\r\nfrom elsewhere\r\nand more");
  pair.client.Feed(sends.Seal(21, std::string("\x01\x00", 2)));
  EXPECT_TRUE(pair.client.ended);
}

TEST(RecordKeys, OneSideGoesOnElsewhereToReceive) {
  Secured pair;
  pair.client.Say("to the library");
  pair.server.Feed(pair.client.Take());
  EXPECT_EQ(pair.server.connection->BytesToBoundary(), 0u);
  RecordLayer receives = LayerOf(pair.server.connection->ReceiveKeys());
  pair.server.connection->ReceiveElsewhere();
  pair.client.Say("to the kernel");
  auto opened = receives.Open(pair.client.Take());
  ASSERT_TRUE(opened);
  EXPECT_EQ(*opened, std::make_pair(kData, std::string("to the kernel")));
}

// Whoever took a ticket elsewhere resumes with it.
TEST(RecordKeys, ATicketThatCameElsewhereServes) {
  auto client_context = MakeClient();
  auto server_context = MakeServer({MakeCertificate({"mx.example"})});
  {
    Pair pair(client_context, server_context);
    pair.client.Feed({});
    pair.server.Feed(pair.client.Take());
    pair.client.Feed(pair.server.Take());
    ASSERT_TRUE(pair.client.secured);
    RecordLayer receives = LayerOf(pair.client.connection->ReceiveKeys());
    pair.client.connection->ReceiveElsewhere();
    pair.server.Feed(pair.client.Take());
    pair.server.connection->FlushForSendKeys();
    std::string sealed = pair.server.Take();
    ASSERT_GT(sealed.size(), 5u);
    int tickets = 0;
    while (sealed.size() > 5) {
      size_t size = 5 + (static_cast<uint8_t>(sealed[3]) << 8) + static_cast<uint8_t>(sealed[4]);
      auto record = receives.Open(sealed.substr(0, size));
      ASSERT_TRUE(record);
      EXPECT_EQ(record->first, Connection::kHandshakeRecord);
      auto event = pair.client.connection->TakeControl(record->first, record->second);
      EXPECT_EQ(event.kind, Connection::EventKind::kNeedInput);
      sealed.erase(0, size);
      ++tickets;
    }
    EXPECT_GT(tickets, 0);
  }
  Pair again(client_context, server_context);
  again.Run();
  EXPECT_TRUE(again.client.connection->facts().resumed);
}

// A boundary between the records of one message is none: its other half would make no sense.
TEST(RecordKeys, HalfAMessageIsNoBoundary) {
  Secured pair;
  RecordLayer client_sends(*pair.client.connection->SendKeys());
  pair.server.Feed(client_sends.Seal(kData, "some"));
  EXPECT_EQ(pair.server.connection->BytesToBoundary(), 0u);
  pair.server.Feed(client_sends.Seal(22, std::string("\x18\x00", 2)));
  EXPECT_EQ(pair.server.connection->BytesToBoundary(), 5u);
  pair.server.Feed(client_sends.Seal(22, std::string("\x00\x01\x00", 3)));
  EXPECT_EQ(pair.server.connection->BytesToBoundary(), 5u);  // whole, but nobody says so
}

TEST(RecordKeys, AKeyUpdateThatTheLibraryReadsIsToldWhereItCannotBeAnswered) {
  Secured pair;
  pair.server.connection->FlushForSendKeys();
  pair.client.Feed(pair.server.Take());
  RecordLayer client_sends(*pair.client.connection->SendKeys());
  pair.server.connection->SendElsewhere();
  pair.server.Feed(client_sends.Seal(22, std::string("\x18\x00\x00\x01\x01", 5)));
  EXPECT_EQ(pair.server.key_updates, 1);
  EXPECT_FALSE(pair.server.failed);
  EXPECT_EQ(pair.server.Take(), "");
}

struct ControlCase {
  const char* name;
  uint8_t type;
  std::string bytes;
  Connection::EventKind outcome;
  const char* words;
};

class Controls : public ::testing::TestWithParam<ControlCase> {};

TEST_P(Controls, EachHasItsOutcome) {
  Secured pair;
  pair.server.connection->ReceiveElsewhere();
  pair.server.connection->SendElsewhere();
  auto event = pair.server.connection->TakeControl(GetParam().type, GetParam().bytes);
  EXPECT_EQ(event.kind, GetParam().outcome);
  EXPECT_THAT(pair.server.connection->failure(), HasSubstr(GetParam().words));
}

using Kind = Connection::EventKind;
INSTANTIATE_TEST_SUITE_P(
    Records, Controls,
    ::testing::Values(
        ControlCase{"CloseNotify", 21, {1, 0}, Kind::kEnd, ""},
        ControlCase{"UserCanceled", 21, {1, 90}, Kind::kNeedInput, ""},
        ControlCase{"FatalAlert", 21, {2, 80}, Kind::kFailed, "sent an alert: internal error"},
        ControlCase{"ShortAlert", 21, {1}, Kind::kFailed, "wrong length"},
        ControlCase{"LongAlert", 21, {1, 90, 1, 90}, Kind::kFailed, "wrong length"},
        ControlCase{"KeyUpdate", 22, {24, 0, 0, 1, 0}, Kind::kKeyUpdate, ""},
        ControlCase{"KeyUpdateRequested", 22, {24, 0, 0, 1, 1}, Kind::kKeyUpdate, ""},
        ControlCase{"KeyUpdateOfNoValue", 22, {24, 0, 0, 1, 2}, Kind::kFailed, "no place here"},
        ControlCase{"KeyUpdateAndMore", 22, {24, 0, 0, 1, 0, 4}, Kind::kFailed, "behind KeyUpdate"},
        ControlCase{"EmptyHandshake", 22, "", Kind::kFailed, "empty handshake record"},
        ControlCase{"HalfAMessage", 22, {24, 0, 0}, Kind::kNeedInput, ""},
        ControlCase{"TicketForAServer", 22, {4, 0, 0, 1, 0}, Kind::kFailed, "no place here"},
        ControlCase{"ClientHello", 22, {1, 0, 0, 1, 0}, Kind::kFailed, "no place here"},
        ControlCase{"TooLong", 22, {4, 1, 0, 0}, Kind::kFailed, "too long"},
        ControlCase{"ChangeCipherSpec", 20, {1}, Kind::kFailed, "type"},
        ControlCase{"NoType", 99, "x", Kind::kFailed, "type"}),
    [](const auto& one) { return one.param.name; });

TEST(Control, AFloodOfWarningsIsBounded) {
  Secured pair;
  pair.server.connection->ReceiveElsewhere();
  int taken = 0;
  while (pair.server.connection->TakeControl(21, std::string("\x01\x5a", 2)).kind ==
         Kind::kNeedInput) {
    ASSERT_LT(++taken, 1000);
  }
  EXPECT_THAT(pair.server.connection->failure(), HasSubstr("too many alerts"));
}

TEST(KernelRecordRule, OnlyOnMovesAndOnlyWhatTheKernelHas) {
  using Mode = KernelRecordRule::Mode;
  KernelRecordSupport some;
  some.Add(true, RecordCipher::kAes128Gcm);
  for (Mode mode : {Mode::kAuto, Mode::kOff}) {
    KernelRecordRule rule = KernelRecordRule::Make(mode, some);
    EXPECT_EQ(rule.send_from_bytes, KernelRecordRule::kNever);
    EXPECT_EQ(rule.receive_from_bytes, KernelRecordRule::kNever);
  }
  KernelRecordRule on = KernelRecordRule::Make(Mode::kOn, some);
  EXPECT_EQ(on.send_from_bytes, 0u);
  EXPECT_EQ(on.receive_from_bytes, 0u);
  EXPECT_TRUE(on.support.Has(true, RecordCipher::kAes128Gcm));
  EXPECT_FALSE(on.support.Has(false, RecordCipher::kAes128Gcm));
  EXPECT_EQ(KernelRecordRule::Make(Mode::kOn, {}).send_from_bytes, KernelRecordRule::kNever);
}

}  // namespace
}  // namespace ringpost::tls
