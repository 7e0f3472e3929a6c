#include "tools/ringpost/progress.h"

#include <unistd.h>

#include <cstdio>

#include "tools/ringpost/text.h"

namespace ringpost::cli {

Progress::Progress(const char* verb, const char* noun)
    : verb_(verb), noun_(noun), shown_(::isatty(STDERR_FILENO) == 1), start_(ReadMonoClock()) {}

void Progress::Show(uint64_t done) {
  MonoTime now = ReadMonoClock();
  if (!shown_ || now < next_) return;
  next_ = now + Millis(200);
  any_ = true;
  int64_t millis = (now - start_).count();
  uint64_t rate = millis > 0 ? done * 1000 / static_cast<uint64_t>(millis) : 0;
  std::fprintf(stderr, "\r\033[K%s: %s %s, %s a second", verb_, FormatCount(done).c_str(), noun_,
               FormatCount(rate).c_str());
}

void Progress::Clear() {
  if (any_) std::fputs("\r\033[K", stderr);
  any_ = false;
}

}  // namespace ringpost::cli
