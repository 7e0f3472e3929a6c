// `ringpost-bench load`: sends mail by SMTP and measures the replies.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "bench/load/auth_plain.h"
#include "bench/load/commands.h"
#include "bench/load/load_worker.h"

namespace ringpost::bench {
namespace {

struct LoadFlags {
  std::string server = "127.0.0.1:2525";
  std::string size = "4096";
  std::string pipelining = "none";
  std::string auth;
  std::string out_path;
  bool json = false;
};

// "4096" or "4096:70,102400:30": bytes and weights.
std::vector<SizeShare> ParseSizes(const std::string& text) {
  std::vector<SizeShare> sizes;
  size_t at = 0;
  while (at <= text.size()) {
    const size_t end = std::min(text.find(',', at), text.size());
    SizeShare share;
    const char* const last = text.data() + end;
    auto parsed = std::from_chars(text.data() + at, last, share.bytes);
    const bool good = parsed.ec == std::errc() && share.bytes > 0;
    if (good && parsed.ptr != last && *parsed.ptr == ':') {
      parsed.ptr = std::from_chars(parsed.ptr + 1, last, share.weight).ptr;
    }
    if (!good || parsed.ptr != last || share.weight <= 0) {
      throw CLI::ValidationError("--size", "expected BYTES or BYTES:WEIGHT,BYTES:WEIGHT,...");
    }
    sizes.push_back(share);
    at = end + 1;
  }
  return sizes;
}

bool WriteFile(const std::string& path, const std::string& text) {
  FILE* const file = fopen(path.c_str(), "we");
  if (file == nullptr) return false;
  const bool written = std::fputs(text.c_str(), file) >= 0;
  return fclose(file) == 0 && written;
}

int RunLoad(const LoadOptions& options, const LoadFlags& flags) {
  RaiseOpenFileLimit();
  const MessageMaker maker(options);
  std::vector<std::unique_ptr<LoadWorker>> workers;
  for (unsigned i = 0; i < options.threads; ++i) {
    workers.push_back(std::make_unique<LoadWorker>(&options, &maker, i));
    if (!workers.back()->Prepare()) {
      std::perror(options.acked_path.c_str());
      return 2;
    }
  }
  std::atomic<bool> finished = true;
  std::vector<std::thread> threads;
  for (const auto& worker : workers) {
    threads.emplace_back([&worker, &finished] {
      if (!worker->Run()) finished = false;
    });
  }
  for (std::thread& thread : threads) thread.join();
  LoadStats total;
  for (const auto& worker : workers) total.Merge(worker->stats());
  const std::string json = total.Json(maker.run_id()) + "\n";
  std::fputs(flags.json ? json.c_str() : total.Text().c_str(), stdout);
  if (!flags.out_path.empty() && !WriteFile(flags.out_path, json)) {
    std::perror(flags.out_path.c_str());
    return 2;
  }
  const bool all_taken = total.accepted > 0 && total.refused == 0 && total.unanswered == 0;
  return finished && all_taken ? 0 : 3;
}

}  // namespace

void AddLoadCommand(CLI::App* app, int* exit_code) {
  auto options = std::make_shared<LoadOptions>();
  auto flags = std::make_shared<LoadFlags>();
  CLI::App* const load = app->add_subcommand(
      "load",
      "Send mail and measure the replies. Exit 0: all taken; 3: some refused or unanswered.");
  load->add_option("--server", flags->server, "ADDRESS:PORT")->capture_default_str();
  load->add_option("--connections", options->connections, "Connections")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  load->add_option("--threads", options->threads, "Threads")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  load->add_option("--messages", options->messages, "Messages to send");
  load->add_option("--seconds", options->seconds, "How long to send");
  load->add_option("--rate", options->rate,
                   "Messages a second in an open loop, the final reply timed also from when each "
                   "was due; without "
                   "it each connection sends when it is free");
  load->add_option("--drain", options->drain_seconds, "Seconds to wait for the last replies")
      ->capture_default_str();
  load->add_option("--size", flags->size, "Message bytes, or BYTES:WEIGHT,... for a mix")
      ->capture_default_str();
  load->add_option(
          "--pipelining", flags->pipelining,
          "none; group: MAIL, RCPT, DATA at once; full: the next group behind the final dot")
      ->capture_default_str()
      ->check(CLI::IsMember({"none", "group", "full"}));
  load->add_flag("--session-per-message", options->session_per_message,
                 "Connect and QUIT for every message");
  load->add_option("--auth", flags->auth,
                   "USER:PASSWORD to log in with on each connection: AUTH PLAIN");
  load->add_flag("--bdat", options->bdat, "Send the text with BDAT");
  load->add_option("--recipients", options->recipients, "Recipients of each message")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  load->add_option("--senders", options->senders, "Different senders")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  load->add_option("--domains", options->domains, "Different recipient domains")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  load->add_option("--recipient-domain", options->recipient_domain, "Their domain, or its parent")
      ->capture_default_str();
  load->add_option("--sources", options->sources, "Connect from 127.0.0.1 to 127.0.0.N")
      ->capture_default_str()
      ->check(CLI::Range(1u, 254u));
  load->add_option("--acked", options->acked_path, "Append \"ID RECIPIENT\" after each 250");
  load->add_option("--tls", options->tls,
                   "none, starttls or implicit; any certificate will do, and the server's best "
                   "version is taken")
      ->transform(CLI::CheckedTransformer(kTlsModes))
      ->default_str("none");
  load->add_flag("--resume", options->resume,
                 "Resume the TLS session where a connection is opened again");
  load->add_flag("--json", flags->json, "Print JSON");
  load->add_option("--out", flags->out_path, "Write the JSON here too");
  load->callback([options, flags, exit_code] {
    if (!ParseEndpoint(flags->server, &options->server)) {
      throw CLI::ValidationError("--server", "expected a numeric ADDRESS:PORT");
    }
    if (options->messages == 0 && options->seconds <= 0) {
      throw CLI::ValidationError("load", "give --messages, --seconds or both");
    }
    if (!flags->auth.empty() && !ParseAuthPlain(flags->auth, &options->auth)) {
      throw CLI::ValidationError("--auth", "expected USER:PASSWORD");
    }
    options->sizes = ParseSizes(flags->size);
    options->pipelining = flags->pipelining == "none"    ? Pipelining::kNone
                          : flags->pipelining == "group" ? Pipelining::kGroup
                                                         : Pipelining::kFull;
    *exit_code = RunLoad(*options, *flags);
  });
}

}  // namespace ringpost::bench
