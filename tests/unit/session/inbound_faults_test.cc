// Clients that are slow, vanish, or send much; a network and a store that misbehave, over seeds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/base/counters.h"
#include "tests/unit/session/inbound_rig.h"

namespace ringpost::session {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string BigBody(size_t bytes, uint64_t seed) {
  Random random(seed);
  std::string body = "Subject: big\r\n\r\n";
  while (body.size() < bytes) {
    std::string line(random.Below(70), static_cast<char>('a' + random.Below(26)));
    body += line + "\r\n";
  }
  return body;
}

TEST(InboundFaults, SilentClient) {
  InboundRig rig;
  auto client = rig.Greeted();
  rig.RunFor(Seconds(limits::kServerCommandSeconds - 1));
  EXPECT_FALSE(client->ended());
  EXPECT_EQ(client->received(), "");
  rig.RunFor(Seconds(10));
  EXPECT_THAT(client->received(), StartsWith("421 4.4.2 "));
  EXPECT_TRUE(client->ended());
}

TEST(InboundFaults, CommandsKeepTheSession) {
  InboundRig rig;
  auto client = rig.Greeted();
  for (int i = 0; i < 10; ++i) {
    rig.RunFor(Seconds(limits::kServerCommandSeconds - 10));
    EXPECT_THAT(rig.Say(*client, "NOOP"), StartsWith("250 "));
  }
}

TEST(InboundFaults, DrippedCommandDoesNot) {
  InboundRig rig;
  auto client = rig.Greeted();
  for (int i = 0; i < 40 && !client->ended(); ++i) {
    client->Write("N");
    rig.RunFor(Seconds(10));
  }
  EXPECT_THAT(client->received(), StartsWith("421 4.4.2 "));
}

TEST(InboundFaults, DrippedBodyIsTooSlow) {
  InboundRig rig;
  auto client = rig.Greeted();
  for (auto line : {"MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA"}) {
    rig.Say(*client, line);
  }
  MonoTime begun = rig.world.now();
  for (int i = 0; i < 100 && !client->ended(); ++i) {
    client->Write("x\r\n");  // 3 bytes in 10 seconds, never silent for long
    rig.RunFor(Seconds(10));
  }
  EXPECT_THAT(client->received(), HasSubstr("421 4.4.2 "));
  EXPECT_LE(rig.world.now() - begun, Seconds(limits::kServerCommandSeconds + 20));
  EXPECT_EQ(rig.log.Count("session_ended"), 1u);
}

// Neither what is refused before it comes nor what is refused on its way may drip for ever.
TEST(InboundFaults, DrippedBodyThatIsNotWantedIsTooSlow) {
  for (bool refused_at_once : {true, false}) {
    InboundRig rig;
    auto client = rig.Greeted(refused_at_once ? "198.51.100.1" : "192.0.2.9");
    if (refused_at_once) {
      client->Write("BDAT 1000000000\r\n");
    } else {
      for (auto line : {"MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA"}) {
        rig.Say(*client, line);
      }
      client->Write(std::string_view("\0\r\n", 3));
    }
    MonoTime begun = rig.world.now();
    for (int i = 0; i < 100 && !client->ended(); ++i) {
      client->Write("x\r\n");
      rig.RunFor(Seconds(10));
    }
    EXPECT_THAT(client->received(), HasSubstr("421 4.4.2 "));
    EXPECT_LE(rig.world.now() - begun, Seconds(limits::kServerCommandSeconds + 20));
  }
}

// The client goes on sending what it announced: the refusal must reach it all the same.
TEST(InboundFaults, RefusalThatEndsTheSessionIsNotLostToAReset) {
  InboundRig rig;
  auto client = rig.Greeted();
  client->Write("BDAT 2000000000 LAST\r\n");
  EXPECT_THAT(rig.Reply(*client), StartsWith("552 5.3.4 "));
  EXPECT_FALSE(client->ended());
  client->Write(std::string(100'000, 'x'));
  rig.RunFor(Millis(limits::kLingerMillis / 2));
  EXPECT_FALSE(client->ended()) << "what still comes is read for a moment";
  rig.RunFor(Millis(limits::kLingerMillis));
  EXPECT_TRUE(client->ended());
}

TEST(InboundFaults, BodyAtAGoodRateMayTakeLong) {
  InboundRig rig;
  auto client = rig.Greeted();
  for (auto line : {"MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA"}) {
    rig.Say(*client, line);
  }
  std::string line = std::string(78, 'x') + "\r\n";
  for (int i = 0; i < 100; ++i) {
    for (int j = 0; j < 10; ++j) client->Write(line);
    rig.RunFor(Seconds(10));  // 80 bytes a second
  }
  EXPECT_THAT(rig.Say(*client, "."), StartsWith("250 "));
}

// The store keeps the chunks of a body longer than a client may be silent.
TEST(InboundFaults, ABodyThatWaitsForTheStoreIsNotTooSlow) {
  uint32_t delay_millis = 3000 * limits::kServerCommandSeconds;
  InboundRig rig(1, reactor::SimFaults::None(), {.delay_ticks_max = delay_millis});
  auto client = rig.Greeted();
  for (auto line : {"MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA"}) {
    rig.Say(*client, line);
  }
  MonoTime begun = rig.world.now();
  client->Write(BigBody(200'000, 1) + ".\r\n");
  ASSERT_TRUE(rig.RunUntil([&] { return !client->received().empty(); }, 100'000'000));
  EXPECT_THAT(client->received(), StartsWith("250 "));
  EXPECT_GT(rig.world.now() - begun, Seconds(4 * limits::kServerCommandSeconds));
}

TEST(InboundFaults, PeerThatDoesNotReadIsNotFedForEver) {
  InboundRig rig;
  auto client = rig.Greeted();
  rig.Say(*client, "MAIL FROM:<a@b.example>");
  rig.Say(*client, "RCPT TO:<c@d.example>");
  client->SetReading(false);
  // Refused, never an error, never the last: 452 4.5.3 for each above the limit.
  std::string recipients;
  for (int i = 0; i < 20'000; ++i) recipients += "RCPT TO:<c@d.example>\r\n";
  client->Write(recipients);
  rig.RunFor(Seconds(60));
  EXPECT_FALSE(client->ended());
  EXPECT_EQ(rig.service->connections(), 1u);
  EXPECT_LE(rig.io.pool_bytes_held(), rig.io.pool_bytes() / 4);
  EXPECT_GT(client->unsent_bytes(), recipients.size() / 2) << "its commands are not taken any more";
  rig.RunFor(Seconds(limits::kServerCommandSeconds * 2 + limits::kGoodbyeSeconds));
  EXPECT_EQ(rig.service->connections(), 0u);
}

// Each of its segments would be kept by itself.
TEST(InboundFaults, BacklogOfSingleBytes) {
  InboundRig rig;
  auto client = rig.Greeted();
  rig.Say(*client, "MAIL FROM:<a@b.example>");
  client->SetReading(false);
  std::string recipients;
  for (int i = 0; i < 5000; ++i) recipients += "RCPT TO:<c@d.example>\r\n";
  client->Write(recipients);
  rig.RunFor(Seconds(1));
  for (int i = 0; i < 3000; ++i) {
    client->Write("N");
    rig.RunFor(Millis(1));
  }
  EXPECT_LE(rig.io.pool_bytes_held(), 4 * limits::kBacklogSlicesMax * limits::kReceiveBufferBytes);
  client->SetReading(true);
  rig.RunFor(Seconds(1));
  EXPECT_EQ(rig.service->connections(), 1u);
}

TEST(InboundFaults, SmallSegmentsDoNotPinThePool) {
  InboundRig rig;
  auto client = rig.Greeted();
  for (auto line : {"MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA"}) {
    rig.Say(*client, line);
  }
  std::string sent;
  size_t most = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string piece = "line " + std::to_string(i) + "\r\n";
    client->Write(piece);
    sent += piece;
    rig.RunFor(Millis(1));
    most = std::max(most, rig.io.pool_bytes_held());
  }
  EXPECT_THAT(rig.Say(*client, "."), StartsWith("250 "));
  EXPECT_TRUE(InboundRig::TextOf(*rig.admitted.at(0)).ends_with(sent));
  EXPECT_LE(most, 2 * limits::kPinnedBytesMin);
}

TEST(InboundFaults, NothingButDots) {
  InboundRig rig;
  auto client = rig.Greeted();
  std::string wire, text;
  for (int i = 0; i < 4000; ++i) wire += "..\r\n", text += ".\r\n";
  EXPECT_THAT(rig.Send(*client, wire), StartsWith("250 "));
  EXPECT_TRUE(InboundRig::TextOf(*rig.admitted.at(0)).ends_with(text));
}

// A body over the share of the pool goes ahead in chunks.
TEST(InboundFaults, BigBodyGoesInChunks) {
  InboundRig rig(3, reactor::SimFaults::None(), {}, {.buffer_count = 1024});
  auto client = rig.Greeted();
  std::string body = BigBody(3 * limits::kMiB, 7);
  EXPECT_THAT(rig.Send(*client, body), StartsWith("250 "));
  ASSERT_EQ(rig.admitted.size(), 1u);
  const storage::NewMessage& message = *rig.admitted[0];
  EXPECT_TRUE(message.body_in_chunks);
  EXPECT_TRUE(message.body.empty());
  EXPECT_EQ(message.envelope.body_bytes, body.size());
  EXPECT_EQ(rig.StoredBody(message), body) << "what the store holds is what was sent";
}

TEST(InboundFaults, ResetWithChunksAtTheStore) {
  InboundRig rig;
  auto client = rig.Greeted();
  for (auto line : {"MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA"}) {
    rig.Say(*client, line);
  }
  client->Write(BigBody(300'000, 1));
  ASSERT_TRUE(rig.RunUntil([&] { return rig.spool.open_streams() == 1; }));
  client->Reset();
  EXPECT_TRUE(rig.RunUntil([&] { return rig.service->idle(); }));
  EXPECT_EQ(rig.spool.open_streams(), 0u) << "the chunks were discarded";
}

TEST(InboundFaults, StoreFailsInTheMiddleOfABigBody) {
  InboundRig rig;
  auto client = rig.Greeted();
  for (auto line : {"MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA"}) {
    rig.Say(*client, line);
  }
  std::string body = BigBody(300'000, 1);
  client->Write(std::string_view(body).substr(0, 150'000));
  ASSERT_TRUE(rig.RunUntil([&] { return rig.spool.open_streams() == 1; }));
  rig.spool.FailNextGroup();
  client->Write(std::string_view(body).substr(150'000));
  EXPECT_THAT(rig.Say(*client, "."), StartsWith("45"));
  EXPECT_TRUE(rig.admitted.empty());
}

// Its chunks are on their way and the commit is not asked for yet: the client will send again.
TEST(InboundFaults, ClientGoneBeforeTheCommitIsAskedFor) {
  InboundRig rig(1, reactor::SimFaults::None(), {.delay_ticks_max = 500});
  auto client = rig.Greeted();
  for (auto line : {"MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>"}) rig.Say(*client, line);
  std::string body = BigBody(300'000, 1);
  client->Write("BDAT " + std::to_string(body.size()) + " LAST\r\n" + body);
  ASSERT_TRUE(rig.RunUntil([&] { return client->unsent_bytes() == 0; }));
  client->Reset();
  EXPECT_TRUE(rig.RunUntil([&] { return rig.service->idle() && rig.spool.idle(); }));
  EXPECT_TRUE(rig.admitted.empty());
}

TEST(InboundFaults, ClientGoneWhileTheCommitIsInFlight) {
  InboundRig rig(1, reactor::SimFaults::None(), {.delay_ticks_max = 500});
  auto client = rig.Greeted();
  for (auto line : {"MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA"}) {
    rig.Say(*client, line);
  }
  client->Write("hello\r\n.\r\n");
  ASSERT_TRUE(rig.RunUntil([&] { return !rig.spool.idle(); }));
  client->Reset();
  ASSERT_TRUE(rig.RunUntil([&] { return rig.admitted.size() == 1; }));
  EXPECT_TRUE(rig.RunUntil([&] { return rig.service->idle(); }));
}

// A client that sends a few messages and is reset, or closes, at any point of them.
struct Vanished {
  size_t acknowledged = 0, admitted = 0, deferred = 0;
};
void SendAndVanish(uint64_t seed, Vanished* sum) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  InboundRig rig(seed, reactor::SimFaults::Hostile(),
                 {.io_error_one_in = 40, .no_space_one_in = 400});
  Random random(seed);
  std::string script;
  int messages = 1 + static_cast<int>(random.Below(4));
  for (int i = 0; i < messages; ++i) {
    script += "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<e@nowhere.example>\r\n";
    std::string body = BigBody(random.Below(200'000), seed);
    script += "BDAT " + std::to_string(body.size()) + " LAST\r\n" + body;
    if (random.OneIn(3)) script += "RSET\r\n";
  }
  script += "QUIT\r\n";
  auto client = rig.Connect();
  if (!client || !rig.Reply(*client).starts_with("220")) return;
  if (!rig.Say(*client, "EHLO c.example").starts_with("250")) return;
  size_t cut = random.OneIn(3) ? script.size() : random.Below(script.size());
  client->Write(std::string_view(script).substr(0, cut));
  rig.RunUntil([&] { return client->ended(); },
               static_cast<int>(random.Below(random.OneIn(2) ? 400 : 20'000)));
  switch (random.Below(3)) {
    case 0:
      client->Reset();
      break;
    case 1:
      client->Close();
      break;
    default:
      client->HalfClose();
  }
  ASSERT_TRUE(rig.RunUntil([&] { return rig.service->idle() && rig.spool.idle(); }));
  sum->admitted += rig.admitted.size();
  std::string_view said = client->received();
  constexpr std::string_view kQueued = "250 2.0.0 queued as ";
  for (size_t at = 0; (at = said.find(kQueued, at)) != std::string::npos;) {
    at += kQueued.size();
    auto id = MessageId::Parse(said.substr(at, said.find('\r', at) - at));
    ASSERT_TRUE(id) << said;
    EXPECT_TRUE(rig.spool.Has(*id)) << "acknowledged and not stored";
    ++sum->acknowledged;
  }
  for (size_t at = 0; (at = said.find("\r\n45", at)) != std::string::npos; ++at) ++sum->deferred;
}

TEST(InboundFaults, ResetsAtEveryStateOver200Seeds) {
  Vanished sum;
  for (uint64_t seed = 1; seed <= 200 && !::testing::Test::HasFailure(); ++seed) {
    SendAndVanish(seed, &sum);
  }
  EXPECT_GT(sum.acknowledged, 20u);
  EXPECT_GT(sum.admitted, sum.acknowledged) << "no client vanished before its reply";
  EXPECT_GT(sum.deferred, 5u) << "the store never failed";
}

// Every 250 a client saw is a message at the store, and every admitted body is what was sent.
void RoughSession(uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  InboundRig rig(seed, reactor::SimFaults::Rough(), {}, {.buffer_count = 64});
  auto client = rig.Greeted();
  Random random(seed);
  for (int i = 0; i < 3; ++i) {
    std::string body = BigBody(random.Below(random.OneIn(3) ? 300'000 : 9000), seed + i);
    std::string reply = rig.Send(*client, body);
    ASSERT_THAT(reply, StartsWith("250 2.0.0 queued as "));
    ASSERT_EQ(rig.admitted.size(), static_cast<size_t>(i + 1));
    const storage::NewMessage& message = *rig.admitted.back();
    EXPECT_THAT(reply, HasSubstr(message.id.ToString()));
    EXPECT_EQ(message.envelope.body_bytes, body.size());
    if (message.body_in_chunks) {
      EXPECT_EQ(rig.StoredBody(message), body);
    } else {
      EXPECT_TRUE(InboundRig::TextOf(message).ends_with(body));
    }
  }
}

TEST(InboundFaults, RoughNetworkOver100Seeds) {
  for (uint64_t seed = 1; seed <= 100 && !::testing::Test::HasFailure(); ++seed) RoughSession(seed);
}

// Bodies that are on their way fill the receive buffers: the next message has to wait.
TEST(InboundFaults, NoMoreMailWhileThePoolIsNearlyFull) {
  InboundRig rig(1, reactor::SimFaults::None(), {}, {.buffer_count = 64});
  std::vector<std::unique_ptr<reactor::SimPeer>> clients;
  for (int i = 0; i < 26; ++i) {
    clients.push_back(rig.Greeted());
    for (auto line : {"MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA"}) {
      rig.Say(*clients.back(), line);
    }
  }
  for (auto& client : clients) client->Write(BigBody(15'000, 1));
  rig.RunFor(Seconds(1));
  auto late = rig.Greeted();
  EXPECT_THAT(rig.Send(*late, "x\r\n"), StartsWith("452 4.3.1 Too much mail"));
  for (auto& client : clients) EXPECT_THAT(rig.Say(*client, "."), StartsWith("250 "));
  rig.admitted.clear();
  EXPECT_THAT(rig.Send(*late, "x\r\n"), StartsWith("250 "));
}

// Sixteen clients at once on a pool of 64 buffers.
TEST(InboundFaults, EmptyPool) {
  InboundRig rig(5, reactor::SimFaults::Rough(), {}, {.buffer_count = 64});
  std::vector<std::unique_ptr<reactor::SimPeer>> clients;
  for (int i = 0; i < 16; ++i) clients.push_back(rig.Greeted());
  std::string body = BigBody(100'000, 3);
  for (auto& client : clients) {
    client->Write("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT " +
                  std::to_string(body.size()) + " LAST\r\n" + body + "QUIT\r\n");
  }
  auto all_ended = [&] {
    return std::all_of(clients.begin(), clients.end(),
                       [](auto& client) { return client->ended(); });
  };
  ASSERT_TRUE(rig.RunUntil(all_ended, 4'000'000));
  size_t accepted = 0;
  for (auto& client : clients) {
    bool queued = client->received().find("queued as") != std::string::npos;
    bool deferred = client->received().find("\r\n452 ") != std::string::npos;
    EXPECT_TRUE(queued || deferred) << client->received();
    accepted += queued;
  }
  EXPECT_EQ(rig.admitted.size(), accepted);
  EXPECT_GT(accepted, 0u);
}

}  // namespace
}  // namespace ringpost::session
