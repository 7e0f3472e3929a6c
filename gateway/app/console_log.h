// ConsoleLog: the daemon's own lines on standard error, where no [log] path is set.
//
// Threads: any; a line is one write, so lines of several threads do not mix.
#pragma once

#include <unistd.h>

#include <string>
#include <string_view>

#include "gateway/base/log.h"

namespace ringpost::app {

class ConsoleLog final : public Log {
 public:
  void Append(std::string_view line) override {
    std::string text(line);
    text.push_back('\n');
    // Nobody is left to tell where standard error is gone.
    [[maybe_unused]] ssize_t written = write(STDERR_FILENO, text.data(), text.size());
  }
};

}  // namespace ringpost::app
