// ringpost store check | salvage | export-queue: a store that no ringpostd has open.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "gateway/base/units.h"
#include "storage/store_tools.h"
#include "tools/ringpost/commands.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/progress.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/text.h"

namespace ringpost::cli {
namespace {

// The spool's own directory: `path`, or the one a region keeps in it.
storage::SpoolOptions SpoolAt(const std::string& path) {
  storage::SpoolOptions options;
  options.path = path;
  if (::access((path + "/db").c_str(), F_OK) != 0 &&
      ::access((path + "/spool/db").c_str(), F_OK) == 0) {
    options.path = path + "/spool";
  }
  return options;
}

storage::ToolProgress ShowIn(Progress* progress) {
  return [progress](uint64_t messages) { progress->Show(messages); };
}

Json ReportJson(const storage::StoreReport& report) {
  Json damage = Json::array();
  for (const auto& one : report.damage)
    damage.push_back({{"where", one.where}, {"what", one.what}});
  Json json;
  json["messages"] = report.messages;
  json["whole"] = report.whole;
  json["body_bytes"] = report.body_bytes;
  json["orphan_streams"] = report.orphan_streams;
  json["opens"] = report.opens;
  json["damage_total"] = report.damage_total;
  json["damage"] = std::move(damage);
  return json;
}

std::string ViewReport(const storage::StoreReport& report) {
  std::string text =
      FormatCount(report.messages) + (report.messages == 1 ? " message, " : " messages, ") +
      FormatCount(report.whole) + " whole, " + FormatBytes(report.body_bytes) + " of bodies\n";
  if (report.orphan_streams > 0) {
    text += FormatCount(report.orphan_streams) +
            " chunks of bodies that were never accepted; the next start removes them\n";
  }
  for (const auto& one : report.damage) {
    text += "  " + SafeText(one.where) + ": " + SafeText(one.what) + "\n";
  }
  if (report.damage_total > report.damage.size()) {
    text += "  and " + FormatCount(report.damage_total - report.damage.size()) + " more\n";
  }
  return text;
}

// What the three have in common at their end. `advice`: what to do about damage.
int Finish(const Options& options, const ringpost::Status& status,
           const storage::StoreReport& report, int damaged_code, const std::string& done,
           const std::string& advice) {
  if (!status.ok()) {
    if (options.json) PrintJson(ErrorJson("unavailable", MessageOf(status)));
    Complain(SafeText(MessageOf(status)));
    return kRefused;
  }
  bool whole = report.damage_total == 0 && report.opens;
  if (options.json) {
    PrintJson({{"ok", whole}, {"report", ReportJson(report)}});
  } else {
    Print(ViewReport(report) + (whole ? done : ""));
  }
  if (whole) return kDone;
  if (!options.json && !advice.empty()) Print(advice);
  return damaged_code;
}

// Writes each message to DIR/ID.eml, and what its envelope is to DIR/queue.jsonl; without a
// directory the lines go to standard output and bodies nowhere.
class FileSink final : public storage::ExportSink {
 public:
  explicit FileSink(std::string folder) : folder_(std::move(folder)) {}
  ~FileSink() override {
    if (body_) std::fclose(body_);
    if (list_) std::fclose(list_);
  }

  ringpost::Status Open() {
    if (folder_.empty()) return OkStatus();
    if (::mkdir(folder_.c_str(), 0700) != 0) return Trouble(folder_);
    return Create(folder_ + "/queue.jsonl", &list_);
  }
  // What was written is on the disk, or why not.
  ringpost::Status Close() {
    if (!list_) return std::fflush(stdout) == 0 ? OkStatus() : Trouble("standard output");
    bool fine = std::fflush(list_) == 0 && ::fsync(::fileno(list_)) == 0;
    return fine ? OkStatus() : Trouble(folder_ + "/queue.jsonl");
  }

