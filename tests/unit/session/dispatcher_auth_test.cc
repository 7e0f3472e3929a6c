// Smart hosts that want to know us, and destinations that want more of TLS than their route.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "gateway/base/counters.h"
#include "gateway/session/host_resolver.h"
#include "tests/unit/session/dispatcher_rig.h"

namespace ringpost::session {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kHop[] = "198.51.100.7:465";
constexpr char kHopAddress[] = "198.51.100.7";

// All names are the hop's.
class OneAddress final : public HostResolver {
 public:
  void Resolve(HostRequest* request) override {
    request->addresses = {*IpAddress::Parse(kHopAddress)};
    request->reply_to->Post(request);
  }
  bool Cancel(HostRequest*) override { return false; }
};

// A file for as long as a client context takes to read it.
std::shared_ptr<const tls::ClientContext> ClientThatTrusts(const std::string& authority) {
  std::string path = ::testing::TempDir() + "/ringpost-authority-XXXXXX";
  int fd = mkstemp(path.data());
  EXPECT_EQ(write(fd, authority.data(), authority.size()), static_cast<ssize_t>(authority.size()));
  close(fd);
  auto client = tls::MakeClient(true, path);
  unlink(path.c_str());
  return client;
}

class DispatcherAuth : public ::testing::Test {
 protected:
  DispatcherAuth() : rig_(1), hop_(&rig_.world, kHop) {
    tls::PemPair pem = tls::MakeSelfSigned({"hop.example"}, tls::KeyKind::kEcdsa, tls::kNow, 30);
    hop_.tls = tls::MakeServer({*tls::Certificate::Parse(pem.chain, pem.key, {}, tls::kNow)});
    hop_.implicit_tls = true;
    hop_.extensions = {"AUTH PLAIN LOGIN", "PIPELINING"};
    hop_.answer = [this](std::string_view command, std::string_view line) {
      if (command != "AUTH") return std::string();
      auths_.emplace_back(line);
      // \0user\0sesame
      return std::string(line == "AUTH PLAIN AHVzZXIAc2VzYW1l" ? "" : "535 5.7.8 Who are you");
    };
    rig_.region.tls_any = tls::MakeClient(false);
    rig_.region.tls_verified = ClientThatTrusts(pem.chain);
    rig_.region.resolver = &resolver_;
  }

  void Route(const std::string& secret, delivery::HopTls tls = delivery::HopTls::kVerified,
             const std::string& hop = "smtps://user@hop.example") {
    delivery::Route route;
    route.domain = "*";
    route.next_hops.push_back(*delivery::NextHop::Parse(hop));
    route.next_hops[0].tls = tls;
    if (!secret.empty()) {
      auto credentials = std::make_shared<smtp::Credentials>();
      credentials->user = "user";
      credentials->secret = secret;
      route.next_hops[0].credentials = std::move(credentials);
    }
    rig_.RouteTo(std::move(route));
  }
  bool Deferred(size_t count) {
    return rig_.RunUntil([&] { return rig_.log.Of("deferred").size() >= count; });
  }

