// Clients that are slow, vanish, or send much; a network and a store that misbehave, over seeds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST(InboundFaults, PeerThatDoesNotReadIsNotFedForEver) {
  InboundRig rig;
  auto client = rig.Greeted();
  client->SetReading(false);
  std::string nonsense;
  for (int i = 0; i < 40'000; ++i) nonsense += "HELP\r\n";
  client->Write(nonsense);
  rig.RunFor(Seconds(limits::kServerCommandSeconds * 2 + limits::kGoodbyeSeconds + 10));
  EXPECT_EQ(rig.service->connections(), 0u);
  EXPECT_LE(rig.io.pool_bytes_held(), rig.io.pool_bytes() / 4);
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
  // What the store holds is what was sent.
  struct Read : storage::ReadRequest {
    bool done = false;
  } read;
  read.kind = storage::ReadRequest::Kind::kBody;
  read.id = message.id;
  read.chunk_count = message.envelope.body_chunks;
  read.reply_to = &rig.io.inbox();
  read.run = [](Posted* posted) { static_cast<Read*>(posted)->done = true; };
  rig.spool.Read(&read);
  ASSERT_TRUE(rig.RunUntil([&] { return read.done; }));
  EXPECT_EQ(read.body, body);
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
void SendAndVanish(uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  InboundRig rig(seed, reactor::SimFaults::Hostile(),
                 {.io_error_one_in = 40, .no_space_one_in = 400});
  Random random(seed);
  std::string script;
  int messages = 1 + static_cast<int>(random.Below(4));
  script += "EHLO c.example\r\n";
  for (int i = 0; i < messages; ++i) {
    script += "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<e@nowhere.example>\r\n";
    std::string body = BigBody(random.Below(200'000), seed);
    script += "BDAT " + std::to_string(body.size()) + " LAST\r\n" + body;
    if (random.OneIn(3)) script += "RSET\r\n";
  }
  script += "QUIT\r\n";
  auto client = rig.Connect();
  if (!client) return;
  size_t cut = random.OneIn(3) ? script.size() : random.Below(script.size());
  client->Write(std::string_view(script).substr(0, cut));
  rig.RunUntil([&] { return client->ended(); }, static_cast<int>(random.Below(20'000)));
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
  for (const auto& message : rig.admitted) EXPECT_TRUE(rig.spool.Has(message->id));
}

TEST(InboundFaults, ResetsAtEveryStateOver200Seeds) {
  for (uint64_t seed = 1; seed <= 200 && !::testing::Test::HasFailure(); ++seed) {
    SendAndVanish(seed);
  }
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
    if (!message.body_in_chunks) {
      EXPECT_TRUE(InboundRig::TextOf(message).ends_with(body));
    }
  }
}

TEST(InboundFaults, RoughNetworkOver100Seeds) {
  for (uint64_t seed = 1; seed <= 100 && !::testing::Test::HasFailure(); ++seed) RoughSession(seed);
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
  size_t accepted = 0, deferred = 0;
  for (auto& client : clients) {
    bool queued = client->received().find("queued as") != std::string::npos;
    bool told = client->received().find("\r\n452 ") != std::string::npos;
    EXPECT_TRUE(queued || told) << client->received();
    accepted += queued;
    deferred += told;
  }
  EXPECT_EQ(rig.admitted.size(), accepted);
  EXPECT_GT(accepted, 0u);
}

}  // namespace
}  // namespace ringpost::session
