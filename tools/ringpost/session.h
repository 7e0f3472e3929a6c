// One request and its answer, with the errors and exit codes that all sub-commands share.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "tools/ringpost/commands.h"
#include "tools/ringpost/connection.h"

namespace ringpost::cli {

class Session {
 public:
  explicit Session(const Options& options) : options_(options) {}

  // Opens the connection where that has not been done. False: said on standard error; see code().
  bool Open();
  // Sends `request` and waits for its answer; lines that stream before it go to `on_line`. Empty:
  // the daemon could not be reached or went away, which has been said.
  std::optional<Json> Ask(const Json& request,
                          const std::function<void(const Json&)>& on_line = nullptr,
                          bool patient = false);
  // The same of a request that is a line already.
  std::optional<Json> AskLine(std::string_view line,
                              const std::function<void(const Json&)>& on_line = nullptr,
                              bool patient = false);
  // The same, asked again, waiting twice as long each time, while the daemon says that it is busy.
  std::optional<Json> AskWhileBusy(std::string_view line);
  // Prints the answer's error if it has one, and gives the exit code. With --json the answer itself
  // has been or will be printed.
  int CodeOf(const Json& answer);
  int code() const { return code_; }
  // A stream was ended by a signal.
  bool interrupted() const { return interrupted_; }

 private:
  void CannotReach(const ringpost::Status& why);

  const Options& options_;
  std::optional<Connection> connection_;
  int code_ = 0;
  bool interrupted_ = false;
};

// The members of `options` that name queue entries.
Json FilterJson(const Options& options);
// The same in words: "to example.com, held"; "every message".
std::string FilterWords(const Options& options);
// Ctrl-C and SIGTERM end what is waited for, not the program: what was begun is ended in order.
void CatchInterrupts();
bool Interrupted();
// Whether somebody can be asked: a terminal, and not --json.
bool CanAsk(const Options& options);
// Asks on the terminal whether to do `what` ("remove account x"); not so: nothing was changed,
// which has been said.
bool AskWhether(const std::string& what);
// Behind an error: a name that was not found may be of another kind than the one that was meant.
void SayKindHint(const Json& answer, const std::string& type, const Options& options);
// JSON as a line without its end, nothing but ASCII.
std::string JsonText(const Json& json);
// One JSON line on standard output, nothing but ASCII.
void PrintJson(const Json& json);
// {"ok":false,"error":{...}} where something failed here and not in the daemon.
Json ErrorJson(const char* code, std::string_view message);
void Print(const std::string& text);
void Complain(const std::string& text);

}  // namespace ringpost::cli
