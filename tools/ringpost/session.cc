#include "tools/ringpost/session.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <thread>
#include <utility>

#include "gateway/base/limits.h"
#include "gateway/base/time.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"

namespace ringpost::cli {
namespace {

// The daemon itself gives up on a shard before that.
constexpr int kAnswerSeconds = limits::kControlAnswerSeconds + 10;

volatile sig_atomic_t interrupts = 0;
void InterruptedBy(int) { interrupts = 1; }

}  // namespace

bool Session::Open() {
  if (connection_) return true;
  auto path = SocketPath(options_.socket);
  auto opened = path.ok() ? Connection::Open(*path) : StatusOr<Connection>(path.status());
  if (!opened.ok()) {
    CannotReach(opened.status());
    return false;
  }
  connection_.emplace(std::move(*opened));
  return true;
}

std::optional<Json> Session::Ask(const Json& request,
                                 const std::function<void(const Json&)>& on_line, bool patient) {
  return AskLine(JsonText(request) + "\n", on_line, patient);
}

std::optional<Json> Session::AskLine(std::string_view request,
                                     const std::function<void(const Json&)>& on_line,
                                     bool patient) {
  if (!Open()) return std::nullopt;
  ringpost::Status sent = connection_->Send(request);
  while (sent.ok()) {
    auto line = connection_->Next(patient ? 0 : kAnswerSeconds);
    if (!line.ok()) {
      sent = line.status();
      break;
    }
    if (line->contains("ok")) return std::move(*line);
    if (on_line) on_line(*line);
  }
  if (sent.code() == StatusCode::kCancelled) {
    interrupted_ = true;
    return std::nullopt;
  }
  CannotReach(sent);
  return std::nullopt;
}

std::optional<Json> Session::AskWhileBusy(std::string_view line) {
  constexpr int kTries = 8;
  constexpr Millis kWait{100};
  for (int tries = 1;; ++tries) {
    auto answer = AskLine(line);
    if (!answer || Interrupted() || tries == kTries) return answer;
    const Json& error = ListOf(*answer, "error");
    if (!error.is_object() || TextOf(error, "code") != "busy") return answer;
    std::this_thread::sleep_for(kWait * (1 << tries));
  }
}

void Session::CannotReach(const ringpost::Status& why) {
  if (options_.json) PrintJson(ErrorJson("unreachable", MessageOf(why)));
  Complain(SafeLines(MessageOf(why)));
  code_ = kUnreachable;
}

int Session::CodeOf(const Json& answer) {
  if (FlagOf(answer, "ok")) return kDone;
  std::fflush(stdout);
  std::fputs(ViewError(answer).c_str(), stderr);
  std::string code = answer.contains("error") ? TextOf(answer["error"], "code") : "";
  if (code == "partial") return kPartial;
  if (code == "timeout" || code == "stopping") return kUnreachable;
  if (code == "bad_request" || code == "protocol") return kUsage;
  return kRefused;
}

Json FilterJson(const Options& options) {
  Json filter = Json::object();
  auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) filter[name] = value;
  };
  add("region", options.region);
  add("domain", options.domain);
  add("next_hop", options.next_hop);
  add("sender", options.sender);
  if (options.held) filter["held"] = true;
  if (options.all) filter["all"] = true;
  return filter;
}

std::string FilterWords(const Options& options) {
  std::string words;
  auto add = [&](const std::string& what, const std::string& value) {
    if (!value.empty()) words += (words.empty() ? "" : ", ") + what + SafeText(value);
  };
  if (options.held) words = "held";
  add("to domain ", options.domain);
  add("for next hop ", options.next_hop);
  add("from ", options.sender);
  if (words.empty()) words = "every one";
  if (!options.region.empty()) words += ", in region " + SafeText(options.region);
  return words;
}

void CatchInterrupts() {
  struct sigaction action{};
  action.sa_handler = InterruptedBy;  // no SA_RESTART: poll returns
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool Interrupted() { return interrupts != 0; }

bool CanAsk(const Options& options) { return ::isatty(STDIN_FILENO) == 1 && !options.json; }

bool AskWhether(const std::string& what) {
  std::fflush(stdout);
  std::fprintf(stderr, "This will %s.\nIt cannot be undone. Go on? [y/N] ", what.c_str());
  std::string line;
  std::getline(std::cin, line);
  if (line == "y" || line == "Y" || line == "yes") return true;
  Complain("nothing was changed");
  return false;
}

void SayKindHint(const Json& answer, const std::string& type, const Options& options) {
  if (type != "credential" || !options.kind.empty() || !answer.contains("error") ||
      TextOf(answer["error"], "code") != "not_found") {
    return;
  }
  std::fputs("  it was looked for among the users; --kind says where else\n", stderr);
}

std::string JsonText(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

void PrintJson(const Json& json) { Print(JsonText(json) + "\n"); }

Json ErrorJson(const char* code, std::string_view message) {
  return {{"ok", false}, {"error", {{"code", code}, {"message", message}}}};
}

void Print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void Complain(const std::string& text) {
  std::fflush(stdout);
  std::fprintf(stderr, "ringpost: %s\n", text.c_str());
}

}  // namespace ringpost::cli
