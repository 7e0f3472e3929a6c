#include "tools/ringpost/password_input.h"

#include <termios.h>
#include <unistd.h>

#include <cstdio>

#include "gateway/base/limits.h"
#include "gateway/base/wipe.h"
#include "tools/ringpost/session.h"

namespace ringpost::cli {
namespace {

// The terminal shows nothing of what is typed, also where Ctrl-C ends it.
class NoEcho {
 public:
  NoEcho() {
    CatchInterrupts();
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~NoEcho() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

// A line without its end, read a byte at a time so that nothing of it stays in a buffer. One that
// is too long is left too long: whoever checks it says so.
std::optional<std::string> ReadLine() {
  std::string line;
  line.reserve(limits::kAuthSecretBytesMax + 2);
  for (;;) {
    char c;
    const ssize_t n = ::read(STDIN_FILENO, &c, 1);
    if (n < 0 || (n == 0 && line.empty())) {
      WipeString(&line);
      return std::nullopt;
    }
    if (n == 0 || c == '\n') break;
    if (line.size() <= limits::kAuthSecretBytesMax) line.push_back(c);
  }
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

std::optional<std::string> Ask(const char* question) {
  std::fputs(question, stderr);
  auto line = ReadLine();
  std::fputs("\n", stderr);
  return line;
}

}  // namespace

std::optional<std::string> ReadPassword() {
  std::fflush(stdout);
  const bool asks = ::isatty(STDIN_FILENO) == 1;
  std::optional<std::string> password, again;
  if (asks) {
    NoEcho no_echo;
    password = Ask("Password: ");
    if (password) again = Ask("The same again: ");
  } else {
    password = ReadLine();
  }
  const bool same = !asks || password == again;
  if (again) WipeString(&*again);
  if (password && !password->empty() && same) return password;
  if (password && !same) {
    WipeString(&*password);
    Complain("the two passwords differ; nothing was changed");
    return std::nullopt;
  }
  Complain("there is no password on standard input; nothing was changed");
  return std::nullopt;
}

}  // namespace ringpost::cli
