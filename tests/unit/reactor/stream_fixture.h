// The fixture of Stream's tests: one stream over the real ring (seed 0) or the simulated one, and
// its peer.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/reactor/stream.h"
#include "tests/unit/reactor/net_rig.h"

namespace ringpost::reactor {

struct Recorder final : StreamHandler {
  void OnConnected(int error) override { connected = error; }
  void OnReceive(Slice bytes) override {
    EXPECT_FALSE(inside_call) << "called back from inside a call";
    EXPECT_FALSE(end) << "bytes after the end";
    received.append(bytes.view());
    if (keep) kept.Append(bytes);
    if (on_receive) on_receive(bytes.view());
  }
  void OnSent() override {
    EXPECT_FALSE(inside_call);
    ++sent;
    if (on_sent) on_sent();
  }
  void OnEnd(int error) override {
    EXPECT_FALSE(inside_call);
    EXPECT_TRUE(!end || (*end == 0 && error < 0)) << "a second end";
    end = error;
    if (on_end) on_end();
  }
  void OnClosed() override {
    EXPECT_FALSE(inside_call);
    EXPECT_FALSE(closed);
    closed = true;
  }
  void OnReceiveHeld() override {
    EXPECT_FALSE(inside_call);
    EXPECT_FALSE(end);
    ++held;
    if (on_held) on_held();
  }
  void OnReleased(int fd, std::string rest) override {
    EXPECT_FALSE(inside_call);
    EXPECT_FALSE(closed || released);
    released = fd;
    received.append(rest);
  }

  std::optional<int> connected;
  std::string received;
  SliceChain kept;
  bool keep = false;
  int sent = 0;
  int held = 0;
  std::function<void()> on_held;
  std::optional<int> end;
  bool closed = false;
  std::optional<int> released;
  bool inside_call = false;
  std::function<void(std::string_view)> on_receive;
  std::function<void()> on_sent;
  std::function<void()> on_end;
};

struct Acceptor final : Listener::Handler {
  void OnAccept(int fd) override { fds.push_back(fd); }
  std::vector<int> fds;
};

inline std::string Pattern(size_t size, unsigned seed = 1) {
  std::string bytes(size, '\0');
  for (char& c : bytes) {
    seed = seed * 1'103'515'245 + 12'345;
    c = static_cast<char>(seed >> 16);
  }
  return bytes;
}

// Seed 0 is the real ring.
class StreamTest : public testing::TestWithParam<uint64_t> {
 protected:
  void MakeRig(RigOptions options = {}) {
    options.seed = GetParam();
    rig_ = options.seed == 0 ? MakeRealRig(options) : MakeSimRig(options);
    listen_fd_ = rig_->Listen(&local_);
    listener_.emplace(&rig_->io(), listen_fd_, &acceptor_);
    listener_->Start();
  }
  void SetUp() override { MakeRig(); }
  void TearDown() override {
    if (stream_) Finish();
    peer_.reset();
    listener_->Stop();
    EXPECT_TRUE(rig_->RunUntil([&] { return listener_->stopped(); }));
    for (int fd : acceptor_.fds) rig_->io().Close(fd);
    rig_->StopListening(listen_fd_);
    listener_.reset();
    recorder_.kept.Clear();
    EXPECT_EQ(rig_->io().pool_bytes_held(), 0u);
  }
  // A peer connected to a stream of ours.
  void Accepted() {
    peer_ = rig_->Connect(local_);
    ASSERT_TRUE(rig_->RunUntil([&] { return !acceptor_.fds.empty(); }));
    stream_.emplace(&rig_->io(), &recorder_);
    stream_->Adopt(acceptor_.fds.back());
    acceptor_.fds.pop_back();
  }
  void Finish() {
    recorder_.on_receive = nullptr;
    recorder_.on_end = nullptr;
    recorder_.inside_call = true;
    stream_->Close();
    recorder_.inside_call = false;
    EXPECT_TRUE(rig_->RunUntil([&] { return recorder_.closed; }));
    stream_.reset();
  }

  std::unique_ptr<NetRig> rig_;
  Acceptor acceptor_;
  int listen_fd_ = -1;
  Endpoint local_;
  std::optional<Listener> listener_;
  std::unique_ptr<Peer> peer_;
  Recorder recorder_;
  std::optional<Stream> stream_;
};

inline std::vector<uint64_t> Seeds() {
  std::vector<uint64_t> seeds;
  for (uint64_t seed = 0; seed <= 100; ++seed) seeds.push_back(seed);
  return seeds;
}

}  // namespace ringpost::reactor
