// Stream over the real ring and over 100 seeds of the simulated one.
#include <algorithm>

#include "gateway/reactor/stream.h"

#include <errno.h>
#include <gtest/gtest.h>

#include "tests/unit/reactor/stream_fixture.h"

namespace ringpost::reactor {
namespace {

TEST_P(StreamTest, ReceivesAllBytesInOrder) {
  Accepted();
  std::string bytes = Pattern(300'000);
  peer_->Write(bytes);
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.received.size() == bytes.size(); }));
  EXPECT_TRUE(recorder_.received == bytes);
}

TEST_P(StreamTest, SendsAllBytesInOrderThoughSendsAreShort) {
  Accepted();
  std::string bytes = Pattern(500'000);
  for (size_t at = 0; at < bytes.size(); at += 777) {
    stream_->Write(Slice::Copy(std::string_view(bytes).substr(at, 777)));
  }
  EXPECT_EQ(stream_->unsent_bytes(), bytes.size());
  recorder_.inside_call = true;
  stream_->Flush();
  recorder_.inside_call = false;
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.sent == 1; }));
  EXPECT_EQ(stream_->unsent_bytes(), 0u);
  ASSERT_TRUE(rig_->RunUntil([&] { return peer_->received().size() == bytes.size(); }));
  EXPECT_TRUE(peer_->received() == bytes);
}

TEST_P(StreamTest, NothingLeavesBeforeFlush) {
  Accepted();
  stream_->WriteCopy("unflushed");
  rig_->RunFor(Millis(50));
  EXPECT_EQ(peer_->received(), "");
  stream_->Flush();
  stream_->WriteCopy(" more");
  ASSERT_TRUE(rig_->RunUntil([&] { return peer_->received().size() == 9; }));
  rig_->RunFor(Millis(50));
  EXPECT_EQ(peer_->received(), "unflushed");
  EXPECT_EQ(recorder_.sent, 0) << "not all that was written is sent";
  EXPECT_EQ(stream_->unsent_bytes(), 5u);
  stream_->Flush();
  ASSERT_TRUE(rig_->RunUntil([&] { return peer_->received() == "unflushed more"; }));
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.sent == 1; }));
}

TEST_P(StreamTest, WritesFromOnSentGoOn) {
  Accepted();
  int rounds = 0;
  recorder_.on_sent = [&] {
    if (++rounds == 20) return;
    stream_->WriteCopy("again ");
    stream_->Flush();
  };
  stream_->WriteCopy("first ");
  stream_->Flush();
  ASSERT_TRUE(rig_->RunUntil([&] { return rounds == 20; }));
  ASSERT_TRUE(rig_->RunUntil([&] { return peer_->received().size() == 20 * 6; }));
}

TEST_P(StreamTest, CopiesAndSlicesKeepTheirOrder) {
  Accepted();
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    std::string copy = "copy " + std::to_string(i) + "\n";
    stream_->WriteCopy(copy);
    stream_->WriteCopy("more\n");
    Slice slice = Slice::Copy("slice " + std::to_string(i) + "\n");
    stream_->Write(slice);
    expected += copy + "more\n" + std::string(slice.view());
    if (i % 50 == 0) stream_->Flush();
  }
  stream_->Flush();
  ASSERT_TRUE(rig_->RunUntil([&] { return peer_->received().size() == expected.size(); }));
  EXPECT_EQ(peer_->received(), expected);
}

TEST_P(StreamTest, EchoesAsItReceives) {
  Accepted();
  recorder_.on_receive = [&](std::string_view bytes) {
    stream_->WriteCopy(bytes);
    stream_->Flush();
  };
  std::string bytes = Pattern(60'000);
  peer_->Write(bytes);
  ASSERT_TRUE(rig_->RunUntil([&] { return peer_->received().size() == bytes.size(); }));
  EXPECT_TRUE(peer_->received() == bytes);
}

TEST_P(StreamTest, OrderlyEndComesBehindTheBytesAndWritingStillWorks) {
  Accepted();
  peer_->Write("QUIT\r\n");
  peer_->HalfClose();
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.end.has_value(); }));
  EXPECT_EQ(*recorder_.end, 0);
  EXPECT_EQ(recorder_.received, "QUIT\r\n");
  stream_->WriteCopy("221 bye\r\n");
  stream_->Flush();
  ASSERT_TRUE(rig_->RunUntil([&] { return peer_->received() == "221 bye\r\n"; }));
  EXPECT_FALSE(recorder_.closed);
}

TEST_P(StreamTest, ResetIsAnErrorEnd) {
  Accepted();
  rig_->RunFor(Millis(5));
  peer_->Reset();
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.end.has_value(); }));
  EXPECT_EQ(*recorder_.end, -ECONNRESET);
}

