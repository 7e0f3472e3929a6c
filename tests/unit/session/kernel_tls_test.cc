// Kernel TLS on the simulated ring: the records of a session move to a kernel, whose record layer
// is BoringSSL's AEADs here, and a client that makes its own records says everything at every
// point. The same with what the kernel does not have: the records that are opened in place.
#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "gateway/base/counters.h"
#include "gateway/base/limits.h"
#include "tests/unit/session/inbound_rig.h"
#include "tests/unit/session/sim_kernel_tls.h"
#include "tests/unit/tls/tls_pair.h"

namespace ringpost::session {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr uint8_t kData = 23;

struct Rule {
  const char* name;
  bool send, receive;
};
constexpr Rule kRules[] = {{"both", true, true}, {"send", true, false}, {"receive", false, true}};
constexpr Rule kNone = {"none", false, false};

std::shared_ptr<const tls::ServerContext> Server() {
  static const auto server = tls::MakeServer({tls::MakeCertificate({"gw.example.net"})});
  return server;
}

void Secure(InboundRig* rig, const Rule& rule, reactor::SimKernelTls kernel = SimKernel()) {
  rig->world.SetKernelTls(std::move(kernel));
  rig->policy().tls = Server();
  rig->policy().implicit_tls = true;
  rig->policy().kernel_records.support = EveryKernelCipher();
  if (rule.send) rig->policy().kernel_records.send_from_bytes = 0;
  if (rule.receive) rig->policy().kernel_records.receive_from_bytes = 0;
}

// A client that is a library in what it reads and a hand in what it says.
class HandClient {
 public:
  explicit HandClient(InboundRig* rig) : rig_(rig), peer_(rig->Connect("192.0.2.9")) {
    static const auto context = tls::MakeClient();
    side_.connection = tls::Connection::Connect(context, "gw.example.net", "gw");
    side_.Feed({});
    peer_->Write(side_.Take());
    RunUntil([this] { return side_.secured; });
    if (!side_.secured) return;
    peer_->Write(side_.Take());
    records_.emplace(*side_.connection->SendKeys());
    side_.connection->SendElsewhere();
  }

  bool secured() const { return side_.secured; }
  bool over() const { return side_.ended || side_.failed || peer_->ended(); }
  const std::string& heard() const { return side_.heard; }
  tls::Side& side() { return side_; }
  reactor::SimPeer& peer() { return *peer_; }
  const std::string& wire() const { return wire_; }

  void Record(uint8_t type, std::string_view bytes) { peer_->Write(records_->Seal(type, bytes)); }
  void Say(std::string_view words) { Record(kData, words); }
  bool resumed() const { return side_.connection->facts().resumed; }
  std::string Sealed(std::string_view words) { return records_->Seal(kData, words); }
  // Until a whole reply has come behind what was heard before, or the end.
  std::string Reply() {
    RunUntil([this] { return Whole() || over(); });
    std::string reply = side_.heard.substr(read_);
    read_ = side_.heard.size();
    return reply;
  }
  void RunUntil(const std::function<bool()>& done) {
    rig_->RunUntil([&] {
      Pump();
      return done() || over();
    });
  }

 private:
  void Pump() {
    std::string came = peer_->TakeReceived();
    wire_ += came;
    if (!came.empty()) side_.Feed(came);
    if (!records_) peer_->Write(side_.Take());
  }
  bool Whole() const {
    std::string_view fresh = std::string_view(side_.heard).substr(read_);
    if (!fresh.ends_with("\r\n")) return false;
    size_t last = fresh.rfind("\r\n", fresh.size() - 3);
    size_t begin = last == std::string_view::npos ? 0 : last + 2;
    return fresh.size() > begin + 3 && fresh[begin + 3] == ' ';
  }

