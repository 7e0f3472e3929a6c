#include "storage/records.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "storage/batch_builder.h"
#include "storage/rows.h"

namespace ringpost::storage {
namespace {

StoredEnvelope FullEnvelope() {
  StoredEnvelope envelope;
  envelope.received = WallFromMillis(1'790'000'000'123);
  envelope.deadline = WallFromMillis(1'790'432'000'123);
  envelope.reverse_path = "sender@example.com";
  envelope.recipients = {{"a@example.net", "rfc822;A@example.net", 6}, {"b@example.org", "", 0}};
  envelope.envid = "QQ314159";
  envelope.ret = 2;
  envelope.body_type = 1;
  envelope.smtputf8 = true;
  envelope.header_8bit = true;
  envelope.trace = "Received: by gw.example\r\n";
  envelope.body_bytes = 5'000'000'000;
  envelope.body_chunks = 4769;
  envelope.body_digest.fill(0xab);
  envelope.client = "2001:db8::1";
  envelope.account = 7;
  envelope.credential = 1'000'000;
  envelope.sandbox = envelope.bulk = envelope.require_tls = true;
  envelope.bounces_to = "bounces@example.com";
  envelope.signing_domain = "example.com";
  envelope.header_bytes = 1234;
  envelope.dkim_body_hash.fill(0xcd);
  return envelope;
}

// As versions before lanes and REQUIRETLS wrote it, with one byte of flags.
std::string FormatTwo(const StoredEnvelope& envelope) {
  constexpr size_t kFlagsAt = 1 + 8 + 8 + 1 + 1;
  std::string bytes = EncodeEnvelope(envelope);
  bytes[0] = 2;
  return bytes.erase(kFlagsAt, 1);
}

// As versions before accounts wrote it.
std::string FormatOne(const StoredEnvelope& envelope) {
  constexpr size_t kAccountsAt = 1 + 8 + 8 + 1 + 1 + 1 + 8 + 4 + 32;
  std::string bytes = FormatTwo(envelope);
  bytes[0] = 1;
  return bytes.erase(kAccountsAt, 8);
}

RecipientState FullState() {
  RecipientState state;
  state.status = RecipientStatus::kDeferred;
  state.attempts = 513;
  state.next_attempt = WallFromMillis(1'790'000'060'123);
  state.last_attempt = WallFromMillis(-1);  // a clock before 1970 is no reason to crash
  state.reply_code = 451;
  state.enhanced[0] = 4;
  state.enhanced[1] = 7;
  state.enhanced[2] = 500;
  state.delay_reported = true;
  return state;
}

StoredEvent FullEvent() {
  StoredEvent event;
  event.kind = StoredEvent::Kind::kBounced;
  event.time = WallFromMillis(1'790'000'000'999);
  event.id.bytes.fill(7);
  event.recipient = 3;
  event.reply_code = 550;
  event.detail = "550 5.1.1 no such user";
  return event;
}

TEST(RecordsTest, EnvelopesComeBackAsTheyWere) {
  for (const StoredEnvelope& envelope : {FullEnvelope(), StoredEnvelope()}) {
    auto decoded = DecodeEnvelope(EncodeEnvelope(envelope));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(*decoded, envelope);
  }
}

TEST(RecordsTest, EnvelopesOfTheFormatsBeforeAreRead) {
  StoredEnvelope envelope = FullEnvelope();
  envelope.bulk = envelope.require_tls = false;
  auto second = DecodeEnvelope(FormatTwo(envelope));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(*second, envelope);
  envelope.account = envelope.credential = 0;
  envelope.sandbox = false;
  envelope.signing_domain = "";
  envelope.bounces_to = "";
  envelope.header_bytes = 0;
  envelope.dkim_body_hash.fill(0);
  auto decoded = DecodeEnvelope(FormatOne(envelope));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, envelope);
  envelope.sandbox = true;  // not one of its flags
  EXPECT_FALSE(DecodeEnvelope(FormatOne(envelope)).ok());
}

TEST(RecordsTest, StatesComeBackAsTheyWereAndAreSmall) {
  for (const RecipientState& state : {FullState(), RecipientState()}) {
    std::string bytes = EncodeRecipientState(state);
    EXPECT_LE(bytes.size(), 48u);
    auto decoded = DecodeRecipientState(bytes);
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(*decoded, state);
  }
}

TEST(RecordsTest, EventsComeBackAsTheyWere) {
  for (const StoredEvent& event : {FullEvent(), StoredEvent()}) {
    auto decoded = DecodeEvent(EncodeEvent(event));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(*decoded, event);
  }
}

TEST(RecordsTest, OriginsComeBackAsTheyWere) {
  StoredEnvelope envelope = FullEnvelope();
  StoredOrigin origin = OriginOf(envelope);
  EXPECT_EQ(origin.reverse_path, "bounces@example.com");
  envelope.bounces_to = "";
  EXPECT_EQ(OriginOf(envelope).reverse_path, "sender@example.com");
  envelope.reverse_path = "";
  envelope.bounces_to = "bounces@example.com";
  EXPECT_EQ(OriginOf(envelope).reverse_path, "");
  EXPECT_EQ(origin.envid, envelope.envid);
  EXPECT_FALSE(origin.notify_never);
  for (StoredRecipient& recipient : envelope.recipients) recipient.notify = kStoredNotifyNever;
  for (const StoredOrigin& one : {origin, OriginOf(envelope), StoredOrigin()}) {
    auto decoded = DecodeOrigin(EncodeOrigin(one));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(*decoded, one);
  }
  EXPECT_TRUE(OriginOf(envelope).notify_never);
}

TEST(RecordsTest, OriginsKnowWhomBouncesMayBeAbout) {
  StoredEnvelope envelope = FullEnvelope();
  envelope.recipients = {{"a@example.com", "", 0}, {"audit@example.com", "", kStoredNotifyNever}};
  envelope.credential = 7;
  StoredOrigin origin = OriginOf(envelope);
  EXPECT_EQ(origin.recipients, std::vector<std::string>{"a@example.com"});
  EXPECT_EQ(origin.credential, 7u);
  EXPECT_EQ(*DecodeOrigin(EncodeOrigin(origin)), origin);
  envelope.recipients.assign(kOriginRecipientsMax, {"a@example.com", "", 0});
  origin = OriginOf(envelope);
  EXPECT_EQ(origin.recipients.size(), kOriginRecipientsMax);
  EXPECT_EQ(*DecodeOrigin(EncodeOrigin(origin)), origin);
  envelope.recipients.push_back({"b@example.com", "", 0});
  EXPECT_TRUE(OriginOf(envelope).recipients.empty());
  // As versions before kept it.
  std::string old("\x01\0\0\0\x07\x01\0\x03""a@b\0\x01x", 14);
  auto decoded = DecodeOrigin(old);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->reverse_path, "a@b");
  EXPECT_EQ(decoded->envid, "x");
  EXPECT_TRUE(decoded->notify_never && decoded->recipients.empty() && decoded->credential == 0);
}

