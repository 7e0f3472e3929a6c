// A stream that is given away, over the real ring and over 100 seeds of the simulated one.
#include "tests/unit/reactor/stream_fixture.h"

namespace ringpost::reactor {
namespace {

class StreamReleaseTest : public StreamTest {};

// A connection goes on under another owner (here another Stream) with no byte lost or doubled,
// whenever it is released.
TEST_P(StreamReleaseTest, AReleasedConnectionLivesOn) {
  Accepted();
  std::string in = Pattern(200'000), out = Pattern(90'000, 2);
  size_t release_at = GetParam() % 4 == 0 ? 0 : GetParam() * 1777 % in.size();
  recorder_.on_receive = [&](std::string_view) {
    bool now = recorder_.received.size() >= release_at;
    if (stream_->open() && GetParam() % 3 == 0) stream_->Pause();
    if (GetParam() % 3 == 0 && !now) stream_->Resume();
    if (!stream_->open() || !now) return;
    recorder_.inside_call = true;
    stream_->WriteCopy(out);
    stream_->Flush();
    stream_->Release();
    recorder_.inside_call = false;
    EXPECT_FALSE(stream_->open());
    stream_->WriteCopy("never said");
    stream_->Flush();
    recorder_.on_receive = [](std::string_view) { FAIL() << "bytes after Release"; };
  };
  peer_->Write(in);
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.released.has_value(); }));
  EXPECT_EQ(recorder_.sent, 0);
  EXPECT_FALSE(recorder_.closed);
  stream_.emplace(&rig_->io(), &recorder_);  // the old one may go at once
  recorder_.on_receive = nullptr;
  stream_->Adopt(*recorder_.released);
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.received.size() >= in.size(); }));
  EXPECT_TRUE(recorder_.received == in);
  stream_->WriteCopy("its end");
  stream_->Flush();
  ASSERT_TRUE(rig_->RunUntil([&] { return peer_->received().size() >= out.size() + 7; }));
  EXPECT_TRUE(peer_->received() == out + "its end");
}

TEST_P(StreamReleaseTest, AnIdleConnectionIsReleased) {
  Accepted();
  rig_->RunFor(Millis(5));
  recorder_.inside_call = true;
  stream_->Release();
  recorder_.inside_call = false;
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.released.has_value(); }));
  EXPECT_EQ(recorder_.received, "");
  stream_.emplace(&rig_->io(), &recorder_);
  stream_->Adopt(*recorder_.released);
  peer_->HalfClose();
  ASSERT_TRUE(rig_->RunUntil([&] { return recorder_.end == 0; }));
}

TEST_P(StreamReleaseTest, CloseWhileItIsReleased) {
  Accepted();
  stream_->WriteCopy("the last words");
  stream_->Flush();
  stream_->Release();
  Finish();
  EXPECT_FALSE(recorder_.released);
}

INSTANTIATE_TEST_SUITE_P(Rigs, StreamReleaseTest, testing::ValuesIn(Seeds()),
                         [](const auto& param) {
                           return param.param == 0 ? std::string("RealRing")
                                                   : "Seed" + std::to_string(param.param);
                         });

}  // namespace
}  // namespace ringpost::reactor
