// Records opened in the buffers that they came in: the same that any reader of them would see,
// however they were cut.
#include "gateway/tls/record_opener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/counters.h"
#include "gateway/base/limits.h"
#include "tests/unit/tls/record_forger.h"
#include "tests/unit/tls/records/record_layer.h"

namespace ringpost::tls {
namespace {

using ::testing::HasSubstr;

constexpr uint8_t kAlert = 21, kData = 23;
constexpr uint8_t kUnexpectedMessage = 10, kBadRecordMac = 20, kRecordOverflow = 22,
                  kProtocolVersion = 70;
using Kind = RecordOpener::EventKind;

RecordKeys Keys(RecordCipher cipher, bool tls13, uint64_t sequence = 0) {
  RecordKeys keys;
  keys.cipher = cipher;
  keys.tls13 = tls13;
  std::iota(keys.key.begin(), keys.key.end(), uint8_t{1});
  std::iota(keys.iv.begin(), keys.iv.end(), uint8_t{101});
  keys.sequence = sequence;
  return keys;
}

const RecordKeys kEveryKeys[] = {
    Keys(RecordCipher::kAes128Gcm, true), Keys(RecordCipher::kAes256Gcm, true, 0x1122334455667788),
    Keys(RecordCipher::kAes128Gcm, false, 1), Keys(RecordCipher::kAes256Gcm, false, 1)};

struct Reader {
  explicit Reader(const RecordKeys& keys, bool keeps = true) : opener(keys), keep(keeps) {}

  void Take(Slice input) {
    while (true) {
      RecordOpener::Event event = opener.Step(&input, keep);
      switch (event.kind) {
        case Kind::kNeedInput:
          EXPECT_TRUE(input.empty());
          return;
        case Kind::kEmpty:
          break;
        case Kind::kData:
          EXPECT_FALSE(event.data.empty());
          heard.append(event.data.view());
          parts.push_back(std::move(event.data));
          break;
        case Kind::kControl:
          controls.emplace_back(event.type, event.plaintext);
          break;
        case Kind::kFailed:
          failure = event.words;
          alert = event.alert;
          break;
      }
    }
  }
  void Feed(std::string_view bytes, size_t step = SIZE_MAX) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
      Take(Slice::Copy(bytes.substr(0, step)));
    }
  }

  RecordOpener opener;
  bool keep;
  std::string heard, failure;
  std::vector<Slice> parts;
  std::vector<std::pair<uint8_t, std::string>> controls;
  uint8_t alert = 0;
};

std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (; hex.size() >= 2; hex.remove_prefix(2)) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(0, 2)), nullptr, 16)));
  }
  return bytes;
}

// RFC 8448 section 3: the client's application data, and its close_notify.
TEST(RecordOpener, OpensTheRecordsOfRfc8448) {
  RecordKeys keys;
  std::string key = FromHex("17422dda596ed5d9acd890e3c63f5051");
  std::string iv = FromHex("5b78923dee08579033e523d9");
  std::copy(key.begin(), key.end(), keys.key.begin());
  std::copy(iv.begin(), iv.end(), keys.iv.begin());
  Reader reader(keys);
  reader.Feed(
      FromHex("1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b4"
              "6b395bd54a9a20441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4"));
  std::string said(50, '\0');
  std::iota(said.begin(), said.end(), '\0');
  EXPECT_EQ(reader.failure, "");
  EXPECT_EQ(reader.heard, said);
  reader.Feed(FromHex("1703030013c9872760655666b74d7ff1153efd6db6d0b0e3"));
  ASSERT_EQ(reader.controls.size(), 1u);
  EXPECT_EQ(reader.controls[0], std::make_pair(kAlert, std::string("\x01\x00", 2)));
}

TEST(RecordOpener, OpensWhatWasCutAnywhere) {
  for (const RecordKeys& keys : kEveryKeys) {
    RecordLayer layer(keys);
    std::string sealed, said, body;
    for (size_t size : {1, 15, 16, 17, 4095, 16384, 16384, 100, 9000}) {
      std::string words(size, '\0');
      for (size_t i = 0; i < size; ++i) words[i] = static_cast<char>(said.size() + i * 7);
      said += words;
      sealed += layer.Seal(kData, words);
    }
    for (size_t step : {1, 2, 5, 13, 22, 1000, 1448, 4096, 5000, 8192, 16406, 1 << 20}) {
      for (bool keep : {true, false}) {
        Reader reader(keys, keep);
        reader.Feed(sealed, step);
        EXPECT_EQ(reader.failure, "") << step;
        EXPECT_EQ(reader.heard, said) << step;
      }
    }
  }
}

