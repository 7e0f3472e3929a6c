// Lookups for delivery, before a server that answers, fails, is silent, or lets one wait.
#include "gateway/session/mail_lookup.h"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <thread>

#include "gateway/base/time.h"
#include "gateway/dns/dns_limits.h"
#include "tests/unit/dns/dns_server.h"

namespace ringpost::session {
namespace {

using dns::RecordType;
using Outcome = dns::Exchangers::Outcome;

struct Domain : ExchangersRequest {
  int done = 0;
};
struct Host : HostRequest {
  int done = 0;
};

class MailLookupTest : public testing::Test {
 protected:
  void Make(uint32_t ask_millis = 10'000, std::vector<IpNetwork> allowed = {}) {
    MailLookupOptions options;
    options.resolver.stubs = {{"example", server_.endpoint()}};
    options.resolver.ask_millis = ask_millis;
    options.own_names = {"mx.ours.example"};
    options.allowed_targets = std::move(allowed);
    auto made = MailLookup::Make(options);
    ASSERT_TRUE(made.ok()) << made.status();
    lookup_ = std::move(*made);
  }
  void Find(Domain* asked, std::string domain) {
    asked->domain = std::move(domain);
    asked->reply_to = &inbox_;
    asked->run = [](Posted* posted) { ++static_cast<Domain*>(posted)->done; };
    lookup_->FindExchangers(asked);
  }
  void Resolve(Host* asked, std::string host) {
    asked->host = std::move(host);
    asked->reply_to = &inbox_;
    asked->run = [](Posted* posted) { ++static_cast<Host*>(posted)->done; };
    lookup_->Resolve(asked);
  }
  template <typename Done>
  bool Until(Done done) {
    for (int i = 0; i < 15'000 && !done(); ++i) {
      if (inbox_.Drain() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return done();
  }
  dns::Exchangers Found(std::string domain) {
    Domain asked;
    Find(&asked, std::move(domain));
    EXPECT_TRUE(Until([&] { return asked.done > 0; }));
    return asked.found;
  }
  // "2a00::1 1.1.1.1", or the error.
  std::string Addresses(std::string host) {
    Host asked;
    Resolve(&asked, std::move(host));
    EXPECT_TRUE(Until([&] { return asked.done > 0; }));
    std::string text = asked.error;
    for (const IpAddress& address : asked.addresses) {
      text += (text.empty() ? "" : " ") + address.ToString();
    }
    return text;
  }

  dns::DnsServer server_;
  Inbox inbox_;
  std::unique_ptr<MailLookup> lookup_;
};

TEST_F(MailLookupTest, SaysWhatItRefuses) {
  MailLookupOptions options;
  options.resolver.trust_anchors_file = "no/such/file";
  EXPECT_EQ(MailLookup::Make(options).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(MailLookupTest, FindsExchangers) {
  server_.Mx("a.example", 20, "mx2.example");
  server_.Mx("a.example", 10, "mx1.example");
  server_.Mx("null.example", 0, "");
  server_.Mx("ours.example", 10, "mx.ours.example");
  server_.Address("plain.example", "1.1.1.1");
  Make();
  dns::Exchangers found = Found("A.Example");
  EXPECT_EQ(found.outcome, Outcome::kHosts);
  EXPECT_EQ(found.hosts, (std::vector<dns::Exchanger>{{10, "mx1.example"}, {20, "mx2.example"}}));
  EXPECT_EQ(Found("null.example").outcome, Outcome::kNullMx);
  EXPECT_EQ(Found("ours.example").outcome, Outcome::kLoop);
  EXPECT_EQ(Found("nowhere.example").outcome, Outcome::kNoDomain);
  found = Found("plain.example");
  EXPECT_TRUE(found.implicit);
  EXPECT_EQ(found.hosts, (std::vector<dns::Exchanger>{{0, "plain.example"}}));
}

TEST_F(MailLookupTest, Failures) {
  server_.Fail("broken.example", dns::Rcode::kServFail);
  server_.Fail("refused.example", dns::Rcode::kRefused);
  Make();
  EXPECT_EQ(Found("broken.example").outcome, Outcome::kServfail);
  EXPECT_EQ(Found("broken.example").words, "the answer is SERVFAIL");
  EXPECT_EQ(Found("refused.example").outcome, Outcome::kServfail);
  EXPECT_EQ(Found("no domain").outcome, Outcome::kMalformed);
  EXPECT_EQ(Addresses("broken.example"), "the answer is SERVFAIL");
  EXPECT_EQ(Addresses("nowhere.example"), "there is no such name");
}

TEST_F(MailLookupTest, NoAnswerInTime) {
  server_.BeSilent("silent.example");
  Make(200);
  MonoTime begin = ReadMonoClock();
  dns::Exchangers found = Found("silent.example");
  EXPECT_EQ(found.outcome, Outcome::kTimeout);
  EXPECT_EQ(found.words, "no answer within 200 ms");
  EXPECT_EQ(Addresses("silent.example"), "no answer within 200 ms");
  EXPECT_GE(ReadMonoClock() - begin, Millis(400));
  EXPECT_LT(ReadMonoClock() - begin, Seconds(10));
}

TEST_F(MailLookupTest, FindsAddresses) {
  server_.Address("both.example", "1.1.1.1");
  server_.Address("both.example", "2a00::1");
  server_.Address("v6.example", "2a00::2");
  server_.Address("inside.example", "10.0.0.1");
  server_.Address("some.example", "127.0.0.1");
  server_.Address("some.example", "2a00::3");
  server_.Mx("none.example", 0, "");
  Make();
  EXPECT_EQ(Addresses("both.example"), "2a00::1 1.1.1.1");
  EXPECT_EQ(Addresses("V6.Example."), "2a00::2");
  EXPECT_EQ(Addresses("inside.example"), "10.0.0.1 is a private address, to which no mail is sent");
  EXPECT_EQ(Addresses("some.example"), "2a00::3");
  EXPECT_EQ(Addresses("none.example"), "the name has no address");
  // The library knows this name itself.
  EXPECT_NE(Addresses("localhost").find("is a loopback address"), std::string::npos);
}

TEST_F(MailLookupTest, AddressesThatAreAllowed) {
  server_.Address("inside.example", "10.0.0.1");
  server_.Address("inside.example", "127.0.0.1");
  Make(10'000, {*IpNetwork::Parse("10.0.0.0/8")});
  EXPECT_EQ(Addresses("inside.example"), "10.0.0.1");
}

TEST_F(MailLookupTest, EqualNamesAreAskedOnce) {
  server_.Mx("a.example", 10, "mx.example");
  server_.Address("mx.example", "1.1.1.1");
  Make();
  server_.Hold(true);
  std::deque<Domain> domains(200);
  std::deque<Host> hosts(200);
  for (size_t i = 0; i < domains.size(); ++i) {
    Find(&domains[i], i % 2 == 0 ? "a.example" : "A.example.");
    Resolve(&hosts[i], "mx.example");
  }
  server_.Hold(false);
  ASSERT_TRUE(Until([&] {
    return std::all_of(domains.begin(), domains.end(), [](auto& one) { return one.done == 1; }) &&
           std::all_of(hosts.begin(), hosts.end(), [](auto& one) { return one.done == 1; });
  }));
  for (Domain& one : domains) EXPECT_EQ(one.found.hosts.size(), 1u);
  for (Host& one : hosts) EXPECT_EQ(one.addresses.size(), 1u) << one.error;
  EXPECT_EQ(Found("a.example").hosts.size(), 1u);  // from what the resolver keeps
  EXPECT_EQ(server_.Asked("a.example", RecordType::kMx), 1);
  EXPECT_EQ(server_.Asked("mx.example", RecordType::kAaaa), 1);
  // Before any other type the library asks for A, to find out who has the name (RFC 9156).
  EXPECT_LE(server_.Asked("a.example", RecordType::kA), 1);
  EXPECT_LE(server_.Asked("mx.example", RecordType::kA), 2);
}

TEST_F(MailLookupTest, ThousandsOfNamesAtOnce) {
  constexpr size_t kNames = 3 * dns::limits::kQuestionsInFlightMax;
  auto name = [](size_t i) { return "n" + std::to_string(i) + ".example"; };
  for (size_t i = 0; i < kNames; ++i) server_.Mx(name(i), 10, "mx." + name(i));
  Make(20'000);
  MonoTime begin = ReadMonoClock();
  std::deque<Domain> domains(kNames);
  for (size_t i = 0; i < kNames; ++i) Find(&domains[i], name(i));
  for (size_t i = 0; i < kNames; ++i) {
    ASSERT_TRUE(Until([&] { return domains[i].done == 1; })) << i;
    EXPECT_EQ(domains[i].found.hosts, (std::vector<dns::Exchanger>{{10, "mx." + name(i)}}))
        << domains[i].found.words;
  }
  RecordProperty("millis", static_cast<int>((ReadMonoClock() - begin).count()));
}

TEST_F(MailLookupTest, WhoWaitsForTooLongIsToldSo) {
  constexpr size_t kNames = dns::limits::kQuestionsInFlightMax + 50;
  Make(300);
  server_.Hold(true);
  std::deque<Domain> domains(kNames);
  for (size_t i = 0; i < kNames; ++i) Find(&domains[i], "n" + std::to_string(i) + ".example");
  for (Domain& one : domains) {
    ASSERT_TRUE(Until([&] { return one.done == 1; }));
    EXPECT_EQ(one.found.outcome, Outcome::kTimeout);
  }
  // Whichever comes first: its time to wait ends, or that of one that is asked, whose room it gets.
  std::string words = domains.back().found.words;
  bool waited = words == "not asked within 300 ms, since too many others are asked";
  EXPECT_TRUE(waited || words == "no answer within 300 ms") << words;
}

TEST_F(MailLookupTest, TooManyAtOnce) {
  Make();
  server_.Hold(true);
  std::deque<Domain> domains(dns::limits::kMailLookupsOpenMax);
  for (Domain& one : domains) Find(&one, "a.example");
  Domain refused;
  Find(&refused, "b.example");
  Host refused_too;
  Resolve(&refused_too, "a.example");
  inbox_.Drain();
  EXPECT_EQ(refused.found.outcome, Outcome::kServfail);
  EXPECT_EQ(refused.found.words, "too many lookups at once");
  EXPECT_EQ(refused_too.error, "too many lookups at once");
  EXPECT_TRUE(lookup_->CancelExchangers(&domains[0]));
  Domain taken;
  Find(&taken, "b.example");
  inbox_.Drain();
  EXPECT_EQ(taken.done, 0);
  server_.Hold(false);
  ASSERT_TRUE(Until([&] { return taken.done == 1 && domains.back().done == 1; }));
  EXPECT_EQ(domains[0].done, 0);
}

TEST_F(MailLookupTest, WhatIsCancelledIsNotPosted) {
  server_.Mx("a.example", 10, "mx.example");
  Make();
  server_.Hold(true);
  Domain before, kept, never;
  Host host;
  Find(&before, "a.example");
  Find(&kept, "a.example");
  Resolve(&host, "a.example");
  never.domain = "a.example";
  EXPECT_FALSE(lookup_->CancelExchangers(&never));
  EXPECT_TRUE(lookup_->CancelExchangers(&before));
  EXPECT_FALSE(lookup_->CancelExchangers(&before));
  EXPECT_TRUE(lookup_->Cancel(&host));
  server_.Hold(false);
  ASSERT_TRUE(Until([&] { return kept.done == 1; }));
  EXPECT_FALSE(lookup_->CancelExchangers(&kept));
  EXPECT_EQ(Found("a.example").outcome, Outcome::kHosts);
  EXPECT_EQ(before.done + host.done, 0);
}

// Cancelled as they come: either is the truth, never both.
TEST_F(MailLookupTest, CancelledOrPosted) {
  Make();
  for (int i = 0; i < 300; ++i) {
    Domain domain;
    Host host;
    Find(&domain, "n" + std::to_string(i % 3) + ".example");
    Resolve(&host, "n" + std::to_string(i % 3) + ".example");
    if (i % 2 == 0) std::this_thread::sleep_for(std::chrono::microseconds(i));
    bool cancelled = lookup_->CancelExchangers(&domain);
    bool host_cancelled = lookup_->Cancel(&host);
    inbox_.Drain();
    EXPECT_NE(cancelled, domain.done == 1);
    EXPECT_NE(host_cancelled, host.done == 1);
  }
}

TEST_F(MailLookupTest, WhatIsOpenIsAnsweredAtTheEnd) {
  Make();
  server_.Hold(true);
  std::deque<Domain> domains(dns::limits::kQuestionsInFlightMax + 100);
  for (size_t i = 0; i < domains.size(); ++i) {
    Find(&domains[i], "n" + std::to_string(i) + ".example");
  }
  Host host;
  Resolve(&host, "a.example");
  lookup_.reset();
  inbox_.Drain();
  for (Domain& one : domains) {
    EXPECT_EQ(one.done, 1);
    EXPECT_EQ(one.found.outcome, Outcome::kServfail);
    EXPECT_EQ(one.found.words, "the lookups have stopped");
  }
  EXPECT_EQ(host.error, "the lookups have stopped");
}

TEST_F(MailLookupTest, FromManyThreads) {
  for (int i = 0; i < 50; ++i) server_.Mx("n" + std::to_string(i) + ".example", 10, "mx.example");
  Make();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      Inbox inbox;
      std::deque<Domain> domains(200);
      int cancelled = 0;
      for (size_t i = 0; i < domains.size(); ++i) {
        Domain& one = domains[i];
        one.domain = "n" + std::to_string(i % 50) + ".example";
        one.reply_to = &inbox;
        one.run = [](Posted* posted) { ++static_cast<Domain*>(posted)->done; };
        lookup_->FindExchangers(&one);
        if (i % 7 == 0) cancelled += lookup_->CancelExchangers(&one) ? 1 : 0;
      }
      size_t posted = 0;
      for (int i = 0; i < 5000 && posted + cancelled < domains.size(); ++i) {
        posted += inbox.Drain();
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      }
      EXPECT_EQ(posted + cancelled, domains.size());
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace ringpost::session
