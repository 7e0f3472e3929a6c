// Mail out under TLS, over the simulated network: offered, missing, broken, silent, required.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/session/dispatcher_rig.h"
#include "tests/unit/session/sim_kernel_tls.h"

namespace ringpost::session {
namespace {

using ::testing::HasSubstr;

constexpr char kHop[] = "198.51.100.7:25";

class DispatcherTls : public ::testing::Test {
 protected:
  DispatcherTls() { Use(1); }

  void Use(uint64_t seed, reactor::SimFaults faults = reactor::SimFaults::None()) {
    hop_.reset();
    rig_.reset();
    rig_ = std::make_unique<DispatcherRig>(seed, faults);
    rig_->region.tls_any = tls::MakeClient(false);
    rig_->region.tls_verified = tls::MakeClient(true);
    hop_ = std::make_unique<ScriptedHop>(&rig_->world, kHop);
    static const auto server = tls::MakeServer({tls::MakeCertificate({"hop.example"})});
    hop_->tls = server;
  }
  void Route(delivery::HopTls tls, const std::string& hop = kHop) {
    delivery::Route route;
    route.domain = "*";
    route.next_hops.push_back(*delivery::NextHop::Parse(hop));
    route.next_hops[0].tls = tls;
    rig_->RouteTo(std::move(route));
  }
  bool Delivered(size_t count) {
    return rig_->RunUntil([&] { return hop_->messages.size() >= count && rig_->Settled(); });
  }

  std::unique_ptr<DispatcherRig> rig_;
  std::unique_ptr<ScriptedHop> hop_;
};

TEST_F(DispatcherTls, TakesWhatIsOffered) {
  Route(delivery::HopTls::kOpportunistic);
  rig_->Send({});
  ASSERT_TRUE(Delivered(1));
  EXPECT_EQ(hop_->messages[0].tls, "TLSv1.3");
  EXPECT_EQ(hop_->connections, 1);
  auto lines = rig_->log.Of("delivered");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(RecordingLog::Field(lines[0], "tls"), HasSubstr("TLSv1.3 TLS_"));
}

TEST_F(DispatcherTls, ImplicitBeforeTheGreeting) {
  hop_->implicit_tls = true;
  Route(delivery::HopTls::kOpportunistic, std::string("smtps://") + kHop);
  rig_->Send({});
  ASSERT_TRUE(Delivered(1));
  EXPECT_EQ(hop_->messages[0].tls, "TLSv1.3");
}

TEST_F(DispatcherTls, SessionsAreResumed) {
  rig_->config.messages_per_connection = 1;
  rig_->config.connections_per_site = 1;
  Route(delivery::HopTls::kOpportunistic);
  for (size_t i = 0; i < 4; ++i) {
    rig_->Send({});
    ASSERT_TRUE(Delivered(i + 1));
    EXPECT_EQ(hop_->messages.back().resumed, i > 0) << i;
  }
  EXPECT_EQ(hop_->connections, 4);
}

// The hop's tickets come as control records where the kernel reads.
TEST_F(DispatcherTls, TheKernelCanMakeTheRecords) {
  struct {
    bool send, receive;
    const char* words;
  } rules[] = {{true, true, "kernel: both"},
               {true, false, "kernel: send"},
               {false, true, "kernel: receive"}};
  for (auto& rule : rules) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      SCOPED_TRACE(std::string(rule.words) + " seed " + std::to_string(seed));
      Use(seed, reactor::SimFaults::Rough());
      rig_->world.SetKernelTls(SimKernel());
      rig_->region.kernel_records.support = EveryKernelCipher();
      if (rule.send) rig_->region.kernel_records.send_from_bytes = 0;
      if (rule.receive) rig_->region.kernel_records.receive_from_bytes = 0;
      rig_->config.messages_per_connection = 2;
      rig_->config.connections_per_site = 1;
      Route(delivery::HopTls::kRequired);
      for (size_t i = 0; i < 5; ++i) {
        rig_->Send({});
        ASSERT_TRUE(Delivered(i + 1));
        EXPECT_EQ(hop_->messages.back().tls, "TLSv1.3");
        EXPECT_EQ(hop_->messages.back().resumed, i >= 2) << i;
      }
      EXPECT_EQ(hop_->connections, 3);
      for (auto& line : rig_->log.Of("delivered")) {
        EXPECT_THAT(RecordingLog::Field(line, "tls"), HasSubstr(rule.words));
      }
    }
  }
}

