#include "gateway/reactor/waker.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "gateway/base/check.h"

namespace ringpost::reactor {

Waker::Waker() : fd_(eventfd(0, EFD_CLOEXEC)) {}

Waker::~Waker() {
  if (fd_ >= 0) close(fd_);
}

void Waker::Signal() { RP_CHECK(eventfd_write(fd_, 1) == 0); }

}  // namespace ringpost::reactor