  InboundRig* rig_;
  std::unique_ptr<reactor::SimPeer> peer_;
  tls::Side side_;
  std::optional<tls::RecordLayer> records_;
  std::string wire_;
  size_t read_ = 0;
};

struct Step {
  std::string_view words;
  bool replied;
};
constexpr Step kMail[] = {
    {"EHLO client.example\r\n", true},
    {"MAIL FROM:<a@client.example>\r\n", true},
    {"RCPT TO:<b@dest.example>\r\n", true},
    {"DATA\r\n", true},
    {"From: a@client.example\r\nSubject: hel", false},
    {"lo\r\n\r\nHello\r\n.\r\n", true},
    {"NOOP\r\n", true},
};
constexpr size_t kSteps = std::size(kMail);

TEST(KernelTls, CarriesAMessageInEachDirectionAndBoth) {
  for (const Rule& rule : kRules) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      SCOPED_TRACE(std::string(rule.name) + " seed " + std::to_string(seed));
      InboundRig rig(seed, reactor::SimFaults::Rough());
      Secure(&rig, rule);
      HandClient client(&rig);
      ASSERT_TRUE(client.secured());
      if (seed > 1) {
        EXPECT_TRUE(client.resumed()) << "the tickets did not come";
      }
      EXPECT_THAT(client.Reply(), StartsWith("220 "));
      for (const Step& step : kMail) {
        client.Say(step.words);
        if (step.replied) {
          EXPECT_THAT(client.Reply(), testing::AnyOf(StartsWith("2"), StartsWith("3")));
        }
      }
      ASSERT_EQ(rig.admitted.size(), 1u);
      std::string text = InboundRig::TextOf(*rig.admitted[0]);
      EXPECT_THAT(text, HasSubstr("(TLSv1.3/kernel)"));
      EXPECT_TRUE(text.ends_with("Subject: hello\r\n\r\nHello\r\n"));
      std::string ktls = std::string("\"ktls\":\"") + rule.name + "\"";
      EXPECT_THAT(rig.log.lines.back(), HasSubstr(ktls));
      client.Say("QUIT\r\n");
      EXPECT_THAT(client.Reply(), StartsWith("221 "));
      client.RunUntil([] { return false; });
      EXPECT_TRUE(client.side().ended) << "no close_notify";
      EXPECT_FALSE(client.side().failed);
    }
  }
}

// What comes with the last of the handshake, cut anywhere, is read to the boundary and no further.
TEST(KernelTls, NothingReadAheadIsLost) {
  for (const Rule& rule : kRules) {
    for (uint64_t seed = 1; seed <= 60; ++seed) {
      SCOPED_TRACE(std::string(rule.name) + " seed " + std::to_string(seed));
      InboundRig rig(seed, reactor::SimFaults::Rough());
      Secure(&rig, rule);
      HandClient client(&rig);
      ASSERT_TRUE(client.secured());
      std::string all;
      for (const Step& step : kMail) all += client.Sealed(step.words);
      client.peer().Write(all.substr(0, seed * 7 % all.size()));
      rig.RunFor(Millis(seed % 3));
      client.peer().Write(all.substr(seed * 7 % all.size()));
      client.RunUntil([&] { return client.heard().ends_with("Still here\r\n"); });
      EXPECT_TRUE(client.heard().ends_with("Still here\r\n")) << client.heard();
      ASSERT_EQ(rig.admitted.size(), 1u);
      EXPECT_TRUE(InboundRig::TextOf(*rig.admitted[0]).ends_with("hello\r\n\r\nHello\r\n"));
    }
  }
}

// --- Every control record at every point

enum class After { kGoesOn, kEnds };

struct Said {
  const char* name;
  std::vector<std::pair<uint8_t, std::string>> records;
  After after_kernel;  // where the kernel reads
  After after_send;    // where the kernel sends and we read
  After after_none;    // where we do both
  After Of(const Rule& rule) const {
    return rule.receive ? after_kernel : rule.send ? after_send : after_none;
  }
};

const Said kSaid[] = {
    {"CloseNotify", {{21, {1, 0}}}, After::kEnds, After::kEnds, After::kEnds},
    {"UserCanceled", {{21, {1, 90}}}, After::kGoesOn, After::kGoesOn, After::kGoesOn},
    {"FatalAlert", {{21, {2, 80}}}, After::kEnds, After::kEnds, After::kEnds},
    {"ShortAlert", {{21, {1}}}, After::kEnds, After::kEnds, After::kEnds},
    {"KeyUpdate", {{22, {24, 0, 0, 1, 0}}}, After::kEnds, After::kGoesOn, After::kGoesOn},
    {"KeyUpdateRequested", {{22, {24, 0, 0, 1, 1}}}, After::kEnds, After::kEnds, After::kGoesOn},
    {"KeyUpdateInHalves",
     {{22, {24, 0, 0}}, {22, {1, 0}}},
     After::kEnds,
     After::kGoesOn,
     After::kGoesOn},
    {"KeyUpdateAndMore", {{22, {24, 0, 0, 1, 0, 24}}}, After::kEnds, After::kEnds, After::kEnds},
    {"KeyUpdateOfNoValue", {{22, {24, 0, 0, 1, 7}}}, After::kEnds, After::kEnds, After::kEnds},
    {"Ticket", {{22, {4, 0, 0, 1, 0}}}, After::kEnds, After::kEnds, After::kEnds},
    {"ClientHello", {{22, {1, 0, 0, 2, 3, 3}}}, After::kEnds, After::kEnds, After::kEnds},
    {"EndlessMessage", {{22, {4, 127, 0, 0}}}, After::kEnds, After::kEnds, After::kEnds},
    {"ChangeCipherSpec", {{20, {1}}}, After::kEnds, After::kEnds, After::kEnds},
    {"NoType", {{99, "what"}}, After::kEnds, After::kEnds, After::kEnds},
    {"EmptyData", {{kData, ""}}, After::kGoesOn, After::kGoesOn, After::kGoesOn},
};

