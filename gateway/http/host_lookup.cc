#include "gateway/http/host_lookup.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

namespace ringpost::http {
namespace {

namespace asio = boost::asio;

// The wake-up that the resolver's thread posts holds it too, and may come when nobody waits.
struct Lookup {
  explicit Lookup(const asio::any_io_executor& executor) : timer(executor) {}
  asio::steady_timer timer;
  Inbox inbox;
  session::HostRequest request;
  bool answered = false;
};

// Takes the request back where the wait ends otherwise, the coroutine's end included. Where it was
// answered too: Cancel waits for the resolver's lock, within which it may still be at the wake-up.
struct Asked {
  std::shared_ptr<Lookup> lookup;
  session::HostResolver* resolver;
  ~Asked() { resolver->Cancel(&lookup->request); }
};

struct WakeContext {
  std::weak_ptr<Lookup> lookup;
};

}  // namespace

asio::awaitable<StatusOr<std::vector<IpAddress>>> LookUpHost(std::string host, Millis patience,
                                                             session::HostResolver* resolver) {
  if (resolver == nullptr) resolver = session::HostResolver::Shared();
  if (auto literal = IpAddress::Parse(host)) co_return std::vector<IpAddress>{*literal};
  auto executor = co_await asio::this_coro::executor;
  auto lookup = std::make_shared<Lookup>(executor);
  lookup->request.host = host;
  lookup->request.reply_to = &lookup->inbox;
  WakeContext context{lookup};
  // On the resolver's thread, which holds its lock: Cancel waits for it, so all this is still
  // there.
  lookup->inbox.SetWake(
      [](void* from) {
        auto held = static_cast<WakeContext*>(from)->lookup.lock();
        if (!held) return;
        asio::post(held->timer.get_executor(), [held] { held->timer.cancel(); });
      },
      &context);
  lookup->timer.expires_after(patience);
  Asked asked{lookup, resolver};
  resolver->Resolve(&lookup->request);
  (void)co_await lookup->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  lookup->answered = !lookup->inbox.empty();
  const session::HostRequest& request = lookup->request;
  if (lookup->answered && !request.addresses.empty()) co_return request.addresses;
  co_return MakeStatus(StatusCode::kUnavailable,
                       "cannot find the address of " + host + ": " +
                           (lookup->answered ? request.error : "the resolver does not answer"));
}

}  // namespace ringpost::http
