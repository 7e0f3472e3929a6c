// Keys of session tickets: they turn, and what they sealed is opened for as long as is promised.
#include "gateway/tls/ticket_keys.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "gateway/base/limits.h"
#include "tests/unit/tls/tls_pair.h"

namespace ringpost::tls {
namespace {

constexpr Seconds kTurn{limits::kTicketKeySeconds};

std::string SealIt(TicketKeys* keys, std::string_view session, MonoTime now) {
  std::string ticket(session.size() + kTicketOverheadBytes, '?');
  keys->Seal(session, now, ticket.data());
  return ticket;
}

std::string OpenIt(TicketKeys* keys, std::string_view ticket, MonoTime now) {
  std::string session(
      ticket.size() < kTicketOverheadBytes ? 0 : ticket.size() - kTicketOverheadBytes, '?');
  return keys->Open(ticket, now, session.data()) ? session : "no";
}

TEST(TicketKeysTest, OpensWhatItSealedAndNothingElse) {
  TicketKeys keys, others;
  MonoTime now;
  std::string ticket = SealIt(&keys, "a session", now);
  EXPECT_EQ(OpenIt(&keys, ticket, now), "a session");
  EXPECT_EQ(OpenIt(&others, ticket, now), "no");
  for (size_t at = 0; at < ticket.size(); ++at) {
    std::string forged = ticket;
    forged[at] = static_cast<char>(forged[at] ^ 1);
    EXPECT_EQ(OpenIt(&keys, forged, now), "no") << at;
  }
  for (size_t cut = 0; cut < ticket.size(); ++cut) {
    EXPECT_EQ(OpenIt(&keys, ticket.substr(0, cut), now), "no") << cut;
  }
  EXPECT_NE(ticket, SealIt(&keys, "a session", now));  // a fresh nonce
}

TEST(TicketKeysTest, AKeyOpensForTwiceTheTimeThatItSeals) {
  TicketKeys keys;
  MonoTime now;
  std::string ticket = SealIt(&keys, "first", now);
  std::string name = ticket.substr(0, 16);
  EXPECT_EQ(SealIt(&keys, "x", now + kTurn - Millis(1)).substr(0, 16), name);
  EXPECT_NE(SealIt(&keys, "x", now + kTurn).substr(0, 16), name);
  EXPECT_EQ(OpenIt(&keys, ticket, now + kTurn), "first");
  EXPECT_EQ(OpenIt(&keys, ticket, now + 3 * kTurn - Millis(1)), "first");
  EXPECT_EQ(OpenIt(&keys, ticket, now + 3 * kTurn), "no");
}

TEST(TicketKeysTest, AfterALongSilenceNothingOldIsOpened) {
  TicketKeys keys;
  MonoTime now;
  std::string ticket = SealIt(&keys, "first", now);
  EXPECT_EQ(OpenIt(&keys, ticket, now + 100 * kTurn), "no");
  std::string later = SealIt(&keys, "later", now + 100 * kTurn);
  EXPECT_EQ(OpenIt(&keys, later, now + 101 * kTurn), "later");
}

TEST(TicketKeysTest, ShardsShareThem) {
  TicketKeys keys;
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      MonoTime now;
      for (int i = 0; i < 300; ++i, now += kTurn / 50) {
        std::string session = std::to_string(t) + ":" + std::to_string(i);
        if (OpenIt(&keys, SealIt(&keys, session, MonoTime() + kTurn), MonoTime() + kTurn) !=
            session)
          ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace ringpost::tls
