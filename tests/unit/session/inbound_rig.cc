#include "tests/unit/session/inbound_rig.h"

#include <gtest/gtest.h>

namespace ringpost::session {
namespace {

// The length of the first whole reply in `text`; 0: none yet.
size_t WholeReply(std::string_view text) {
  size_t at = 0;
  while (true) {
    size_t end = text.find("\r\n", at);
    if (end == std::string_view::npos) return 0;
    if (end - at >= 4 && text[at + 3] == ' ') return end + 2;
    at = end + 2;
  }
}

}  // namespace

size_t LinesLog::Count(std::string_view event) const {
  std::string field = "\"event\":\"" + std::string(event) + "\"";
  size_t count = 0;
  for (const std::string& line : lines) count += line.find(field) != std::string::npos;
  return count;
}

InboundRig::InboundRig(uint64_t seed, reactor::SimFaults faults,
                       storage::MemorySpoolFaults spool_faults, reactor::SimIoOptions io_options)
    : world(seed, faults), io(&world, 0, io_options), spool(seed, spool_faults) {
  region.name = "test";
  region.hostname = "gw.example.net";
  region.io = &io;
  region.spool = &spool;
  region.log = &log;
  service = std::make_unique<InboundService>(
      &region, &shared,
      [this](std::unique_ptr<storage::NewMessage> message) {
        EXPECT_TRUE(spool.Has(message->id)) << "admitted before it was durable";
        admitted.push_back(std::move(message));
      },
      &identity);
  policy_ = std::make_shared<ListenerPolicy>();
  policy_->name = kServer;
  policy_->smtp.hostname = region.hostname;
  auto trusted = std::make_shared<identity::NetworkList>();
  trusted->Add(*IpNetwork::Parse("192.0.2.0/24"));
  policy_->trusted = trusted;
  policy_->routable = [](std::string_view domain) { return domain != "nowhere.example"; };
  policy_->connections = std::make_shared<std::atomic<uint32_t>>(0);
  policy_->message_lifetime = Seconds(1000);
  policy_->data_bytes_per_second_min = 50;
  listen_fd_ = world.Listen(*Endpoint::Parse(kServer));
  listener_ = std::make_unique<reactor::Listener>(&io, listen_fd_, this);
  listener_->Start();
}

InboundRig::~InboundRig() {
  listener_->Stop();
  service->Abort();
  EXPECT_TRUE(RunUntil([&] { return service->idle() && listener_->stopped(); }));
  EXPECT_EQ(shared.connections.load(), 0u);
  EXPECT_EQ(policy_->connections->load(), 0u);
  service.reset();
  listener_.reset();
  admitted.clear();
  EXPECT_EQ(io.pool_bytes_held(), 0u) << "a receive buffer leaked";
  EXPECT_EQ(spool.open_streams(), 0u) << "chunks of a message that is not coming were left behind";
}

std::unique_ptr<reactor::SimPeer> InboundRig::Connect(std::string_view from) {
  static uint16_t port = 20'000;
  return world.Connect(*Endpoint::Parse(kServer), {*IpAddress::Parse(from), ++port});
}

bool InboundRig::RunUntil(const std::function<bool()>& done, int steps_max) {
  for (int i = 0; i < steps_max; ++i) {
    if (done()) return true;
    if (!spool.idle() && !pace_.scheduled()) {
      io.timers().Schedule(&pace_, io.now() + Millis(1));
    }
    spool.Tick();
    if (!world.Step() && spool.idle() && io.inbox().empty()) return done();
  }
  return false;
}

void InboundRig::RunFor(Millis span) {
  MonoTime until = world.now() + span;
  // Without anything to wait for, the clock does not move by itself: a timer is what it waits for.
  reactor::Timer timer([](reactor::Timer*) {});
  io.timers().Schedule(&timer, until);
  RunUntil([&] { return world.now() >= until; }, 4'000'000);
}

std::string InboundRig::Reply(reactor::SimPeer& peer) {
  std::string text;
  RunUntil([&] {
    text += peer.TakeReceived();
    return WholeReply(text) > 0 || peer.ended();
  });
  text += peer.TakeReceived();
  EXPECT_EQ(WholeReply(text), text.size()) << "more than one reply: " << text;
  return text;
}

std::string InboundRig::Say(reactor::SimPeer& peer, std::string_view line) {
  peer.Write(std::string(line) + "\r\n");
  return Reply(peer);
}

std::unique_ptr<reactor::SimPeer> InboundRig::Greeted(std::string_view from) {
  auto peer = Connect(from);
  EXPECT_EQ(Reply(*peer).substr(0, 3), "220");
  EXPECT_EQ(Say(*peer, "EHLO client.example").substr(0, 3), "250");
  return peer;
}

std::string InboundRig::Send(reactor::SimPeer& peer, std::string_view body) {
  for (auto line : {"MAIL FROM:<a@client.example>", "RCPT TO:<b@dest.example>", "DATA"}) {
    std::string reply = Say(peer, line);
    if (reply[0] != '2' && reply[0] != '3') return reply;
  }
  peer.Write(body);
  return Say(peer, ".");
}

std::string InboundRig::StoredBody(const storage::NewMessage& message) {
  struct Read : storage::ReadRequest {
    bool done = false;
  } read;
  read.kind = storage::ReadRequest::Kind::kBody;
  read.id = message.id;
  read.chunk_count = message.envelope.body_chunks;
  read.reply_to = &io.inbox();
  read.run = [](Posted* posted) { static_cast<Read*>(posted)->done = true; };
  spool.Read(&read);
  EXPECT_TRUE(RunUntil([&] { return read.done; }));
  return read.body;
}

std::string InboundRig::TextOf(const storage::NewMessage& message) {
  std::string text = message.envelope.trace;
  for (const Slice& slice : message.body.slices()) text.append(slice.view());
  return text;
}

}  // namespace ringpost::session