// Every record cut anywhere, with a byte too many, or of another format is refused.
template <typename Decode>
void RefusesWhatIsNotWhole(const std::string& bytes, Decode decode) {
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(decode(bytes.substr(0, size)).status().code(), StatusCode::kDataLoss) << size;
  }
  EXPECT_EQ(decode(bytes + '\0').status().code(), StatusCode::kDataLoss);
  for (int format : {0, 4, 255}) {
    std::string other = bytes;
    other[0] = static_cast<char>(format);
    EXPECT_EQ(decode(other).status().code(), StatusCode::kDataLoss) << format;
  }
}

TEST(RecordsTest, WhatIsNotWholeIsRefused) {
  RefusesWhatIsNotWhole(EncodeEnvelope(FullEnvelope()),
                        [](std::string_view bytes) { return DecodeEnvelope(bytes); });
  RefusesWhatIsNotWhole(EncodeRecipientState(FullState()), DecodeRecipientState);
  RefusesWhatIsNotWhole(EncodeEvent(FullEvent()), DecodeEvent);
  RefusesWhatIsNotWhole(EncodeOrigin(OriginOf(FullEnvelope())), DecodeOrigin);
  WrappedKey key;
  key.epoch = 9;
  RefusesWhatIsNotWhole(EncodeKeyRow(key), DecodeKeyRow);
}

