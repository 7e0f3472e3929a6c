// ringpost status, suspend, resume, suspensions, reload, drain, trace, config check.
#include "tools/ringpost/commands.h"
#include "gateway/base/units.h"

#include <cstdio>

#include "gateway/app/config.h"
#include "gateway/base/limits.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"

namespace ringpost::cli {
namespace {

// A request whose answer is a sentence.
int Simple(const Options& options, const Json& request,
           const std::function<std::string(const Json&)>& words) {
  Session session(options);
  auto answer = session.Ask(request);
  if (!answer) return session.code();
  if (options.json) {
    PrintJson(*answer);
  } else if (FlagOf(*answer, "ok")) {
    Print(words(*answer));
  }
  return session.CodeOf(*answer);
}

std::string SiteWords(const Options& options) {
  std::string words;
  if (!options.domain.empty()) words = "to domain " + SafeText(options.domain);
  if (!options.next_hop.empty()) {
    words += (words.empty() ? "to next hop " : " by next hop ") + SafeText(options.next_hop);
  }
  return words.empty() ? "everywhere" : words;
}

// Progress of a drain: one line that is rewritten on a terminal, else a line when something has
// changed.
class DrainProgress {
 public:
  explicit DrainProgress(const Options& options) : options_(options) {}
  void Show(const Json& line) {
    if (options_.json) return PrintJson(line);
    if (!line.contains("progress")) return;
    const Json& progress = line["progress"];
    std::string text = "draining: " + FormatCount(NumberOf(progress, "connections")) +
                       " connections open, " + FormatBytes(NumberOf(progress, "held_body_bytes")) +
                       " of bodies in memory, " +
                       FormatCount(NumberOf(progress, "queued_entries")) + " queued (kept)";
    if (text == last_) return;
    last_ = text;
    Print(options_.terminal.tty ? "\r\033[K" + Fit(text, options_.terminal.width - 1)
                                : text + "\n");
    std::fflush(stdout);
  }
  void End() {
    if (options_.terminal.tty && !last_.empty()) Print("\r\033[K");
  }