  OneAddress resolver_;
  DispatcherRig rig_;
  ScriptedHop hop_;
  std::vector<std::string> auths_;
};

TEST_F(DispatcherAuth, SaysWhoWeAreOncePerConnection) {
  rig_.config.connections_per_site = 1;
  Route("sesame");
  for (int i = 0; i < 3; ++i) rig_.Send({});
  ASSERT_TRUE(rig_.RunUntil([&] { return rig_.Settled(); }));
  EXPECT_EQ(hop_.messages.size(), 3u);
  EXPECT_EQ(hop_.connections, 1);
  EXPECT_EQ(auths_.size(), 1u);
  EXPECT_THAT(rig_.log.Of("delivered"), Each(HasSubstr(" verified")));
}

TEST_F(DispatcherAuth, ARefusalDefersAndTheHopIsLeftAlone) {
  Counters counters;
  CountersScope scope(&counters);
  rig_.config.retry.steps = {Seconds(1)};
  Route("wrong");
  for (int i = 0; i < 20; ++i) rig_.Send({});
  ASSERT_TRUE(Deferred(20));
  EXPECT_THAT(rig_.log.Of("deferred"), Each(HasSubstr("AUTH PLAIN was refused: Who are you")));
  EXPECT_THAT(rig_.log.Of("deferred"), Each(HasSubstr("\"reply_code\":535")));
  EXPECT_EQ(auths_.size(), 1u) << "one try tells, for all that wait";
  // With a message due each second it is asked at 60 s, 180 s and 420 s, and no sooner.
  rig_.RunFor(Seconds(500));
  EXPECT_EQ(auths_.size(), 4u);
  EXPECT_EQ(rig_.log.Of("bounced").size(), 0u);
  EXPECT_EQ(hop_.transactions_begun, 0);
  std::vector<std::string> refused = rig_.log.Of("auth_refused");
  ASSERT_EQ(refused.size(), 4u);
  EXPECT_THAT(refused[0], HasSubstr("\"user\":\"user\""));
  EXPECT_THAT(rig_.log.lines, Each(Not(HasSubstr("wrong"))));
  EXPECT_EQ(counters.Get(Counter::kAuthOutRefused), 4u);
  EXPECT_EQ(counters.Get(Counter::kAuthOut), 0u);
  // The right secret is used at the next attempt, not when the rest is over.
  Route("sesame");
  ASSERT_TRUE(rig_.RunUntil([&] { return rig_.Settled(); }));
  EXPECT_EQ(hop_.messages.size(), 20u);
  EXPECT_GT(counters.Get(Counter::kAuthOut), 0u);
}

TEST_F(DispatcherAuth, OnceLetInOthersFollow) {
  Route("sesame");
  for (int i = 0; i < 30; ++i) rig_.Send({});
  ASSERT_TRUE(rig_.RunUntil([&] { return rig_.Settled(); }));
  EXPECT_EQ(hop_.messages.size(), 30u);
  EXPECT_EQ(hop_.connections, 4);
  EXPECT_EQ(auths_.size(), 4u);
}

TEST_F(DispatcherAuth, AServerWithoutAuthGetsNothing) {
  hop_.extensions = {"PIPELINING"};
  Route("sesame");
  rig_.Send({});
  ASSERT_TRUE(Deferred(1));
  EXPECT_THAT(rig_.log.Of("deferred")[0], HasSubstr("does not offer AUTH"));
  EXPECT_TRUE(auths_.empty());
  EXPECT_EQ(hop_.transactions_begun, 0);
}

// What the configuration refuses does not leave either: TLS with whoever it is, and none at all.
TEST_F(DispatcherAuth, NothingThatProvesWhoWeAreLeavesToWhoHasNotProvenIt) {
  hop_.tls = tls::MakeServer({tls::MakeCertificate({"hop.example"})});  // of no authority
  for (auto tls : {delivery::HopTls::kOpportunistic, delivery::HopTls::kRequired,
                   delivery::HopTls::kVerified}) {
    for (bool implicit : {true, false}) {
      hop_.implicit_tls = implicit;
      size_t before = rig_.log.Of("deferred").size();
      Route("sesame", tls, implicit ? "smtps://user@hop.example" : "smtp://user@hop.example:465");
      rig_.Send({});
      ASSERT_TRUE(Deferred(before + 1));
    }
  }
  hop_.tls = nullptr;
  hop_.implicit_tls = false;
  Route("sesame", delivery::HopTls::kOpportunistic, "smtp://user@hop.example:465");
  size_t before = rig_.log.Of("deferred").size();
  rig_.Send({});
  ASSERT_TRUE(Deferred(before + 1));
  EXPECT_TRUE(auths_.empty());
  EXPECT_EQ(hop_.transactions_begun, 0);
}

TEST_F(DispatcherAuth, ATraceShowsNoSecret) {
  std::vector<std::string> traced;
  Route("sesame");
  rig_.dispatcher->Trace("hop.example:465",
                         [&](std::string_view line) { traced.emplace_back(line); });
  rig_.Send({});
  EXPECT_TRUE(rig_.RunUntil([&] { return rig_.Settled(); }));
  rig_.dispatcher->Untrace();
  EXPECT_THAT(traced, ::testing::Contains(HasSubstr("C: AUTH PLAIN ***")));
  EXPECT_THAT(traced, Each(Not(HasSubstr("AHVz"))));
}

// --- Per destination

TEST_F(DispatcherAuth, ADestinationAsksMoreOfTlsThanItsRoute) {
  hop_.tls = tls::MakeServer({tls::MakeCertificate({"hop.example"})});  // of no authority
  hop_.implicit_tls = false;
  rig_.config.destinations =
      *delivery::DestinationTable::Make({{"*.strict.example", delivery::HopTls::kVerified},
                                         {"tls.example", delivery::HopTls::kRequired}});
  Route("", delivery::HopTls::kOpportunistic, "smtp://hop.example:465");
  Sent sent;
  sent.to = {"a@plain.example", "b@mx.strict.example", "c@tls.example", "d@strict.example"};
  rig_.Send(sent);
  ASSERT_TRUE(Deferred(1));
  ASSERT_TRUE(rig_.RunUntil([&] { return rig_.log.Of("delivered").size() == 3; }));
  rig_.RunFor(Seconds(5));
  EXPECT_EQ(
      hop_.Count("a@plain.example") + hop_.Count("c@tls.example") + hop_.Count("d@strict.example"),
      3);
  EXPECT_EQ(hop_.Count("b@mx.strict.example"), 0);
  EXPECT_THAT(rig_.log.Of("deferred"), Each(HasSubstr("b@mx.strict.example")));
  EXPECT_THAT(rig_.log.Of("deferred"), Each(HasSubstr("certificate verify failed")));
  // Those with one rule share a transaction, and the others have connections of their own.
  for (const HopMessage& message : hop_.messages) {
    bool required =
        std::count(message.recipients.begin(), message.recipients.end(), "c@tls.example") == 1;
    EXPECT_EQ(message.recipients.size(), required ? 1u : 2u);
  }
  EXPECT_EQ(hop_.messages.size(), 2u);
  EXPECT_NE(hop_.messages[0].connection, hop_.messages[1].connection);
}

TEST_F(DispatcherAuth, AnIdleConnectionIsNotLentToAStricterDestination) {
  hop_.tls = nullptr;
  hop_.implicit_tls = false;
  rig_.config.destinations =
      *delivery::DestinationTable::Make({{"strict.example", delivery::HopTls::kRequired}});
  Route("", delivery::HopTls::kOpportunistic, "smtp://hop.example:465");
  rig_.Send({});
  ASSERT_TRUE(rig_.RunUntil([&] { return rig_.Settled(); }));
  ASSERT_EQ(hop_.messages.size(), 1u);
  Sent sent;
  sent.to = {"b@strict.example"};
  rig_.Send(sent);  // the connection in clear is idle now
  ASSERT_TRUE(Deferred(1));
  EXPECT_THAT(rig_.log.Of("deferred")[0], HasSubstr("does not offer STARTTLS"));
  EXPECT_EQ(hop_.messages.size(), 1u);
  // A reload that asks less of it lets it go.
  rig_.config.destinations = {};
  Route("", delivery::HopTls::kOpportunistic, "smtp://hop.example:465");
  ASSERT_TRUE(rig_.RunUntil([&] { return rig_.Settled(); }));
  EXPECT_EQ(hop_.Count("b@strict.example"), 1);
}

}  // namespace
}  // namespace ringpost::session