TEST_P(StreamTest, SendToOneWhoIsGoneEndsInAnErrorAfterItsLastWords) {
  Accepted();
  peer_->Write("421 busy\r\n");
  peer_->Close();
  int error_ends = 0;
  recorder_.on_end = [&] { error_ends += *recorder_.end < 0; };
  ASSERT_TRUE(rig_->RunUntil([&] {
    if (error_ends == 0) {
      stream_->WriteCopy("more\r\n");
      stream_->Flush();
    }
    return error_ends == 1;
  }));
  EXPECT_EQ(recorder_.received, "421 busy\r\n");
}

TEST_P(StreamTest, CloseInsideOnReceive) {
  Accepted();
  recorder_.on_receive = [&](std::string_view) { stream_->Close(); };
  peer_->Write(Pattern(100'000));
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.closed; }));
  EXPECT_FALSE(recorder_.end.has_value());
  ASSERT_TRUE(rig_->RunUntil([&] { return peer_->ended(); }));
  stream_.reset();
}

TEST_P(StreamTest, CloseWithASendThatWaits) {
  Accepted();
  peer_->SetReading(false);
  std::string bytes = Pattern(rig_->real() ? 8'000'000 : 80'000);  // more than socket buffers take
  stream_->Write(Slice::Copy(bytes));
  stream_->Flush();
  rig_->RunFor(Millis(30));
  EXPECT_GT(stream_->unsent_bytes(), 0u);
  Finish();
  EXPECT_EQ(recorder_.sent, 0);
}

TEST_P(StreamTest, CloseTwiceAndUseAfterwardsAreHarmless) {
  Accepted();
  stream_->Close();
  stream_->Close();
  stream_->WriteCopy("too late");
  stream_->Flush();
  stream_->Pause();
  stream_->Resume();
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.closed; }));
  EXPECT_EQ(stream_->unsent_bytes(), 0u);
  EXPECT_EQ(stream_->fd(), -1);
  stream_.reset();
  ASSERT_TRUE(rig_->RunUntil([&] { return peer_->ended(); }));
  EXPECT_EQ(peer_->received(), "");
}

TEST_P(StreamTest, GoodbyeIsSentBeforeTheEnd) {
  Accepted();
  recorder_.on_sent = [&] { stream_->Close(); };
  stream_->WriteCopy("421 closing\r\n");
  stream_->Flush();
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.closed && peer_->ended(); }));
  EXPECT_EQ(peer_->received(), "421 closing\r\n");
  stream_.reset();
}

TEST_P(StreamTest, PausedStreamDeliversNothingAndThenAll) {
  Accepted();
  stream_->Pause();
  std::string bytes = Pattern(200'000);
  peer_->Write(bytes);
  rig_->RunFor(Millis(50));
  EXPECT_EQ(recorder_.received, "");
  recorder_.inside_call = true;
  stream_->Resume();
  recorder_.inside_call = false;
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.received.size() == bytes.size(); }));
  EXPECT_TRUE(recorder_.received == bytes);
}

TEST_P(StreamTest, PausingAtEachPieceLosesNothing) {
  Accepted();
  std::string bytes = Pattern(100'000);
  recorder_.on_receive = [&](std::string_view) { stream_->Pause(); };
  peer_->Write(bytes);
  peer_->HalfClose();
  size_t before = 0;
  ASSERT_TRUE(rig_->RunUntil([&] {
    if (recorder_.received.size() > before) {
      before = recorder_.received.size();
      stream_->Resume();
    }
    return recorder_.end.has_value();
  }));
  EXPECT_TRUE(recorder_.received == bytes);
  EXPECT_EQ(*recorder_.end, 0);
}

TEST_P(StreamTest, PausingAgainAndAgainHoldsLittle) {
  Accepted();
  std::string bytes = Pattern(rig_->real() ? 32'000'000 : 400'000);
  bool paused = false;
  recorder_.on_receive = [&](std::string_view) {
    stream_->Pause();
    paused = true;
  };
  peer_->Write(bytes);
  size_t first = 0, most = 0;  // what one turn brings, and what was held at any time
  ASSERT_TRUE(rig_->RunUntil([&] {
    size_t held = rig_->io().pool_bytes_held();
    if (first == 0) first = held;
    most = std::max(most, held);
    if (std::exchange(paused, false)) stream_->Resume();
    return recorder_.received.size() == bytes.size();
  }));
  // The simulation's turns bring too little to tell.
  if (rig_->real()) {
    EXPECT_LE(most, 2 * first) << "received anew before what was held had been taken";
  }
}

TEST_P(StreamTest, PauseStopsTakingFromTheKernel) {
  Accepted();
  stream_->Pause();
  size_t written = rig_->real() ? 20'000'000 : 400'000;
  peer_->Write(Pattern(written));
  rig_->RunFor(Millis(100));
  EXPECT_GT(peer_->unsent_bytes(), written / 4) << "the kernel's buffers took more than they hold";
  size_t held = rig_->io().pool_bytes_held();
  EXPECT_LT(held, rig_->io().pool_bytes());
  rig_->RunFor(Millis(50));
  EXPECT_EQ(rig_->io().pool_bytes_held(), held) << "still receiving";
}

TEST_P(StreamTest, EndWhilePausedIsToldAfterResume) {
  Accepted();
  stream_->Pause();
  peer_->Write("last words");
  peer_->HalfClose();
  rig_->RunFor(Millis(50));
  EXPECT_FALSE(recorder_.end.has_value());
  stream_->Resume();
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.end.has_value(); }));
  EXPECT_EQ(recorder_.received, "last words");
}

