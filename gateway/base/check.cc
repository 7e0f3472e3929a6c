#include "gateway/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace ringpost {

void CheckFailed(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, what);
  std::fflush(stderr);
  std::abort();
}

}  // namespace ringpost
