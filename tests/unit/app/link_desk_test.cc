// Links between the web side and the identity service: who may ask, and where they lead.
#include "gateway/app/link_desk.h"

#include <gtest/gtest.h>

#include "gateway/app/policies.h"
#include "tests/unit/temp_folder.h"

namespace ringpost::app {
namespace {

using State = http::LinkFacts::State;

TEST(LinkDeskTest, EachClientHasItsOwnRate) {
  TempFolder dir;
  auto store = storage::ControlStore::Open(dir.path() + "/control.store", nullptr);
  ASSERT_TRUE(store.ok()) << store.status();
  // It has not begun: nobody can say, which is said at once.
  auto service = IdentityService::Open(store->get(), {});
  ASSERT_TRUE(service.ok()) << service.status();
  LinkDesk desk(service->get());
  auto ask = [&](const char* client) {
    State state = State::kUnknown;
    desk.Ask({std::string(limits::kLinkTokenBytes, 'a'), true}, *IpAddress::Parse(client),
             [&](http::LinkFacts facts) { state = facts.state; });
    return state;
  };
  for (uint32_t i = 0; i < limits::kLinkLookupsOfClientMax; ++i) {
    EXPECT_EQ(ask("192.0.2.1"), State::kUnavailable) << i;
    EXPECT_EQ(ask("2001:db8::1"), State::kUnavailable) << i;
  }
  EXPECT_EQ(ask("192.0.2.1"), State::kTooMany);
  EXPECT_EQ(ask("192.0.2.2"), State::kUnavailable);
  EXPECT_EQ(ask("2001:db8::ffff"), State::kTooMany) << "the same /64";
  EXPECT_EQ(ask("2001:db8:0:1::1"), State::kUnavailable);
}

TEST(WebBaseTest, IsHttpsWhereThereIsAnyAndNamesUnusualPorts) {
  Config config;
  config.hostname = "gw.example.org";
  auto listen = [&](const char* address, session::ListenerProtocol protocol, bool implicit) {
    ListenerConfig& listener = config.listeners.emplace_back();
    listener.address = *Endpoint::Parse(address);
    listener.protocol = protocol;
    listener.tls = implicit ? ListenerTls::kImplicit : ListenerTls::kNone;
  };
  using enum session::ListenerProtocol;
  EXPECT_EQ(WebBase(config), "");
  listen("0.0.0.0:25", kSmtp, false);
  listen("0.0.0.0:465", kSmtp, true);
  EXPECT_EQ(WebBase(config), "");
  listen("0.0.0.0:8080", kHttp, false);
  EXPECT_EQ(WebBase(config), "http://gw.example.org:8080");
  listen("0.0.0.0:80", kAuto, false);
  EXPECT_EQ(WebBase(config), "http://gw.example.org");
  listen("0.0.0.0:8443", kAuto, true);
  EXPECT_EQ(WebBase(config), "https://gw.example.org:8443");
  listen("0.0.0.0:443", kHttp, true);
  EXPECT_EQ(WebBase(config), "https://gw.example.org");
}

}  // namespace
}  // namespace ringpost::app