// No receive is under way then that could tell of it.
TEST_P(StreamTest, AFailedSendIsToldWhilePaused) {
  Accepted();
  stream_->Pause();
  peer_->SetReading(false);
  peer_->Write(Pattern(rig_->real() ? 20'000'000 : 400'000));
  stream_->WriteCopy(Pattern(rig_->real() ? 20'000'000 : 400'000));
  stream_->Flush();
  rig_->RunFor(Millis(50));
  EXPECT_FALSE(recorder_.end.has_value());
  peer_->Reset();
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.end.has_value(); }));
  EXPECT_LT(*recorder_.end, 0);
}

// Held, it takes what the kernel had handed over and then only what it is asked to.
TEST_P(StreamTest, HeldItReceivesExactlyWhatIsAskedFor) {
  Accepted();
  std::string first = Pattern(10'000, 3), second = Pattern(50'000, 4);
  peer_->Write(first);
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.received.size() == first.size(); }));
  stream_->HoldReceive();
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.held == 1; }));
  peer_->Write(second);
  rig_->RunFor(Millis(20));
  EXPECT_EQ(recorder_.received.size(), first.size());
  // Header and body, as records are read.
  size_t asked = 0;
  std::vector<size_t> sizes = {5, 1, 4000, 5, 17};
  recorder_.on_held = [&] {
    EXPECT_LE(recorder_.received.size(), first.size() + asked);
    size_t missing = first.size() + asked - recorder_.received.size();
    if (missing == 0 && !sizes.empty()) {
      missing = sizes.front();
      asked += missing;
      sizes.erase(sizes.begin());
    }
    if (missing > 0) stream_->ReceiveOnce(missing);
  };
  recorder_.on_held();
  ASSERT_TRUE(rig_->RunUntil(
      [&] { return sizes.empty() && recorder_.received.size() == first.size() + asked; }));
  rig_->RunFor(Millis(20));
  EXPECT_EQ(recorder_.received.size(), first.size() + asked);
  recorder_.on_held = nullptr;
  stream_->ReleaseReceive();
  ASSERT_TRUE(
      rig_->RunUntil([&] { return recorder_.received.size() == first.size() + second.size(); }));
  EXPECT_EQ(recorder_.received, first + second);
}

TEST_P(StreamTest, HoldingWhilePausedWaitsForTheResume) {
  Accepted();
  stream_->Pause();
  std::string bytes = Pattern(30'000);
  peer_->Write(bytes);
  rig_->RunFor(Millis(20));
  stream_->HoldReceive();
  rig_->RunFor(Millis(20));
  EXPECT_EQ(recorder_.held, 0);
  recorder_.on_held = [&] { stream_->ReleaseReceive(); };
  recorder_.inside_call = true;
  stream_->Resume();
  recorder_.inside_call = false;
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.received.size() == bytes.size(); }));
  EXPECT_EQ(recorder_.held, 1);
  EXPECT_EQ(recorder_.received, bytes);
}

TEST_P(StreamTest, AHeldStreamStillLearnsThatASendFailed) {
  Accepted();
  stream_->HoldReceive();
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.held >= 1; }));
  peer_->Reset();
  ASSERT_TRUE(rig_->RunUntil([&] {
    stream_->WriteCopy("anybody there?");
    stream_->Flush();
    return recorder_.end.has_value();
  }));
  EXPECT_LT(*recorder_.end, 0);
}