TEST(RecordsTest, ValuesOutOfRangeAreRefused) {
  std::string envelope = EncodeEnvelope(FullEnvelope());
  envelope[1 + 8 + 8 + 2] = static_cast<char>(128);  // a flag nobody defined
  EXPECT_FALSE(DecodeEnvelope(envelope).ok());
  std::string state = EncodeRecipientState(FullState());
  state[1] = 5;
  EXPECT_FALSE(DecodeRecipientState(state).ok());
  std::string event = EncodeEvent(FullEvent());
  event[1] = 7;
  EXPECT_FALSE(DecodeEvent(event).ok());
}

TEST(RecordsTest, ACountThatTheBytesCannotHoldReservesNothing) {
  StoredEnvelope envelope;
  std::string bytes = EncodeEnvelope(envelope);
  for (size_t i = 1; i <= 4; ++i) bytes[bytes.size() - i] = '\xff';
  EXPECT_EQ(DecodeEnvelope(bytes).status().code(), StatusCode::kDataLoss);
}

TEST(RecordsTest, BytesAreThoseOfTheFormatDescription) {
  RecipientState state = FullState();
  state.last_attempt = WallFromMillis(2);
  EXPECT_EQ(EncodeRecipientState(state),
            std::string("\x01\x01\x02\x01\x00\x00\x01\xa0\xc4\x51\x56\xdb\x00\x00\x00\x00\x00\x00"
                        "\x00\x02\x01\xc3\x00\x04\x00\x07\x01\xf4\x01",
                        29));
  MessageId id;
  for (uint8_t i = 0; i < 16; ++i) id.bytes[i] = i;
  EXPECT_EQ(View(IndexedKey(id, 0x01020304)),
            std::string(id.key()) + std::string("\x01\x02\x03\x04", 4));
  EXPECT_EQ(View(OutboxKey(0x0102)), std::string("\0\0\0\0\0\0\x01\x02", 8));
}

TEST(RowsTest, EnvelopeRowsCarryKeyAndRecord) {
  WrappedKey key;
  key.epoch = 77;
  key.bytes.fill('k');
  std::string bytes(kEnvelopeRowHeadBytes, '\0');
  ByteWriter out(bytes.data());
  WriteEnvelopeRowHead(5, key, out);
  bytes += "record";
  auto row = DecodeEnvelopeRow(bytes);
  ASSERT_TRUE(row.ok());
  EXPECT_EQ(row->incarnation, 5u);
  EXPECT_EQ(row->key.epoch, 77u);
  EXPECT_EQ(row->key.bytes, key.bytes);
  EXPECT_EQ(row->record, "record");
  EXPECT_FALSE(DecodeEnvelopeRow(bytes.substr(0, kEnvelopeRowHeadBytes - 1)).ok());
  bytes[0] = 2;
  EXPECT_FALSE(DecodeEnvelopeRow(bytes).ok());
}

TEST(RowsTest, OutboxRowsCarryTheEventsOfAGroup) {
  std::string record = EncodeEvent(FullEvent());
  std::string bytes(kOutboxRowHeadBytes, '\0');
  ByteWriter head(bytes.data());
  WriteOutboxRowHead(2, head);
  for (int i = 0; i < 2; ++i) {
    std::string length(4, '\0');
    ByteWriter(length.data()).U32(static_cast<uint32_t>(record.size()));
    bytes += length + record;
  }
  auto events = DecodeOutboxRow(bytes);
  ASSERT_TRUE(events.ok()) << events.status();
  EXPECT_EQ(events->size(), 2u);
  EXPECT_EQ(events->at(1), FullEvent());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeOutboxRow(bytes.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(DecodeOutboxRow(bytes + "x").ok());
}

// Values that are filled in place lie where those that are copied would, also where the buffer
// grows.
TEST(BatchBuilderTest, FilledAndCopiedValuesMakeTheSameBatch) {
  BatchBuilder filled, copied;
  for (size_t round = 0; round < 2; ++round) {
    for (size_t bytes = 1; bytes < 200'000; bytes = bytes * 3 + 1) {
      std::string value(bytes, static_cast<char>('a' + bytes % 26));
      filled.PutFilled(3, "key", bytes,
                       [&](char* place) { std::memcpy(place, value.data(), bytes); });
      copied.Put(3, "key", value);
      EXPECT_EQ(filled.bytes(), copied.bytes());
    }
    auto take = [](rocksdb::WriteBatch* batch) { return batch->Data(); };
    EXPECT_EQ(filled.WriteWith(take), copied.WriteWith(take));
    filled.Clear();
    copied.Clear();
  }
}

}  // namespace
}  // namespace ringpost::storage
