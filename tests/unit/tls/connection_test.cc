// Handshakes, records and ends, between our client and our server.
#include "gateway/tls/connection.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "tests/unit/tls/tls_pair.h"

namespace ringpost::tls {
namespace {

std::shared_ptr<const ServerContext> PlainServer() {
  static const auto server = MakeServer({MakeCertificate({"mx.example"})});
  return server;
}

TEST(ConnectionTest, ShakesHandsAndTalksBothWays) {
  for (size_t step : {size_t{1}, size_t{7}, size_t{1000}, SIZE_MAX}) {
    Pair pair(MakeClient(), PlainServer());
    pair.Run(step);
    ASSERT_TRUE(pair.client.secured && pair.server.secured);
    EXPECT_EQ(pair.server.connection->facts().version, "TLSv1.3");
    EXPECT_EQ(pair.client.connection->facts().cipher, pair.server.connection->facts().cipher);
    EXPECT_TRUE(pair.server.connection->facts().cipher.starts_with("TLS_"));
    EXPECT_EQ(pair.server.connection->requested_name(), "mx.example");
    pair.server.Say("220 hello\r\n");
    pair.client.Say("EHLO there\r\n");
    pair.Run(step);
    EXPECT_EQ(pair.client.heard, "220 hello\r\n");
    EXPECT_EQ(pair.server.heard, "EHLO there\r\n");
  }
}

TEST(ConnectionTest, NothingOfItIsClear) {
  Pair pair(MakeClient(), PlainServer());
  pair.Run();
  pair.server.Say("a password and a body");
  std::string wire = pair.server.Take();
  EXPECT_EQ(wire.find("password"), std::string::npos);
  EXPECT_GT(wire.size(), 21u);
}

size_t CountRecords(std::string_view sealed) {
  size_t records = 0;
  for (; sealed.size() >= 5; ++records) {
    size_t bytes = static_cast<uint8_t>(sealed[3]) << 8 | static_cast<uint8_t>(sealed[4]);
    sealed.remove_prefix(std::min(sealed.size(), 5 + bytes));
  }
  EXPECT_TRUE(sealed.empty());
  return records;
}

TEST(ConnectionTest, SmallPartsShareRecordsAndLargeOnesFillThem) {
  Pair pair(MakeClient(), PlainServer());
  pair.Run();
  std::vector<Slice> parts;
  std::string said;
  for (int i = 0; i < 3000; ++i) {
    std::string line = "line " + std::to_string(i) + "\r\n";
    parts.push_back(Slice::Copy(line));
    said += line;
  }
  std::string large(50'000, 'x');
  parts.push_back(Slice::Copy(large));
  said += large;
  pair.server.connection->Write(parts);
  std::string sealed = pair.server.Take();
  size_t records = CountRecords(sealed);
  size_t full = said.size() / 16384;
  EXPECT_GE(records, full);
  EXPECT_LE(records, full + 2);
  pair.client.Feed(sealed);
  EXPECT_EQ(pair.client.heard, said);
  // No slab of a whole record, on either side.
  EXPECT_LE(pair.client.pieces.size(), 2 * records);
  for (size_t piece : pair.client.pieces) EXPECT_LT(piece, 14u * 1024);
}

TEST(ConnectionTest, EndsInOrder) {
  Pair pair(MakeClient(), PlainServer());
  pair.Run();
  pair.client.Say("QUIT\r\n");
  pair.client.connection->WriteEnd();
  pair.client.Say("never said");
  pair.Run();
  EXPECT_EQ(pair.server.heard, "QUIT\r\n");
  EXPECT_TRUE(pair.server.ended);
  // The other direction is still open.
  pair.server.Say("221 bye\r\n");
  pair.Run();
  EXPECT_EQ(pair.client.heard, "221 bye\r\n");
}

// CVE-2026-45185: what comes behind close_notify is not read, in clear or otherwise.
TEST(ConnectionTest, WhatComesBehindTheEndIsDropped) {
  Pair pair(MakeClient(), PlainServer());
  pair.Run();
  pair.client.connection->WriteEnd();
  pair.server.Feed(pair.client.Take() + "MAIL FROM:<mallory@example.com>\r\n");
  EXPECT_TRUE(pair.server.ended);
  pair.server.Feed("DATA\r\n");
  EXPECT_EQ(pair.server.heard, "");
  EXPECT_FALSE(pair.server.failed);
}

TEST(ConnectionTest, ClearTextInsteadOfAHelloFails) {
  for (std::string_view said : {"EHLO client\r\n", "GET / HTTP/1.1\r\n\r\n", "\r\n\r\n\r\n\r\n"}) {
    Side server;
    server.connection = Connection::Accept(PlainServer());
    server.Feed(said);
    EXPECT_TRUE(server.failed) << said;
    EXPECT_FALSE(server.connection->failure().empty());
    server.Feed("more");
    EXPECT_EQ(server.heard, "");
  }
}

TEST(ConnectionTest, EveryFlippedByteOfARecordIsFound) {
  std::string record;
  for (size_t at = 0; at == 0 || at < record.size(); ++at) {
    Pair pair(MakeClient(), PlainServer());
    pair.Run();
    pair.client.Say("MAIL FROM:<a@example.com>\r\n");
    record = pair.client.Take();
    record[at] = static_cast<char>(record[at] ^ 0x20);
    pair.server.Feed(record);
    EXPECT_EQ(pair.server.heard, "") << at;
    // A longer length in the header waits for bytes that do not come.
    if (at != 3 && at != 4) {
      EXPECT_TRUE(pair.server.failed) << at;
    }
  }
}

TEST(ConnectionTest, TheAlertOfAFailureIsGivenOut) {
  Pair pair(MakeClient(), PlainServer());
  pair.Run();
  pair.server.Feed(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'z'));
  EXPECT_TRUE(pair.server.failed);
  std::string alert = pair.server.Take();
  EXPECT_FALSE(alert.empty());
  pair.client.Feed(alert);
  EXPECT_TRUE(pair.client.failed);
  EXPECT_NE(pair.client.connection->failure().find("bad record mac"), std::string::npos)
      << pair.client.connection->failure();
}

TEST(ConnectionTest, ARecordThatIsTooLongFails) {
  Side server;
  server.connection = Connection::Accept(PlainServer());
  server.Feed(std::string("\x16\x03\x01\x7f\xff", 5));
  EXPECT_TRUE(server.failed);
}

TEST(ConnectionTest, AClientThatIsNotToResumeDoesNot) {
  auto server = MakeServer({MakeCertificate({"mx.example"})});
  auto client = ClientContext::Make({.authorities = "", .verify = false, .resume = false});
  ASSERT_TRUE(client.ok());
  for (int i = 0; i < 3; ++i) {
    Pair pair(*client, server);
    pair.Run();
    pair.server.Say("220 hello\r\n");
    pair.Run();
    EXPECT_EQ(pair.client.heard, "220 hello\r\n");
    EXPECT_FALSE(pair.client.connection->facts().resumed);
  }
}

TEST(ConnectionTest, SessionsAreResumedAlsoAcrossConfigurations) {
  auto tickets = std::make_shared<TicketKeys>();
  auto certificate = MakeCertificate({"mx.example"});
  auto client = MakeClient();
  for (int i = 0; i < 6; ++i) {
    // A new configuration each time: the tickets' keys are what stays.
    Pair pair(client, ServerContext::Make({{certificate}, tickets, false}));
    pair.Run();
    pair.server.Say("220 hello\r\n");  // the tickets leave with the first words
    pair.Run();
    EXPECT_EQ(pair.client.heard, "220 hello\r\n");
    EXPECT_EQ(pair.server.connection->facts().resumed, i > 0) << i;
    EXPECT_EQ(pair.client.connection->facts().resumed, i > 0) << i;
  }
  Pair other(client, ServerContext::Make({{certificate}, tickets, false}), "other.example");
  other.Run();
  EXPECT_FALSE(other.client.connection->facts().resumed) << "another peer's session";
  Pair keyless(client, ServerContext::Make({{certificate}, nullptr, false}));
  keyless.Run();
  EXPECT_TRUE(keyless.client.secured);
  EXPECT_FALSE(keyless.client.connection->facts().resumed);
}

// --- Which certificate

std::string NameShown(const std::shared_ptr<const ServerContext>& server, const std::string& name,
                      const std::string& authority) {
  std::string path = ::testing::TempDir() + "/ringpost-authority-XXXXXX";
  int fd = mkstemp(path.data());
  EXPECT_EQ(write(fd, authority.data(), authority.size()), static_cast<ssize_t>(authority.size()));
  close(fd);
  Pair pair(MakeClient(false, path), server, name);
  unlink(path.c_str());
  pair.Run();
  return pair.client.connection->facts().verified ? "verified" : "not verified";
}

TEST(ServerContextTest, TheNameAskedForPicksTheCertificate) {
  PemPair a = MakeSelfSigned({"a.example", "www.a.example"}, KeyKind::kEcdsa, kNow, 1);
  PemPair b = MakeSelfSigned({"b.example", "*.b.example"}, KeyKind::kEcdsa, kNow, 1);
  auto first = Certificate::Parse(a.chain, a.key, {}, kNow);
  auto second = Certificate::Parse(b.chain, b.key, {}, kNow);
  auto server = MakeServer({*first, *second});
  EXPECT_EQ(NameShown(server, "a.example", a.chain), "verified");
  EXPECT_EQ(NameShown(server, "WWW.A.example", a.chain), "verified");
  EXPECT_EQ(NameShown(server, "b.example", b.chain), "verified");
  EXPECT_EQ(NameShown(server, "mx.b.example", b.chain), "verified");
  EXPECT_EQ(NameShown(server, "x.mx.b.example", b.chain), "not verified");
  EXPECT_EQ(NameShown(server, "b.example", a.chain), "not verified");  // not its authority
  EXPECT_EQ(NameShown(server, "c.example", a.chain), "not verified");  // the first; not its name
}

TEST(ClientContextTest, AStrictClientFailsWhereTheChainIsNotTrusted) {
  Pair pair(MakeClient(true), PlainServer());
  pair.Run();
  EXPECT_TRUE(pair.client.failed);
  EXPECT_FALSE(pair.server.secured && !pair.server.failed);
  EXPECT_NE(pair.client.connection->failure().find("certificate verify failed"), std::string::npos)
      << pair.client.connection->failure();
}

TEST(ClientContextTest, AuthoritiesAreReadOnceForTwo) {
  PemPair pem = MakeSelfSigned({"mx.example"}, KeyKind::kEcdsa, kNow, 1);
  std::string path = ::testing::TempDir() + "/ringpost-authority-XXXXXX";
  int fd = mkstemp(path.data());
  EXPECT_EQ(write(fd, pem.chain.data(), pem.chain.size()), static_cast<ssize_t>(pem.chain.size()));
  close(fd);
  auto first = MakeClient(false, path);
  unlink(path.c_str());
  auto second = ClientContext::Make({path, true, first});
  ASSERT_TRUE(second.ok());
  auto server = MakeServer({*Certificate::Parse(pem.chain, pem.key, {}, kNow)});
  for (const auto& context : {*second, first}) {
    Pair pair(context, server);
    pair.Run();
    EXPECT_TRUE(pair.client.secured && pair.client.connection->facts().verified);
  }
  Pair stranger(*second, PlainServer());
  stranger.Run();
  EXPECT_TRUE(stranger.client.failed);
}

TEST(ClientContextTest, AFileWithoutAuthoritiesIsAnError) {
  auto context = ClientContext::Make({"/nonexistent/authorities.pem", true});
  ASSERT_FALSE(context.ok());
  EXPECT_NE(MessageOf(context.status()).find("/nonexistent/authorities.pem"),
            std::string_view::npos);
}

// --- ALPN

TEST(ConnectionTest, HttpIsAgreedOnWhereBothWantIt) {
  struct Case {
    std::vector<std::string> offered;
    bool http;
    std::string agreed;
  };
  for (const Case& one :
       {Case{{"http/1.1"}, true, "http/1.1"}, Case{{"h2", "http/1.1"}, true, "http/1.1"},
        Case{{"http/1.1"}, false, ""}, Case{{"h2"}, true, ""},
        Case{{"smtp", "h3", "http/1.0", "http/1.10"}, true, ""}, Case{{}, true, ""}}) {
    auto client = ClientContext::Make({.verify = false, .application_protocols = one.offered});
    Pair pair(*client, PlainServer());
    pair.server.connection = Connection::Accept(PlainServer(), one.http);
    pair.Run();
    ASSERT_TRUE(pair.client.secured && pair.server.secured);
    EXPECT_EQ(pair.server.connection->application_protocol(), one.agreed);
    EXPECT_EQ(pair.client.connection->application_protocol(), one.agreed);
  }
}

// --- What an idle one takes

TEST(ConnectionTest, AnIdleConnectionHoldsNoRecordBuffer) {
  Pair pair(MakeClient(), PlainServer());
  pair.Run();
  std::string large(100'000, 'x');
  pair.client.Say(large);
  pair.Run();
  EXPECT_EQ(pair.server.heard.size(), large.size());
  EXPECT_TRUE(pair.server.connection->output().empty());
}

}  // namespace
}  // namespace ringpost::tls