TEST_P(StreamTest, CloseWhilePausedWithBytesKept) {
  Accepted();
  stream_->Pause();
  peer_->Write(Pattern(50'000));
  rig_->RunFor(Millis(50));
  Finish();
  EXPECT_EQ(recorder_.received, "");
}

TEST_P(StreamTest, ConnectsAndTalks) {
  std::unique_ptr<Peer> server;
  Endpoint where = rig_->Serve([&](std::unique_ptr<Peer> peer) {
    server = std::move(peer);
    server->Write("220 hello\r\n");
  });
  stream_.emplace(&rig_->io(), &recorder_);
  stream_->WriteCopy("early\r\n");
  recorder_.inside_call = true;
  stream_->Connect(where, nullptr);
  stream_->Flush();
  recorder_.inside_call = false;
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.received == "220 hello\r\n"; }));
  EXPECT_EQ(recorder_.connected, 0);
  EXPECT_TRUE(stream_->open());
  ASSERT_TRUE(rig_->RunUntil([&] { return server->received() == "early\r\n"; }));
  Endpoint peer = rig_->io().PeerOf(stream_->fd());
  EXPECT_EQ(peer, where);
}

TEST_P(StreamTest, RefusedConnectIsToldAndThenClosed) {
  stream_.emplace(&rig_->io(), &recorder_);
  stream_->Connect(rig_->Refusing(), nullptr);
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.closed; }));
  EXPECT_EQ(recorder_.connected, -ECONNREFUSED);
  EXPECT_FALSE(recorder_.end.has_value());
  stream_.reset();
}

TEST_P(StreamTest, CloseWhileConnecting) {
  Endpoint where = rig_->Serve([](std::unique_ptr<Peer>) {});
  stream_.emplace(&rig_->io(), &recorder_);
  stream_->Connect(where, nullptr);
  stream_->Close();
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.closed; }));
  EXPECT_FALSE(recorder_.connected.has_value());
  stream_.reset();
}

TEST_P(StreamTest, CloseOfAStreamThatWasNeverOpened) {
  stream_.emplace(&rig_->io(), &recorder_);
  Finish();
}

TEST_P(StreamTest, ManyConnectionsAtOnce) {
  constexpr size_t kCount = 40;
  struct Pair {
    std::unique_ptr<Peer> peer;
    Recorder recorder;
    std::unique_ptr<Stream> stream;
  };
  std::vector<Pair> pairs(kCount);
  for (size_t i = 0; i < kCount; ++i) {
    pairs[i].peer = rig_->Connect(local_);
    pairs[i].peer->Write("peer " + std::to_string(i) + "\n");
  }
  ASSERT_TRUE(rig_->RunUntil([&] { return acceptor_.fds.size() == kCount; }));
  for (Pair& pair : pairs) {
    pair.stream = std::make_unique<Stream>(&rig_->io(), &pair.recorder);
    pair.recorder.on_receive = [&pair](std::string_view bytes) {
      pair.stream->WriteCopy(bytes);
      pair.stream->Flush();
    };
    pair.stream->Adopt(acceptor_.fds.back());
    acceptor_.fds.pop_back();
  }
  ASSERT_TRUE(rig_->RunUntil([&] {
    return std::all_of(pairs.begin(), pairs.end(), [&](Pair& pair) {
      return pair.peer->received() == "peer " + std::to_string(&pair - pairs.data()) + "\n";
    });
  }));
  for (Pair& pair : pairs) pair.stream->Close();
  ASSERT_TRUE(rig_->RunUntil([&] {
    return std::all_of(pairs.begin(), pairs.end(), [](Pair& pair) { return pair.recorder.closed; });
  }));
}

// Eight buffers of 64 bytes for a fast peer: ENOBUFS again and again, and yet all arrives.
TEST_P(StreamTest, TinyPoolStillReceivesEverything) {
  TearDown();
  MakeRig({.buffer_bytes = 64, .buffer_count = 8});
  Accepted();
  recorder_.keep = true;  // pins buffers: the pool must come to terms with it
  std::string bytes = Pattern(20'000);
  peer_->Write(bytes);
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.received.size() == bytes.size(); }));
  EXPECT_TRUE(recorder_.received == bytes);
  EXPECT_LE(rig_->io().pool_bytes_held(), rig_->io().pool_bytes() * 3 / 4);
}

TEST(StreamSize, IdleStreamIsSmall) { EXPECT_LE(sizeof(Stream), 120u); }

INSTANTIATE_TEST_SUITE_P(Rigs, StreamTest, testing::ValuesIn(Seeds()), [](const auto& param) {
  return param.param == 0 ? std::string("RealRing") : "Seed" + std::to_string(param.param);
});

}  // namespace
}  // namespace ringpost::reactor