 private:
  const Options& options_;
  std::string last_;
};

}  // namespace

int Status(const Options& options) {
  return Simple(options, {{"command", "status"}}, [&](const Json& answer) {
    return ViewStatus(ListOf(answer, "status"), options.counters, options.terminal);
  });
}

int Suspend(const Options& options) {
  if (options.domain.empty() && options.next_hop.empty()) {
    Complain("what is to be suspended? Name --domain or --next-hop");
    return kUsage;
  }
  constexpr Seconds kLongest{limits::kSuspensionSecondsMax};
  auto duration = ParseDuration(options.duration);
  if (!duration || *duration < Seconds(1) || *duration > kLongest) {
    Complain("--for takes a time such as 30m, 4h or \"1d 12h\", at most " +
             FormatDuration(kLongest));
    return kUsage;
  }
  Json request = FilterJson(options);
  request["command"] = "suspend";
  request["seconds"] = std::chrono::ceil<Seconds>(*duration).count();
  return Simple(options, request, [&](const Json&) {
    return "Deliveries " + SafeText(SiteWords(options)) + " are suspended for " +
           FormatDuration(*duration) +
           ".\nMail is still accepted and waits. ringpost resume, or a restart, ends this.\n";
  });
}

int Resume(const Options& options) {
  if (options.domain.empty() && options.next_hop.empty() && !options.all) {
    Complain("what is to be resumed? Name --domain or --next-hop, or --all");
    return kUsage;
  }
  Json request = FilterJson(options);
  request["command"] = "resume";
  Session session(options);
  auto answer = session.Ask(request);
  if (!answer) return session.code();
  int code = session.CodeOf(*answer);
  bool nothing = NumberOf(*answer, "affected") == 0;
  if (options.json) {
    PrintJson(*answer);
  } else if (code == kDone) {
    Print(nothing ? "Nothing that matches was suspended.\n"
                  : "Deliveries " + SiteWords(options) + " go on.\n");
  }
  return code == kDone && nothing ? kRefused : code;
}

int Suspensions(const Options& options) {
  Json request = FilterJson(options);
  request["command"] = "suspensions";
  return Simple(options, request, [&](const Json& answer) {
    return ViewSuspensions(answer, ReadWallClock(), options.terminal);
  });
}

int Reload(const Options& options) {
  return Simple(options, {{"command", "reload"}}, [](const Json& answer) {
    const Json& reload = ListOf(answer, "reload");
    std::string words = SafeText(TextOf(reload, "words"));
    std::string text = "The configuration is read again and in force";
    text += words.empty() || words == "loaded" ? ".\n" : ": " + words + "\n";
    const Json& later = ListOf(reload, "needs_restart");
    if (!later.empty()) text += "These take effect at the next start:\n";
    for (const Json& key : later) {
      if (key.is_string()) text += "  " + SafeText(key.get<std::string>()) + "\n";
    }
    return text;
  });
}

int Drain(const Options& options) {
  CatchInterrupts();
  Session session(options);
  DrainProgress progress(options);
  auto answer = session.Ask(
      {{"command", "drain"}}, [&](const Json& line) { progress.Show(line); }, /*patient=*/true);
  progress.End();
  if (session.interrupted()) {
    Complain("no longer watching; the daemon goes on draining and then stops");
    return kPartial;
  }
  if (!answer) return session.code();
  if (options.json) {
    PrintJson(*answer);
  } else if (FlagOf(*answer, "ok")) {
    Print("Drained; the daemon has stopped. The next start delivers what is queued.\n");
  }
  return session.CodeOf(*answer);
}

int Trace(const Options& options) {
  if (options.client.empty() == options.next_hop.empty()) {
    Complain("what is to be traced? Name --client NETWORK or --next-hop HOST:PORT, one of them");
    return kUsage;
  }
  CatchInterrupts();
  Session session(options);
  Json request = {{"command", "trace"}};
  if (!options.client.empty()) request["client"] = options.client;
  if (!options.next_hop.empty()) request["next_hop"] = options.next_hop;
  auto show = [&](const Json& line) {
    if (options.json) {
      PrintJson(line);
    } else if (line.contains("trace")) {
      Print(SafeText(TextOf(line, "trace")) + "\n");
    } else if (line.contains("trace_lines_dropped")) {
      Print("... " + FormatCount(NumberOf(line, "trace_lines_dropped")) + " lines were lost\n");
    } else if (options.terminal.tty) {
      Print(options.terminal.Dim("sessions that begin from now on are shown; Ctrl-C ends it") +
            "\n");
    }
    std::fflush(stdout);
  };
  auto answer = session.Ask(request, show, /*patient=*/true);
  if (session.interrupted()) return kDone;
  if (!answer) return session.code();
  if (options.json) PrintJson(*answer);
  return session.CodeOf(*answer);
}

int ConfigCheck(const Options& options) {
  Json answer;
  if (options.file.empty()) {  // what the running daemon would say of its own file
    Session session(options);
    auto asked = session.Ask({{"command", "config check"}});
    if (!asked) return session.code();
    answer = std::move(*asked);
    if (!answer.contains("config")) {
      if (options.json) PrintJson(answer);
      return session.CodeOf(answer);
    }
  } else {
    app::ConfigResult result = app::LoadConfig(options.file);
    Json errors = Json::array();
    for (const auto& error : result.errors) errors.push_back(error.ToString(options.file));
    bool valid = result.config.has_value();
    if (valid) answer["ok"] = true;
    if (!valid) answer = ErrorJson("config", options.file + " has errors and would not be loaded");
    answer["config"] = {{"path", options.file}, {"valid", valid}, {"errors", errors}};
  }
  const Json& config = ListOf(answer, "config");
  const Json& errors = ListOf(config, "errors");
  if (options.json) {
    PrintJson(answer);
  } else if (FlagOf(config, "valid")) {
    Print(SafeText(TextOf(config, "path")) + " is fine.\n");
  } else {
    for (const Json& error : errors) {
      if (error.is_string())
        std::fprintf(stderr, "%s\n", SafeText(error.get<std::string>()).c_str());
    }
  }
  return FlagOf(config, "valid") ? kDone : kRefused;
}

}  // namespace ringpost::cli