TEST_F(DispatcherTls, ABrokenHandshakeIsFollowedByOneTryInClear) {
  hop_->spoiled_handshake = std::string(500, 'x');
  Route(delivery::HopTls::kOpportunistic);
  rig_->Send({});
  ASSERT_TRUE(rig_->RunUntil([&] { return hop_->connections == 2; }));
  hop_->tls = nullptr;  // as it would be spoken to: in clear it is not asked for TLS again
  ASSERT_TRUE(Delivered(1));
  EXPECT_EQ(hop_->messages[0].tls, "");
  EXPECT_EQ(hop_->messages[0].connection, 2);
  EXPECT_EQ(rig_->log.Of("tls_fallback").size(), 1u);
  EXPECT_EQ(rig_->log.Of("deferred").size(), 0u);
}

TEST_F(DispatcherTls, InClearItIsNotAskedForTlsAgain) {
  hop_->spoiled_handshake = std::string(500, 'x');
  Route(delivery::HopTls::kOpportunistic);
  rig_->Send({});
  ASSERT_TRUE(Delivered(1));
  EXPECT_EQ(hop_->connections, 2);
  EXPECT_EQ(hop_->messages[0].tls, "");
}

TEST_F(DispatcherTls, ASilentHandshakeTimesOut) {
  hop_->answer = [](std::string_view command, std::string_view) {
    return std::string(command == "STARTTLS" ? "220 go ahead" : "");  // and no handshake
  };
  Route(delivery::HopTls::kOpportunistic);
  WallTime before = rig_->world.wall_now();
  rig_->Send({});
  ASSERT_TRUE(Delivered(1));
  EXPECT_EQ(hop_->messages[0].tls, "");
  EXPECT_GE(hop_->messages[0].at - before, Seconds(limits::kTlsHandshakeSeconds));
}

TEST_F(DispatcherTls, WhatMustNotLeaveInClearWaits) {
  hop_->tls = nullptr;
  Route(delivery::HopTls::kRequired);
  rig_->Send({});
  ASSERT_TRUE(rig_->RunUntil([&] { return rig_->log.Of("deferred").size() == 1; }));
  EXPECT_THAT(rig_->log.Of("deferred")[0], HasSubstr("does not offer STARTTLS"));
  EXPECT_TRUE(hop_->messages.empty());
  EXPECT_EQ(hop_->transactions_begun, 0);
  hop_->tls = tls::MakeServer({tls::MakeCertificate({"hop.example"})});
  ASSERT_TRUE(Delivered(1));
  EXPECT_EQ(hop_->messages[0].tls, "TLSv1.3");
}

// The connection is ready and in clear, and the envelope on its way from the store.
TEST_F(DispatcherTls, AFloorThatIsRaisedWhileAnEnvelopeLoadsHoldsForItsMessage) {
  bool greeted = false;
  hop_->tls = nullptr;
  hop_->answer = [&](std::string_view command, std::string_view) {
    greeted |= command == "EHLO";
    return std::string();
  };
  hop_->SetUp(false);
  Route(delivery::HopTls::kOpportunistic);
  rig_->Send({});
  rig_->Restart(/*power_cut=*/true);  // its envelope is in the store alone
  hop_->SetUp(true);
  ASSERT_TRUE(rig_->RunUntil([&] { return greeted && !rig_->spool.idle(); }));
  ASSERT_EQ(hop_->transactions_begun, 0);
  Route(delivery::HopTls::kRequired);
  ASSERT_TRUE(rig_->RunUntil([&] { return !rig_->log.Of("deferred").empty(); }));
  EXPECT_THAT(rig_->log.Of("deferred").back(), HasSubstr("does not offer STARTTLS"));
  EXPECT_EQ(hop_->transactions_begun, 0);
  hop_->tls = tls::MakeServer({tls::MakeCertificate({"hop.example"})});
  ASSERT_TRUE(Delivered(1));
  EXPECT_EQ(hop_->messages[0].tls, "TLSv1.3");
}