  ringpost::Status Begin(const MessageId& id, const storage::StoredEnvelope& envelope,
                         const std::vector<storage::RecipientState>& recipients) override {
    std::string line = storage::ExportLine(id, envelope, recipients) + "\n";
    std::FILE* to = list_ ? list_ : stdout;
    if (std::fwrite(line.data(), 1, line.size(), to) != line.size()) return Trouble("the list");
    if (folder_.empty()) return OkStatus();
    name_ = folder_ + "/" + id.ToString() + ".eml";
    return Create(name_, &body_);
  }
  ringpost::Status Body(std::string_view part) override {
    if (!body_ || std::fwrite(part.data(), 1, part.size(), body_) == part.size()) return OkStatus();
    return Trouble(name_);
  }
  ringpost::Status End(const ringpost::Status& whole) override {
    if (!body_) return OkStatus();
    bool fine = std::fflush(body_) == 0 && ::fsync(::fileno(body_)) == 0;
    std::fclose(std::exchange(body_, nullptr));
    if (!fine) return Trouble(name_);
    if (whole.ok()) return OkStatus();
    // What there is of it is kept, under a name that nobody takes for a message.
    return ::rename(name_.c_str(), (name_ + ".damaged").c_str()) == 0 ? OkStatus() : Trouble(name_);
  }

 private:
  static ringpost::Status Trouble(const std::string& what) {
    return MakeStatus(StatusCode::kUnavailable,
                      "cannot write " + what + ": " + std::strerror(errno));
  }
  static ringpost::Status Create(const std::string& path, std::FILE** file) {
    int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    *file = fd < 0 ? nullptr : ::fdopen(fd, "w");
    return *file ? OkStatus() : Trouble(path);
  }

  std::string folder_;
  std::string name_;
  std::FILE* list_ = nullptr;
  std::FILE* body_ = nullptr;
};

}  // namespace

int StoreCheck(const Options& options) {
  storage::StoreReport report;
  ringpost::Status status;
  {
    Progress progress("checking", "messages");
    status = storage::CheckStore(SpoolAt(options.file), &report, ShowIn(&progress));
  }
  std::string advice =
      report.opens ? "ringpostd starts on it; the messages named above cannot be delivered.\n"
                   : "ringpostd does not start on it: save what is whole with\n  ringpost "
                     "store salvage " +
                         options.file + " --to NEW-PATH\n";
  return Finish(options, status, report, kRefused, "The store is whole.\n", advice);
}

int StoreSalvage(const Options& options) {
  storage::StoreReport report;
  ringpost::Status status;
  {
    Progress progress("saving", "messages");
    status = storage::SalvageStore(SpoolAt(options.file), options.out, &report, ShowIn(&progress));
  }
  // The copy holds what is whole, so the damage is what it lacks.
  report.opens = report.opens || status.ok();
  const std::string old_path = SpoolAt(options.file).path;
  std::string done = "What is whole is in " + options.out +
                     ". It opens with the old store's key:\n  cp " + old_path + "/store.key " +
                     options.out + "/\nThen put it in the place of " + old_path + ".\n";
  return Finish(options, status, report, kPartial, done,
                done + "Keep the old one until the messages named above are accounted for.\n");
}

int StoreExportQueue(const Options& options) {
  storage::StoreReport report;
  FileSink sink(options.out);
  ringpost::Status status = sink.Open();
  if (status.ok()) {
    Progress progress("exporting", "messages");
    status = storage::ExportQueue(SpoolAt(options.file), &sink, &report, ShowIn(&progress));
  }
  if (status.ok()) status = sink.Close();
  if (status.ok() &&
      options.out.empty()) {  // standard output is the list: the report goes elsewhere
    std::fputs(ViewReport(report).c_str(), stderr);
    return report.damage_total == 0 ? kDone : kPartial;
  }
  report.opens = report.opens || status.ok();
  return Finish(options, status, report, kPartial, "Written to " + options.out + ".\n",
                "Written to " + options.out + ", except for what is named above.\n");
}

}  // namespace ringpost::cli