// The client's keys go on after its KeyUpdate, which this client does not do: what it says then is
// under the wrong ones, to whoever could follow.
bool ChangesKeys(const Said& said) { return std::string_view(said.name).starts_with("KeyUpdate"); }

void SayAt(const Rule& rule, const Said& said, size_t point, uint64_t seed) {
  InboundRig rig(seed, reactor::SimFaults::Rough());
  Secure(&rig, rule);
  HandClient client(&rig);
  ASSERT_TRUE(client.secured());
  client.Reply();
  After after = said.Of(rule);
  size_t acknowledged = 0;
  MonoTime begun = rig.world.now();
  for (size_t i = 0; i < kSteps && !client.over(); ++i) {
    if (i == point) {
      for (auto& [type, bytes] : said.records) client.Record(type, bytes);
      if (after == After::kGoesOn && !ChangesKeys(said)) {
        rig.RunFor(Millis(5));
      } else {
        client.RunUntil([] { return false; });
        break;
      }
    }
    client.Say(kMail[i].words);
    if (kMail[i].replied && client.Reply().find("queued as") != std::string::npos) ++acknowledged;
  }
  if (after == After::kEnds) {
    EXPECT_TRUE(client.over());
    // Where the library reads on, a transaction in hand is waited for.
    if (rule.receive || !ChangesKeys(said)) {
      EXPECT_LT(rig.world.now() - begun, Seconds(10)) << "it waited for a time-out";
    }
    EXPECT_TRUE(rig.RunUntil([&] { return client.peer().ended(); }));
  }
  if (after == After::kGoesOn && !ChangesKeys(said)) {
    EXPECT_EQ(acknowledged, 1u);
  }
  // What was acknowledged is there, and nothing else is.
  EXPECT_EQ(rig.admitted.size(), acknowledged);
  if (point < 6 && ChangesKeys(said)) {
    EXPECT_EQ(rig.admitted.size(), 0u);
  }
  for (auto& message : rig.admitted) {
    EXPECT_TRUE(InboundRig::TextOf(*message).ends_with("hello\r\n\r\nHello\r\n"));
  }
  // Nothing ever left but records that the client could open.
  EXPECT_THAT(client.wire(), Not(HasSubstr("250 2")));
  EXPECT_THAT(client.wire(), Not(HasSubstr("421 4")));
  EXPECT_THAT(client.side().connection->failure(), Not(HasSubstr("DECRYPT")));
  EXPECT_THAT(client.side().connection->failure(), Not(HasSubstr("decrypt")));
}