// Of the smallest parts that are kept, too.
TEST(RecordOpener, GivesOutTheBuffersThatItWasGiven) {
  for (size_t buffer_bytes :
       {size_t{limits::kReceiveBufferBytes}, limits::kTlsRecordPartBytesMin, size_t{5000}}) {
    RecordLayer layer(kEveryKeys[0]);
    std::string sealed;
    for (int i = 0; i < 7; ++i) sealed += layer.Seal(kData, std::string(16384, 'x'));
    Reader reader(kEveryKeys[0]);
    std::vector<Slice> buffers;
    for (size_t at = 0; at < sealed.size(); at += buffer_bytes) {
      buffers.push_back(Slice::Copy(sealed.substr(at, buffer_bytes)));
    }
    uint64_t copied = SpilledCount(Counter::kBodyBytesCopied);
    for (const Slice& buffer : buffers) reader.Take(buffer);
    EXPECT_EQ(SpilledCount(Counter::kBodyBytesCopied), copied);
    EXPECT_EQ(reader.heard, std::string(7 * 16384, 'x'));
    size_t from = 0;
    for (const Slice& part : reader.parts) {
      while (from < buffers.size() && !buffers[from].SameBlock(part)) ++from;
      ASSERT_LT(from, buffers.size()) << "a part that lies in no buffer, or in an earlier one";
    }
  }
}

