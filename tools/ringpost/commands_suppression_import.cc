// ringpost suppression import: lines in, blocks out; memory for one block and one line.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "gateway/session/suppression_limits.h"
#include "tools/ringpost/commands.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/progress.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/suppression_lines.h"
#include "tools/ringpost/suppression_request.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"

namespace ringpost::cli {
namespace {

constexpr size_t kBlockEntries = session::limits::kSuppressionChangesMax;
constexpr size_t kBlockBytes = 1024 * 1024;
constexpr size_t kReadBytes = 64 * 1024;
// Lines that are no entries are named so often; then they are only counted.
constexpr uint64_t kBadLinesNamed = 20;

class SuppressionImporter {
 public:
  SuppressionImporter(const Options& options, const Json& request)
      : options_(options),
        session_(options),
        lines_(options.reason.empty() ? identity::SuppressionReason::kManual
                                      : *identity::SuppressionReasonOf(options.reason)),
        progress_(options.dry_run ? "trying" : "importing", "entries") {
    head_ = JsonText(request);
    head_.back() = ',';
    if (options.dry_run) head_ += "\"dry_run\":true,";
    head_ += "\"entries\":[";
  }

  int Run();

 private:
  // False: the import ends, with code_.
  bool ReadAll(int fd);
  bool TakeLine(std::string_view line);
  bool SendBlock();
  void Stopped(const std::string& why);
  int End();
  Json Tally() const {
    return {{"dry_run", options_.dry_run},
            {"added", added_},
            {"changed", changed_},
            {"unchanged", unchanged_},
            {"bad_lines", bad_lines_}};
  }
  uint64_t done() const { return added_ + changed_ + unchanged_; }

  const Options& options_;
  Session session_;
  SuppressionLines lines_;
  Progress progress_;
  std::string head_, block_;
  size_t block_entries_ = 0;
  uint64_t line_number_ = 0, bad_lines_ = 0;
  uint64_t added_ = 0, changed_ = 0, unchanged_ = 0;
  std::string region_;
  int code_ = kDone;
};

int SuppressionImporter::Run() {
  CatchInterrupts();
  const bool standard_input = options_.file == "-";
  const int fd =
      standard_input ? STDIN_FILENO : ::open(options_.file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    Complain("cannot read " + SafeText(options_.file) + ": " + std::strerror(errno));
    return kRefused;
  }
  bool whole = false;
  if (session_.Open()) {
    whole = ReadAll(fd) && (block_.empty() || SendBlock());
  } else {
    code_ = session_.code();
  }
  if (!standard_input) ::close(fd);
  return whole ? End() : code_;
}

bool SuppressionImporter::ReadAll(int fd) {
  std::string buffer(kReadBytes, '\0'), rest;
  bool too_long = false;  // the line in hand: what is left of it is skipped
  while (true) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (Interrupted()) {
      Stopped("interrupted");
      return false;
    }
    if (n < 0) {
      Stopped(std::string("the file cannot be read: ") + std::strerror(errno));
      return false;
    }
    std::string_view read(buffer.data(), static_cast<size_t>(n));
    if (read.empty()) return rest.empty() || TakeLine(rest);
    while (!read.empty()) {
      const size_t end = read.find('\n');
      if (!too_long) rest.append(read.substr(0, end));
      // One byte more than a line may have: it is told as too long.
      too_long |= rest.size() > kSuppressionLineBytesMax;
      if (too_long) rest.resize(kSuppressionLineBytesMax + 1);
      if (end == std::string_view::npos) break;
      if (!TakeLine(rest)) return false;
      rest.clear();
      too_long = false;
      read.remove_prefix(end + 1);
    }
  }
}

bool SuppressionImporter::TakeLine(std::string_view line) {
  ++line_number_;
  auto read = lines_.Read(line);
  if (const auto* bad = std::get_if<SuppressionLines::Bad>(&read)) {
    if (++bad_lines_ <= kBadLinesNamed) {
      progress_.Clear();
      Complain("line " + FormatCount(line_number_) + ": " + bad->why);
    }
    return true;
  }
  const auto* entry = std::get_if<Json>(&read);
  if (!entry) return true;
  block_ += (block_.empty() ? "" : ",") + JsonText(*entry);
  ++block_entries_;
  return (block_entries_ < kBlockEntries && block_.size() < kBlockBytes) || SendBlock();
}

bool SuppressionImporter::SendBlock() {
  auto answer = session_.AskWhileBusy(head_ + block_ + "]}\n");
  block_.clear();
  block_entries_ = 0;
  if (!answer) {
    Stopped("broken off");
    return false;
  }
  added_ += NumberOf(*answer, "added");
  changed_ += NumberOf(*answer, "changed");
  unchanged_ += NumberOf(*answer, "unchanged");
  region_ = SafeText(TextOf(*answer, "region"));
  if (!FlagOf(*answer, "ok")) {
    progress_.Clear();
    code_ = session_.CodeOf(*answer);
    if (done() > 0 && code_ == kRefused) code_ = kPartial;
    Stopped("refused");
    return false;
  }
  progress_.Show(done());
  return true;
}

// What was done stays; the whole may be imported again.
void SuppressionImporter::Stopped(const std::string& why) {
  progress_.Clear();
  if (code_ == kDone) code_ = session_.code() != kDone ? session_.code() : kPartial;
  if (options_.json) {
    Json last = ErrorJson("partial", why);
    last.update(Tally());
    PrintJson(last);
  }
  Complain(why + "; " + FormatCount(done()) + " entries were " +
           (options_.dry_run ? "looked at" : "done") +
           ". Import the whole again: what is there stays");
}

int SuppressionImporter::End() {
  progress_.Clear();
  if (bad_lines_ > kBadLinesNamed) {
    Complain(FormatCount(bad_lines_ - kBadLinesNamed) + " more lines are no entries");
  }
  if (bad_lines_ > 0) code_ = done() > 0 ? kPartial : kRefused;
  if (options_.json) {
    Json last = {{"ok", bad_lines_ == 0}};
    last.update(Tally());
    PrintJson(last);
    return code_;
  }
  std::string text = options_.dry_run ? "A dry run, nothing was changed. It would be: " : "";
  text += FormatCount(added_) + " added, " + FormatCount(changed_) + " changed, " +
          FormatCount(unchanged_) + " there already, " + FormatCount(bad_lines_) +
          " lines that are no entries; of the list " + WhoseList(options_);
  Print(text + (region_.empty() ? "" : ", region " + region_) + ".\n");
  return code_;
}

}  // namespace

int SuppressionImport(const Options& options) {
  Json request = SuppressionRequestOf("suppression add", options);
  if (request.is_null()) return kUsage;
  return SuppressionImporter(options, request).Run();
}

}  // namespace ringpost::cli