TEST(KernelTls, EveryControlRecordAtEveryPoint) {
  for (const Rule& rule : {kRules[0], kRules[1], kRules[2], kNone}) {
    for (const Said& said : kSaid) {
      for (size_t point = 0; point < kSteps; ++point) {
        for (uint64_t seed = 1; seed <= 3; ++seed) {
          SCOPED_TRACE(std::string(rule.name) + " " + said.name + " at " + std::to_string(point) +
                       " seed " + std::to_string(seed));
          if (ChangesKeys(said) && said.Of(rule) == After::kGoesOn) continue;
          SayAt(rule, said, point, seed);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(KernelTls, AForgedRecordIsAnsweredByAnAlertAndTheEnd) {
  for (size_t i = 0; i < 2 * kSteps; ++i) {
    size_t point = i / 2;
    InboundRig rig(point + 1, reactor::SimFaults::Rough());
    Secure(&rig, i % 2 ? kNone : kRules[0]);
    HandClient client(&rig);
    client.Reply();
    for (size_t said = 0; said < point; ++said) {
      client.Say(kMail[said].words);
      if (kMail[said].replied) client.Reply();
    }
    std::string record = client.Sealed("QUIT\r\n");
    record.back() = static_cast<char>(record.back() ^ 1);
    client.peer().Write(record);
    client.RunUntil([] { return false; });
    EXPECT_THAT(client.side().connection->failure(), HasSubstr("bad record mac"));
    EXPECT_EQ(rig.admitted.size(), point > 5 ? 1u : 0u);
    EXPECT_EQ(rig.log.Count("session_ended"), 1u);
  }
}

// --- Keys that are spent

// Behind a KeyUpdate: a receive that fails, as kernels do it, old and new.
TEST(KernelTls, WhatCannotBeOpenedBehindAKeyUpdateDoesNotEndWhatIsInHand) {
  for (bool expires : {false, true}) {
    for (const Rule& rule : {kRules[0], kRules[2]}) {
      SCOPED_TRACE(std::string(rule.name) + (expires ? ", keys expire" : ", records do not open"));
      InboundRig rig;
      reactor::SimKernelTls kernel = SimKernel();
      kernel.expires_keys = expires;
      Secure(&rig, rule, std::move(kernel));
      HandClient client(&rig);
      client.Reply();
      for (const Step& step : std::span(kMail).first(5)) {
        client.Say(step.words);
        if (step.replied) client.Reply();
      }
      client.Say(kMail[5].words);
      client.Record(22, {"\x18\0\0\1\0", 5});
      client.peer().Write(std::string("\x17\3\3\0\x20", 5) + std::string(32, 'x'));
      rig.world.RunFor(Millis(5));  // the store, which only the rig moves, has not answered
      ASSERT_TRUE(rig.admitted.empty()) << "the test is too late";
      ASSERT_EQ(rig.log.Count("tls_keys_spent"), 1u);
      EXPECT_THAT(client.Reply(), StartsWith("250 2.0.0 queued as "));
      client.RunUntil([] { return false; });
      EXPECT_THAT(client.heard(), HasSubstr("\r\n421 "));
      EXPECT_TRUE(client.side().ended) << "no close_notify";
      EXPECT_EQ(rig.admitted.size(), 1u);
    }
  }
}

size_t CountOf(std::string_view words, std::string_view text) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(words, at)) != std::string_view::npos; ++at) ++count;
  return count;
}

// What the flush of a reply finds out ends the session from within it.
TEST(KernelTls, TheReplyThatSpendsTheKeysIsSaidOnce) {
  for (uint64_t records = 0; records < 8; ++records) {
    SCOPED_TRACE(records);
    InboundRig rig;
    Secure(&rig, kRules[1]);
    rig.policy().kernel_records.records_max = records;
    HandClient client(&rig);
    client.Reply();
    size_t said = 0;
    for (; said < 10 && !client.over(); ++said) {
      client.Say("NOOP\r\n");
      client.Reply();
    }
    EXPECT_LT(said, 10u);
    EXPECT_EQ(rig.log.Count("tls_keys_spent"), 1u);
    EXPECT_EQ(CountOf("220 gw.example.net", client.heard()), 1u);
    EXPECT_LE(CountOf("Still here", client.heard()), said);
    EXPECT_EQ(CountOf("421 ", client.heard()), 1u);
    EXPECT_TRUE(client.side().ended) << "no close_notify";
  }
}

// --- Kernels that say no

TEST(KernelTls, AKernelThatHasNoneChangesNothing) {
  for (int error : {-ENOENT, -ENOTCONN, -EPERM}) {
    InboundRig rig;
    reactor::SimKernelTls kernel = SimKernel();
    kernel.attach_error = error;
    Secure(&rig, kRules[0], std::move(kernel));
    HandClient client(&rig);
    ASSERT_TRUE(client.secured());
    client.Reply();
    for (const Step& step : kMail) {
      client.Say(step.words);
      if (step.replied) client.Reply();
    }
    ASSERT_EQ(rig.admitted.size(), 1u);
    EXPECT_THAT(InboundRig::TextOf(*rig.admitted[0]), HasSubstr("(TLSv1.3)"));
  }
}

TEST(KernelTls, AnUnknownCipherStaysInTheLibrary) {
  InboundRig rig;
  Secure(&rig, kRules[0]);
  rig.policy().kernel_records.support = {};
  HandClient client(&rig);
  client.Reply();
  client.Say("EHLO client.example\r\n");
  EXPECT_THAT(client.Reply(), StartsWith("250"));
}

// Once its record layer is on the socket a failure is the end, in silence.
TEST(KernelTls, AKernelThatRefusesTheKeysGetsNothingMore) {
  for (bool sending : {true, false}) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      SCOPED_TRACE(seed);
      InboundRig rig(seed, reactor::SimFaults::Rough());
      reactor::SimKernelTls kernel = SimKernel();
      (sending ? kernel.send_error : kernel.receive_error) = -ENOMEM;
      Secure(&rig, kRules[0], std::move(kernel));
      HandClient client(&rig);
      client.RunUntil([] { return false; });
      EXPECT_TRUE(client.peer().ended());
      EXPECT_THAT(client.wire(), Not(HasSubstr("220 gw")));
      EXPECT_EQ(client.side().connection->failure(), "");
      EXPECT_EQ(rig.log.Count("session_ended"), 1u);
      EXPECT_THAT(rig.log.lines.back(), HasSubstr("the kernel did not take over"));
    }
  }
}

}  // namespace
}  // namespace ringpost::session
