#include <errno.h>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/reactor/stream.h"

namespace ringpost::reactor {
namespace {

// The connection's own trouble, not the machine's: the next one may be fine.
bool IsOfOneConnection(int error) {
  return error == -ECONNABORTED || error == -EINTR || error == -ECANCELED || error == -EPROTO;
}

}  // namespace

Listener::Listener(Io* io, int listen_fd, Handler* handler)
    : io_(io),
      listen_fd_(listen_fd),
      handler_(handler),
      accept_(OnAcceptResult),
      retry_([](Timer* timer) {
        Listener* listener = static_cast<RetryTimer*>(timer)->listener;
        listener->io_->Accept(listener->listen_fd_, &listener->accept_);
      }) {
  accept_.listener = this;
  retry_.listener = this;
}

Listener::~Listener() { RP_CHECK(stopped()); }

void Listener::Start() {
  stopping_ = false;
  if (stopped()) io_->Accept(listen_fd_, &accept_);
}

void Listener::Stop() {
  stopping_ = true;
  retry_.Cancel();
  io_->Cancel(&accept_);
}

void Listener::OnAcceptResult(Completion* completion, Result&& result) {
  Listener* self = static_cast<Op*>(completion)->listener;
  if (result.value >= 0) self->handler_->OnAccept(result.value);
  if (result.more || self->stopping_ || !self->stopped()) return;
  if (result.value >= 0 || IsOfOneConnection(result.value)) {
    self->io_->Accept(self->listen_fd_, &self->accept_);
  } else {
    // Out of descriptors or memory (EMFILE, ENFILE, ENOBUFS, ENOMEM): asking again at once would
    // spin.
    self->io_->timers().Schedule(&self->retry_,
                                 self->io_->now() + Millis(limits::kAcceptRetryMillis));
  }
}

}  // namespace ringpost::reactor
