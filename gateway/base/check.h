// RP_CHECK: a broken invariant of our own ends the process with a message; never for what a peer
// sent.
#pragma once

namespace ringpost {
[[noreturn]] void CheckFailed(const char* file, int line, const char* what);
}  // namespace ringpost

#define RP_CHECK(condition)                                    \
  do {                                                         \
    if (!(condition)) [[unlikely]]                             \
      ::ringpost::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (false)