TEST_F(DispatcherTls, ABrokenHandshakeDefersWhereTlsIsRequired) {
  hop_->spoiled_handshake = std::string(500, 'x');
  Route(delivery::HopTls::kRequired);
  rig_->Send({});
  ASSERT_TRUE(rig_->RunUntil([&] { return rig_->log.Of("deferred").size() == 1; }));
  EXPECT_THAT(rig_->log.Of("deferred")[0], HasSubstr("TLS with the next hop failed"));
  EXPECT_TRUE(hop_->messages.empty());
  EXPECT_EQ(hop_->connections, 1);
  EXPECT_EQ(rig_->log.Of("tls_fallback").size(), 0u);
}

TEST_F(DispatcherTls, WhoDoesNotProveWhoItIsGetsNothing) {
  Route(delivery::HopTls::kVerified);
  rig_->Send({});
  ASSERT_TRUE(rig_->RunUntil([&] { return rig_->log.Of("deferred").size() == 1; }));
  EXPECT_THAT(rig_->log.Of("deferred")[0], HasSubstr("certificate verify failed"));
  EXPECT_EQ(hop_->transactions_begun, 0);
}

TEST_F(DispatcherTls, ARecordThatBreaksWithinADeliverySaysSo) {
  hop_->answer = [](std::string_view command, std::string_view) {
    return std::string(command == "MAIL" ? "garbage" : "");
  };
  Route(delivery::HopTls::kOpportunistic);
  rig_->Send({});
  ASSERT_TRUE(rig_->RunUntil([&] { return rig_->log.Of("deferred").size() == 1; }));
  EXPECT_THAT(rig_->log.Of("deferred")[0], HasSubstr("TLS with the next hop broke: "));
  EXPECT_EQ(rig_->log.Of("tls_fallback").size(), 0u) << "it is no handshake that failed";
  hop_->answer = [](std::string_view, std::string_view) { return std::string(); };
  ASSERT_TRUE(Delivered(1));
}

// Replies that were put between STARTTLS and the handshake (CVE-2021-38371): not believed, and a
// handshake that failed.
TEST_F(DispatcherTls, InjectedRepliesAreAFailedHandshake) {
  hop_->answer = [](std::string_view command, std::string_view) {
    return std::string(command == "STARTTLS" ? "220 go ahead\r\n250-evil\r\n250 SIZE 1" : "");
  };
  for (delivery::HopTls tls : {delivery::HopTls::kRequired, delivery::HopTls::kOpportunistic}) {
    Route(tls);
    int before = hop_->connections;
    rig_->Send({});
    bool clear = tls == delivery::HopTls::kOpportunistic;
    ASSERT_TRUE(rig_->RunUntil(
        [&] { return clear ? !hop_->messages.empty() : rig_->log.Of("deferred").size() == 1; }));
    EXPECT_EQ(hop_->connections - before, clear ? 2 : 1);
  }
  EXPECT_THAT(rig_->log.Of("deferred")[0],
              HasSubstr("TLS with the next hop failed: the server said more than its reply"));
  EXPECT_EQ(rig_->log.Of("tls_fallback").size(), 1u);
  EXPECT_EQ(hop_->messages[0].tls, "");
}

// Nothing is lost, and no message is in two places, whatever the network does.
TEST_F(DispatcherTls, OnARoughNetworkAllArrives) {
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    Use(seed, reactor::SimFaults::Rough());
    Route(delivery::HopTls::kOpportunistic);
    for (int i = 0; i < 20; ++i) {
      Sent sent;
      sent.to = {"user" + std::to_string(i) + "@one.example"};
      sent.body = "Subject: x\r\n\r\n" + std::string(static_cast<size_t>(i) * 3000, 'y') + "\r\n";
      rig_->Send(sent);
    }
    ASSERT_TRUE(rig_->RunUntil([&] { return rig_->Settled(); }, 4'000'000)) << seed;
    for (int i = 0; i < 20; ++i) {
      EXPECT_GE(hop_->Count("user" + std::to_string(i) + "@one.example"), 1) << seed;
    }
    for (const HopMessage& message : hop_->messages) {
      EXPECT_TRUE(message.content.ends_with("\r\n")) << seed;
    }
  }
}

}  // namespace
}  // namespace ringpost::session