TEST(RecordOpener, PaddingIsCutOff) {
  Side* server = nullptr;
  for (size_t padding : {0, 1, 100, 10'000, 16383}) {
    for (size_t step : {size_t{1}, size_t{300}, size_t{5000}, SIZE_MAX}) {
      RecordForger forger(MakeServer({MakeCertificate({"mx.example"})}), TLS1_3_VERSION, true);
      server = &forger.server();
      forger.Send(RecordType::kData, "x", padding, step);
      forger.Send(RecordType::kData, std::string("\0y\0\0", 4), padding > 16380 ? 0 : padding,
                  step);
      EXPECT_EQ(server->heard, std::string("x\0y\0\0", 5));
    }
  }
  RecordForger forger(MakeServer({MakeCertificate({"mx.example"})}), TLS1_3_VERSION, true);
  forger.Send(static_cast<RecordType>(0), "", 1000);
  EXPECT_TRUE(forger.server().failed);
  EXPECT_THAT(forger.server().connection->failure(), HasSubstr("without a type"));
}

// Nothing of it is given out, and nothing of it is left in the buffer.
TEST(RecordOpener, EveryFlippedByteIsFound) {
  const std::string kSaid = "MAIL FROM:<a@client.example>\r\n";
  for (const RecordKeys& keys : kEveryKeys) {
    std::string record = RecordLayer(keys).Seal(kData, kSaid);
    for (size_t at = 0; at < record.size(); ++at) {
      std::string forged = record;
      forged[at] = static_cast<char>(forged[at] ^ 0x20);
      Reader reader(keys);
      Slice buffer = Slice::Copy(forged);
      reader.Take(buffer);
      EXPECT_EQ(reader.heard, "") << at;
      EXPECT_EQ(buffer.view().find("client.example"), std::string::npos) << at;
      // A longer length waits for what does not come.
      if (at != 3 && at != 4) {
        EXPECT_NE(reader.failure, "") << at;
      }
      reader.Feed(record);
      EXPECT_EQ(reader.heard, "") << at;
    }
  }
}

TEST(RecordOpener, ARecordMayNotComeAgainOrOutOfTurn) {
  for (const RecordKeys& keys : kEveryKeys) {
    RecordLayer layer(keys);
    std::string first = layer.Seal(kData, "first"), second = layer.Seal(kData, "second");
    Reader again(keys);
    again.Feed(first + first);
    EXPECT_EQ(again.heard, "first");
    EXPECT_EQ(again.alert, kBadRecordMac);
    Reader late(keys);
    late.Feed(second);
    EXPECT_EQ(late.heard, "");
    EXPECT_EQ(late.alert, kBadRecordMac);
  }
}

struct HeaderCase {
  const char* name;
  std::string header;
  bool tls13;
  uint8_t alert;  // 0: its body is waited for
};

class Headers : public ::testing::TestWithParam<HeaderCase> {};

TEST_P(Headers, EachHasItsOutcome) {
  Reader reader(kEveryKeys[GetParam().tls13 ? 0 : 2]);
  reader.Feed(GetParam().header);
  EXPECT_EQ(reader.alert, GetParam().alert);
  EXPECT_EQ(reader.failure.empty(), GetParam().alert == 0);
}

std::string Header(uint8_t type, uint16_t version, size_t size) {
  return {static_cast<char>(type), static_cast<char>(version >> 8), static_cast<char>(version),
          static_cast<char>(size >> 8), static_cast<char>(size)};
}

INSTANTIATE_TEST_SUITE_P(
    Records, Headers,
    ::testing::Values(
        HeaderCase{"Longest13", Header(kData, 0x303, 16384 + 256), true, 0},
        HeaderCase{"TooLong13", Header(kData, 0x303, 16384 + 257), true, kRecordOverflow},
        HeaderCase{"Shortest13", Header(kData, 0x303, 17), true, 0},
        HeaderCase{"TooShort13", Header(kData, 0x303, 16), true, kBadRecordMac},
        HeaderCase{"Nothing13", Header(kData, 0x303, 0), true, kBadRecordMac},
        HeaderCase{"Longest12", Header(kData, 0x303, 16384 + 24), false, 0},
        HeaderCase{"TooLong12", Header(kData, 0x303, 16384 + 25), false, kRecordOverflow},
        HeaderCase{"Shortest12", Header(kData, 0x303, 24), false, 0},
        HeaderCase{"TooShort12", Header(kData, 0x303, 23), false, kBadRecordMac},
        HeaderCase{"ClearAlert13", Header(kAlert, 0x303, 2), true, kUnexpectedMessage},
        HeaderCase{"ChangeCipherSpec13", Header(20, 0x303, 1), true, kUnexpectedMessage},
        HeaderCase{"SealedAlert12", Header(kAlert, 0x303, 26), false, 0},
        HeaderCase{"NoType12", Header(19, 0x303, 30), false, kUnexpectedMessage},
        HeaderCase{"Heartbeat12", Header(24, 0x303, 30), false, kUnexpectedMessage},
        HeaderCase{"OldVersion", Header(kData, 0x301, 30), true, kProtocolVersion},
        HeaderCase{"NoVersion", Header(kData, 0x403, 30), false, kProtocolVersion},
        HeaderCase{"Command", "QUIT\r", true, kUnexpectedMessage}),
    [](const auto& one) { return one.param.name; });

TEST(RecordOpener, MoreThanARecordHoldsIsNotGivenOut) {
  for (const RecordKeys& keys : kEveryKeys) {
    Reader reader(keys);
    reader.Feed(RecordLayer(keys).Seal(kData, std::string(16385, 'x')));
    EXPECT_EQ(reader.heard, "");
    EXPECT_EQ(reader.alert, kRecordOverflow);
  }
  // RFC 8446 section 5.4: padding counts.
  for (size_t padding : {384, 385}) {
    RecordForger forger(MakeServer({MakeCertificate({"mx.example"})}), TLS1_3_VERSION, true);
    forger.Send(RecordType::kData, std::string(16000, 'x'), padding);
    EXPECT_EQ(forger.server().failed, padding == 385);
    EXPECT_EQ(forger.server().heard.size(), padding == 385 ? 0u : 16000u);
  }
}

// --- What a slow peer holds

struct Watched : Block {
  char storage[8192];
  int* alive;
};

Slice WatchedBuffer(std::string_view bytes, int* alive) {
  auto* block = new Watched;
  block->alive = alive;
  ++*alive;
  std::copy(bytes.begin(), bytes.end(), block->storage);
  block->bytes = block->storage;
  block->capacity_bytes = sizeof block->storage;
  block->release = [](Block* released) {
    auto* watched = static_cast<Watched*>(released);
    --*watched->alive;
    delete watched;
  };
  return Slice(block, {block->storage, bytes.size()});
}

// The most buffers that were held while the record was not whole; `step` bytes in each.
int MostHeld(std::string_view record, size_t step, Reader* reader) {
  int alive = 0, most = 0;
  for (size_t at = 0; at < record.size(); at += step) {
    reader->Take(WatchedBuffer(record.substr(at, step), &alive));
    if (at + step < record.size()) most = std::max(most, alive);
  }
  reader->parts.clear();
  EXPECT_EQ(alive, 0);
  return most;
}

TEST(RecordOpener, ASlowPeerPinsFewBuffersWithinABodyAndNoneElsewhere) {
  std::string said(16384, 'x');
  std::string record = RecordLayer(kEveryKeys[0]).Seal(kData, said);
  for (size_t step : {size_t{1}, size_t{100}, size_t{1448}, limits::kTlsRecordPartBytesMin - 1,
                      limits::kTlsRecordPartBytesMin, size_t{8192}}) {
    bool small = step < limits::kTlsRecordPartBytesMin;
    Reader body(kEveryKeys[0]), command(kEveryKeys[0], false);
    EXPECT_LE(MostHeld(record, step, &body), small ? 1 : static_cast<int>(said.size() / step) + 1);
    EXPECT_EQ(body.heard, said);
    EXPECT_EQ(MostHeld(record, step, &command), 0) << step;
    EXPECT_EQ(command.heard, said);
  }
}

TEST(RecordOpener, PartsOfARecordAreSmallEnoughForSlabs) {
  Reader reader(kEveryKeys[0], false);
  reader.Feed(RecordLayer(kEveryKeys[0]).Seal(kData, std::string(16384, 'x')), 100);
  ASSERT_FALSE(reader.parts.empty());
  for (const Slice& part : reader.parts) EXPECT_LE(part.size(), limits::kTlsSlabBytes);
}

TEST(RecordOpener, AFailureGivesAllBuffersBack) {
  int alive = 0;
  Reader reader(kEveryKeys[0]);
  std::string record = RecordLayer(kEveryKeys[0]).Seal(kData, std::string(16384, 'x'));
  record.back() = static_cast<char>(record.back() ^ 1);
  for (size_t at = 0; at < record.size(); at += 8192) {
    reader.Take(WatchedBuffer(std::string_view(record).substr(at, 8192), &alive));
  }
  EXPECT_NE(reader.failure, "");
  EXPECT_EQ(alive, 0);
}

// --- Within a connection

TEST(RecordOpener, DataWithinAHandshakeMessageIsTheEnd) {
  for (const char* said : {"QUIT\r\n", ""}) {
    RecordForger forger(MakeServer({MakeCertificate({"mx.example"})}), TLS1_3_VERSION, true);
    forger.Send(RecordType::kHandshake, std::string({24, 0, 0}));
    forger.Send(RecordType::kData, said);
    EXPECT_TRUE(forger.server().failed);
    EXPECT_EQ(forger.server().heard, "");
  }
}

// A server that opens in place, and a client whose own records are made by hand.
struct ByHand : Pair {
  ByHand() : Pair(MakeClient(), MakeServer({MakeCertificate({"mx.example"})})) {
    server.in_place = true;
    Run();
    server.connection->FlushForSendKeys();
    Run();
    records.emplace(*client.connection->SendKeys());
    client.connection->SendElsewhere();  // so it is told of what it would have to answer
  }
  void SayKeyUpdate(bool requested) {
    server.Feed(records->Seal(22, std::string({24, 0, 0, 1, static_cast<char>(requested)})));
  }
  std::optional<RecordLayer> records;
};

// RFC 8446 section 4.6.3: before what is said next, and it asks for nothing.
TEST(RecordOpener, AKeyUpdateIsAnsweredWhereThatIsAskedFor) {
  for (bool requested : {false, true}) {
    ByHand pair;
    pair.SayKeyUpdate(requested);
    EXPECT_FALSE(pair.server.failed);
    pair.server.Say("250 ok\r\n");
    std::string sealed = pair.server.Take();
    constexpr size_t kRecordAdds = 5 + 1 + 16, kKeyUpdate = 5 + kRecordAdds;
    EXPECT_EQ(sealed.size(), (requested ? kKeyUpdate : 0) + kRecordAdds + 8);
    pair.client.Feed(sealed);
    EXPECT_EQ(pair.client.heard, "250 ok\r\n") << "sealed under the keys it has then";
    EXPECT_EQ(pair.client.key_updates, 0) << "the answer asks for an answer";
  }
}

TEST(RecordOpener, AKeyUpdateThatCannotBeAnsweredIsTold) {
  for (bool requested : {false, true}) {
    ByHand pair;
    pair.server.connection->SendElsewhere();
    pair.SayKeyUpdate(requested);
    EXPECT_EQ(pair.server.key_updates, requested ? 1 : 0);
    EXPECT_FALSE(pair.server.failed);
    EXPECT_EQ(pair.server.Take(), "");
  }
}

TEST(RecordOpener, ACipherThatItDoesNotOpenStaysWithTheLibrary) {
  auto server = MakeServer({MakeCertificate({"mx.example"})});
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_strict_cipher_list(context.get(), "ECDHE-ECDSA-CHACHA20-POLY1305");
  bssl::UniquePtr<SSL> client(SSL_new(context.get()));
  SSL_set_connect_state(client.get());
  SSL_set_bio(client.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  Side side;
  side.in_place = true;
  side.connection = Connection::Accept(server);
  auto carry = [&] {
    std::string there(BIO_pending(SSL_get_wbio(client.get())), '\0');
    BIO_read(SSL_get_wbio(client.get()), there.data(), static_cast<int>(there.size()));
    side.Feed(there);
    std::string back = side.Take();
    BIO_write(SSL_get_rbio(client.get()), back.data(), static_cast<int>(back.size()));
  };
  for (int i = 0; i < 4; ++i) {
    SSL_do_handshake(client.get());
    carry();
  }
  ASSERT_TRUE(side.secured);
  EXPECT_THAT(std::string(side.connection->facts().cipher), HasSubstr("CHACHA20"));
  SSL_write(client.get(), "QUIT\r\n", 6);
  carry();
  EXPECT_EQ(side.heard, "QUIT\r\n");
}

// What the library has opened is heard before what comes behind it.
TEST(RecordOpener, ItBeginsBetweenTwoRecordsAndLosesNothing) {
  Pair pair(MakeClient(), MakeServer({MakeCertificate({"mx.example"})}));
  pair.Run();
  std::string said(16384, 'x'), heard;
  said.back() = 'y';
  pair.client.Say(said);
  Slice input = Slice::Copy(pair.client.Take());
  Slice begin = input.Sub(0, 100), rest = input.Sub(100, input.size() - 100);
  EXPECT_EQ(pair.server.connection->Step(&begin).kind, Connection::EventKind::kNeedInput);
  EXPECT_FALSE(pair.server.connection->OpenInPlace()) << "within a record";
  Connection::Event event = pair.server.connection->Step(&rest);
  ASSERT_EQ(event.kind, Connection::EventKind::kData);
  heard = event.data.view();
  ASSERT_LT(heard.size(), said.size());
  EXPECT_FALSE(pair.server.connection->OpenInPlace()) << "within what it holds";
  event = pair.server.connection->Step(&rest);
  ASSERT_EQ(event.kind, Connection::EventKind::kData);
  heard.append(event.data.view());
  EXPECT_EQ(heard, said);
  EXPECT_TRUE(pair.server.connection->OpenInPlace());
  EXPECT_TRUE(pair.server.connection->OpenInPlace()) << "it is so already";
  pair.client.Say("and more");
  pair.server.Feed(pair.client.Take());
  EXPECT_EQ(pair.server.heard, "and more");
}

// Sessions are resumed by tickets that came behind the handshake, to be read by us.
TEST(RecordOpener, TicketsThatItOpensServe) {
  auto client = MakeClient();
  auto server = MakeServer({MakeCertificate({"mx.example"})});
  for (int i = 0; i < 3; ++i) {
    Pair pair(client, server);
    pair.client.in_place = pair.server.in_place = true;
    pair.Run(i + 1);
    pair.server.Say("220 hello\r\n");
    pair.client.Say("EHLO there\r\n");
    pair.Run();
    EXPECT_EQ(pair.client.heard, "220 hello\r\n");
    EXPECT_EQ(pair.server.heard, "EHLO there\r\n");
    EXPECT_EQ(pair.client.connection->facts().resumed, i > 0);
    pair.client.connection->WriteEnd();
    pair.Run();
    EXPECT_TRUE(pair.server.ended);
  }
}

}  // namespace
}  // namespace ringpost::tls
