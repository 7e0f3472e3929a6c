// A wait for the resolver, and its end.
#include "gateway/http/host_lookup.h"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace ringpost::http {
namespace {

namespace asio = boost::asio;
using Answer = StatusOr<std::vector<IpAddress>>;

constexpr Seconds kPatience{20};

// What another thread than the loop's posts is held at a gate, on that thread.
struct Gate {
  bool AwaitReached() {
    std::unique_lock lock(mutex);
    return news.wait_for(lock, kPatience, [this] { return reached; });
  }
  // Until the wait has ended, which it must not do now, or long enough for that.
  void Pass() {
    std::unique_lock lock(mutex);
    reached = true;
    news.notify_all();
    news.wait_for(lock, Millis(200), [this] { return ended; });
    passed = true;
  }
  bool End() {
    std::lock_guard lock(mutex);
    ended = true;
    news.notify_all();
    return passed;
  }

  const std::thread::id loop = std::this_thread::get_id();
  std::mutex mutex;
  std::condition_variable news;
  bool reached = false;
  bool ended = false;
  bool passed = false;
};

// An executor of the loop's, behind the gate.
template <typename Loop>
class GatedExecutor {
 public:
  GatedExecutor(Loop loop, Gate* gate) : loop_(std::move(loop)), gate_(gate) {}

  template <typename Function>
  void execute(Function&& function) const {
    if (std::this_thread::get_id() != gate_->loop) gate_->Pass();
    loop_.execute(std::forward<Function>(function));
  }
  template <typename Property>
    requires asio::can_query<const Loop&, Property>::value
  auto query(const Property& property) const -> decltype(auto) {
    return asio::query(loop_, property);
  }
  template <typename Property>
    requires asio::can_require<const Loop&, Property>::value
  auto require(const Property& property) const {
    return GatedExecutor<std::decay_t<decltype(asio::require(loop_, property))>>(
        asio::require(loop_, property), gate_);
  }
  friend bool operator==(const GatedExecutor&, const GatedExecutor&) = default;

 private:
  Loop loop_;
  Gate* gate_;
};

TEST(HostLookup, FindsLocalhost) {
  asio::io_context io;
  std::optional<Answer> answer;
  asio::co_spawn(io, LookUpHost("localhost", kPatience),
                 [&](std::exception_ptr, Answer found) { answer = std::move(found); });
  io.run_for(kPatience);
  ASSERT_TRUE(answer.has_value());
  ASSERT_TRUE(answer->ok()) << answer->status();
  EXPECT_FALSE((*answer)->empty());
}

// The answer is there, and the resolver's thread still at the wake-up, whose context is the
// wait's: given up now, the wait ends once that thread has left it.
TEST(HostLookup, AWaitThatIsGivenUpEndsOnceTheResolverHasLeftIt) {
  asio::io_context io;
  Gate gate;
  asio::cancellation_signal give_up;
  bool ended = false, left = false;
  static int asked = 0;  // no name twice: what is known is answered at once
  auto lookup = LookUpHost("127." + std::to_string(++asked), kPatience);
  asio::co_spawn(GatedExecutor(io.get_executor(), &gate), std::move(lookup),
                 asio::bind_cancellation_slot(give_up.slot(), [&](std::exception_ptr, Answer) {
                   left = gate.End();
                   ended = true;
                 }));
  io.poll();  // up to the wait
  ASSERT_TRUE(gate.AwaitReached());
  give_up.emit(asio::cancellation_type::terminal);
  io.restart();
  io.run_for(kPatience);
  EXPECT_TRUE(ended);
  EXPECT_TRUE(left) << "its thread still uses what the wait has freed";
}

}  // namespace
}  // namespace ringpost::http
