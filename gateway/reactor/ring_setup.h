// Makes a ring with the flags of decisions/002-ring-setup.md, and explains where there can be none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/status.h"

struct io_uring;

namespace ringpost::reactor {

// 0, or -errno. The calling thread becomes the ring's only user.
int SetUpRing(io_uring* ring, uint32_t submission_entries, uint32_t completion_entries);

// Why io_uring_setup failed with `error` on this machine, and what to do.
Status ExplainSetUpFailure(int error);
// The same with what it depends on as arguments: the running kernel's release and the value of the
// sysctl kernel.io_uring_disabled (-1: there is none).
std::string SetUpFailureWords(int error, std::string_view kernel_release, int io_uring_disabled);

}  // namespace ringpost::reactor
