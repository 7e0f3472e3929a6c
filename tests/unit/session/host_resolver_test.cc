// Names of next hops: answers, failures, cancelling, and a dispatcher that waits for one.
#include "gateway/session/host_resolver.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "gateway/base/limits.h"
#include "tests/unit/session/dispatcher_rig.h"

namespace ringpost::session {
namespace {

struct Asked : HostRequest {
  bool done = false;
};

void Prepare(Asked* asked, Inbox* inbox, std::string host) {
  asked->host = std::move(host);
  asked->reply_to = inbox;
  asked->run = [](Posted* posted) { static_cast<Asked*>(posted)->done = true; };
}

bool DrainUntil(Inbox* inbox, const bool& done) {
  for (int i = 0; i < 2000 && !done; ++i) {
    inbox->Drain();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return done;
}

TEST(HostResolverTest, FindsLocalhostAndKeepsTheAnswer) {
  auto resolver = HostResolver::Make(1);
  Inbox inbox;
  for (int i = 0; i < 2; ++i) {
    Asked asked;
    Prepare(&asked, &inbox, "localhost");
    resolver->Resolve(&asked);
    ASSERT_TRUE(DrainUntil(&inbox, asked.done));
    ASSERT_FALSE(asked.addresses.empty()) << asked.error;
  }
}

TEST(HostResolverTest, AFailureHasWords) {
  auto resolver = HostResolver::Make(1);
  Inbox inbox;
  Asked asked;
  Prepare(&asked, &inbox, "no-such-host.invalid");
  resolver->Resolve(&asked);
  ASSERT_TRUE(DrainUntil(&inbox, asked.done));
  EXPECT_TRUE(asked.addresses.empty());
  EXPECT_FALSE(asked.error.empty());
}

TEST(HostResolverTest, OneLookupAnswersAllThatAskForTheName) {
  auto resolver = HostResolver::Make(2);
  Inbox inbox;
  std::vector<Asked> asked(50);
  for (Asked& each : asked) {
    Prepare(&each, &inbox, "localhost");
    resolver->Resolve(&each);
  }
  for (Asked& each : asked) {
    ASSERT_TRUE(DrainUntil(&inbox, each.done));
    EXPECT_FALSE(each.addresses.empty()) << each.error;
  }
}

TEST(HostResolverTest, WhatIsCancelledIsNotPosted) {
  auto resolver = HostResolver::Make(1);
  Inbox inbox;
  for (int i = 0; i < 50; ++i) {
    Asked asked;
    Prepare(&asked, &inbox, "host-" + std::to_string(i) + ".invalid");
    resolver->Resolve(&asked);
    bool cancelled = resolver->Cancel(&asked);
    inbox.Drain();
    EXPECT_NE(cancelled, asked.done);
  }
  resolver.reset();
  EXPECT_EQ(inbox.Drain(), 0u);
}

// Answers when told to.
class ScriptedResolver final : public HostResolver {
 public:
  void Resolve(HostRequest* request) override { waiting = request; }
  bool Cancel(HostRequest* request) override { return std::exchange(waiting, nullptr) == request; }
  void Answer(std::vector<IpAddress> addresses) {
    HostRequest* request = std::exchange(waiting, nullptr);
    request->addresses = std::move(addresses);
    request->error = request->addresses.empty() ? "not found" : "";
    request->reply_to->Post(request);
  }
  HostRequest* waiting = nullptr;
};

TEST(DispatcherNameTest, WaitsForTheAddressesOfItsNextHop) {
  DispatcherRig rig(1);
  ScriptedResolver resolver;
  rig.region.resolver = &resolver;
  ScriptedHop hop(&rig.world, "192.0.2.1:2525");
  rig.Route({{"*", {"relay.example:2525"}}});
  rig.Send({});
  rig.RunFor(Seconds(5));
  ASSERT_NE(resolver.waiting, nullptr);
  EXPECT_EQ(resolver.waiting->host, "relay.example");
  EXPECT_TRUE(rig.log.Of("deferred").empty());
  // The first answer is a failure: deferred; the next lookup finds it, its first address being
  // dead.
  resolver.Answer({});
  ASSERT_TRUE(rig.RunUntil([&] { return rig.log.Of("deferred").size() == 1; }));
  EXPECT_NE(rig.log.Of("deferred")[0].find("not found"), std::string::npos);
  ASSERT_TRUE(rig.RunUntil([&] { return resolver.waiting != nullptr; }));
  resolver.Answer({*IpAddress::Parse("192.0.2.9"), *IpAddress::Parse("192.0.2.1")});
  ASSERT_TRUE(rig.RunUntil([&] { return rig.Settled(); }));
  EXPECT_EQ(hop.messages.size(), 1u);
}

TEST(DispatcherNameTest, ADispatcherMayGoWhileALookupIsOpen) {
  ScriptedResolver resolver;
  {
    DispatcherRig rig(2);
    rig.region.resolver = &resolver;
    rig.Route({{"*", {"relay.example:2525"}}});
    rig.Send({});
    rig.RunFor(Seconds(1));
    ASSERT_NE(resolver.waiting, nullptr);
  }
  EXPECT_EQ(resolver.waiting, nullptr);
}

}  // namespace
}  // namespace ringpost::session
