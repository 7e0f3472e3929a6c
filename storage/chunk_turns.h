// ChunkTurns: when the committer takes chunks of big bodies into a group. Private to storage; the
// committer's thread.
//
// A chunk is as long as forty small messages: those in its group wait for it, and all others for
// the processor and the disk that it takes. So after a group with chunks there is none for some
// times as long as it took: kCommitChunkPausesMax where other mail fills the committer's time, less
// as it fills less of it, none without other mail. How much it fills is remembered for about
// kCommitLoadMillis, as long as the disk is busy with what a burst of chunks left to it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>

#include "gateway/base/limits.h"

namespace ringpost::storage {

class ChunkTurns {
 public:
  using Clock = std::chrono::steady_clock;

  struct Group {
    Clock::time_point from, to;  // composed and written between these
    bool has_chunks = false;
    bool has_other_mail = false;
  };
  // Each group, in order.
  void Took(const Group& group) {
    Clock::duration took = group.to - group.from;
    Learn(group.has_other_mail ? took : Clock::duration(0), group.to);
    if (!group.has_chunks) return;
    auto pause =
        std::chrono::duration_cast<Clock::duration>(took * (limits::kCommitChunkPausesMax * load_));
    Clock::duration longest = std::chrono::milliseconds(limits::kCommitChunkWaitMillisMax);
    next_ = group.to + std::min(pause, longest);
  }
  // When the next group with chunks is due.
  Clock::time_point due() const { return next_; }

 private:
  // Other mail's part of the time since the last group's end, into an average that forgets.
  void Learn(Clock::duration other_mail, Clock::time_point now) {
    using Seconds = std::chrono::duration<double>;
    double passed = Seconds(now - last_).count();
    last_ = now;
    if (passed <= 0) return;
    double part = std::min(1.0, Seconds(other_mail).count() / passed);
    load_ += (part - load_) * (1 - std::exp(-passed * 1000 / limits::kCommitLoadMillis));
  }

  double load_ = 0;  // 0 to 1
  Clock::time_point last_;
  Clock::time_point next_;
};

}  // namespace ringpost::storage
