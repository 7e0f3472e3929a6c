// ringpost account import.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "tools/ringpost/commands.h"
#include "tools/ringpost/document_reader.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/import_blocks.h"
#include "tools/ringpost/progress.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/table.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"
#include "tools/ringpost/view_identity.h"

namespace ringpost::cli {
namespace {

// What was done, or would be, to the records of a section.
struct Tally {
  uint64_t added = 0, changed = 0, unchanged = 0;
  uint64_t sum() const { return added + changed + unchanged; }
};
using Tallies = std::array<Tally, kDocumentSections>;

Json TallyJson(const Tallies& tallies) {
  Json json = Json::object();
  for (size_t i = 0; i < kDocumentSections; ++i) {
    const Tally& tally = tallies[i];
    json[SectionName(DocumentSection(i))] = {
        {"added", tally.added}, {"changed", tally.changed}, {"unchanged", tally.unchanged}};
  }
  return json;
}

std::string TallyText(const Tallies& tallies, const Terminal& terminal) {
  Table table({{""}, {"ADDED", true}, {"CHANGED", true}, {"UNCHANGED", true}});
  for (size_t i = 0; i < kDocumentSections; ++i) {
    const Tally& tally = tallies[i];
    table.Row({SectionName(DocumentSection(i)), FormatCount(tally.added),
               FormatCount(tally.changed), FormatCount(tally.unchanged)});
  }
  return table.ToString(terminal);
}

class Import {
 public:
  explicit Import(const Options& options)
      : options_(options),
        session_(options),
        block_(options.dry_run),
        progress_(options.dry_run ? "trying" : "importing", "records") {}

  int Run();

 private:
  bool Take(DocumentSection section, uint64_t number, const Json& record);
  // False: the import ends, with code_.
  bool SendBlock();
  void Count(const Json& changes);
  void ShowSecret(const ImportedRecord& record, const Json& change);
  void Broken(const char* how);
  void Refused(const Json& answer);
  void BadDocument(const ringpost::Status& why);
  void PrintEnd(Json last) const;
  // Behind what was wrong: what had been done.
  void SayWhatWasDone();
  void End();
  uint64_t done() const {
    uint64_t sum = 0;
    for (const Tally& tally : tallies_) sum += tally.sum();
    return sum;
  }
  // 4 where something was done before it.
  int Failed() const { return done() > 0 && !options_.dry_run ? kPartial : kRefused; }
  std::string DocumentName() const {
    return options_.file == "-" ? "standard input" : SafeText(options_.file);
  }

  const Options& options_;
  Session session_;
  ImportBlock block_;
  Progress progress_;
  Tallies tallies_{};
  uint64_t without_password_ = 0;  // users that were added so
  uint64_t without_key_ = 0;       // API keys, the same
  uint64_t without_keys_ = 0;      // domains, the same
  bool complete_ = false;
  int code_ = kDone;
};

int Import::Run() {
  CatchInterrupts();
  const bool standard_input = options_.file == "-";
  const int fd =
      standard_input ? STDIN_FILENO : ::open(options_.file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    const std::string words = "cannot read " + DocumentName() + ": " + std::strerror(errno);
    if (options_.json) PrintJson(ErrorJson("bad_document", words));
    Complain(words);
    return kRefused;
  }
  if (session_.Open()) {
    auto source = [&](char* buffer, size_t size) -> StatusOr<size_t> {
      const ssize_t n = ::read(fd, buffer, size);
      if (n >= 0) return static_cast<size_t>(n);
      return MakeStatus(StatusCode::kUnavailable,
                        std::string("cannot be read: ") + std::strerror(errno));
    };
    auto sink = [&](DocumentSection section, uint64_t number, const Json& record) {
      return Take(section, number, record);
    };
    const ringpost::Status read = ReadDocument(source, sink);
    const bool ended_here = read.code() == StatusCode::kCancelled || Interrupted();
    if (read.ok() && (block_.empty() || SendBlock())) {
      End();
    } else if (!read.ok() && !ended_here) {
      BadDocument(read);
    }
  } else {
    code_ = session_.code();
  }
  if (!standard_input) ::close(fd);
  if (Interrupted() && code_ == kDone && !complete_) Broken("interrupted");
  return code_;
}

bool Import::Take(DocumentSection section, uint64_t number, const Json& record) {
  if (Interrupted()) return false;
  if (block_.Add(section, number, record)) return true;
  return SendBlock() && block_.Add(section, number, record);
}

bool Import::SendBlock() {
  auto answer = session_.AskWhileBusy(block_.Line());
  if (!answer) {
    if (!session_.interrupted()) Broken("broken off");
    return false;
  }
  if (!FlagOf(*answer, "ok")) {
    Refused(*answer);
    return false;
  }
  Count(ListOf(*answer, "changes"));
  block_.Clear();
  progress_.Show(done());
  return true;
}

void Import::Count(const Json& changes) {
  for (size_t i = 0; i < block_.records().size(); ++i) {
    const ImportedRecord& record = block_.records()[i];
    const Json& change = changes.is_array() && i < changes.size() ? changes[i] : Json::object();
    Tally& tally = tallies_[static_cast<size_t>(record.section)];
    const std::string what = change.is_object() ? TextOf(change, "what") : "";
    ++(what == "added" ? tally.added : what == "unchanged" ? tally.unchanged : tally.changed);
    if (what == "added" && record.section == DocumentSection::kAccounts && options_.dry_run) {
      block_.AssumeAccount(record.name);
    }
    const bool bare = what == "added" && !record.has_secret;
    if (bare && record.kind == "user") ++without_password_;
    if (bare && record.kind == "api_key") ++without_key_;
    if (bare && record.section == DocumentSection::kDomains) ++without_keys_;
    if (change.is_object()) ShowSecret(record, change);
  }
}

// One that the daemon has made, for "password":true or "key":true. It is shown nowhere else.
void Import::ShowSecret(const ImportedRecord& record, const Json& change) {
  std::string secret = TextOf(change, record.kind == "api_key" ? "key" : "password");
  if (secret.empty()) return;
  progress_.Clear();
  options_.json ? PrintJson(change)
                : Print(SafeText(record.kind + " " + record.name) + "\t" + SafeText(secret) + "\n");
}

// --json: the last line, where the document was not done to its end.
void Import::PrintEnd(Json last) const {
  last["dry_run"] = options_.dry_run;
  last["done"] = TallyJson(tallies_);
  PrintJson(last);
}

// Ctrl-C, or the daemon went away: nothing is known of the last block.
void Import::Broken(const char* how) {
  progress_.Clear();
  code_ = session_.code() != kDone ? session_.code() : kPartial;
  const std::string words = std::string(how) + "; what was sent last may still be done";
  if (options_.json && session_.code() == kDone) PrintEnd(ErrorJson("partial", words));
  Complain(words);
  SayWhatWasDone();
}

void Import::Refused(const Json& answer) {
  progress_.Clear();
  code_ = Failed();
  const uint64_t index = NumberOf(answer, "record");
  const bool known = answer.contains("record") && index < block_.records().size();
  const ImportedRecord* record = known ? &block_.records()[index] : nullptr;
  if (options_.json) {
    Json last = answer;
    if (record) {
      last["record"] = {{"type", SectionType(record->section)}, {"number", record->number}};
      if (!record->kind.empty()) last["record"]["kind"] = record->kind;
      last["record"]["name"] = record->name;
    }
    PrintEnd(std::move(last));
  }
  if (record) {
    Complain(std::string(SectionType(record->section)) + " number " + FormatCount(record->number) +
             " of " + DocumentName() + " (" +
             RecordTitle({{"type", SectionType(record->section)},
                          {"kind", record->kind},
                          {"name", record->name}}) +
             ") is refused:");
  }
  // Says why, and what to do.
  if (session_.CodeOf(answer) == kUnreachable) code_ = kUnreachable;
  if (block_.forgot_accounts()) {
    std::fputs("  so many accounts are new that a dry run does not know them all\n", stderr);
  }
  SayWhatWasDone();
}

void Import::BadDocument(const ringpost::Status& why) {
  progress_.Clear();
  code_ = Failed();
  std::string words(MessageOf(why));
  // Either of the document, or of one of its records, which is named first.
  words = DocumentName() + (words.find("number ") < words.find(':') ? ": " : " ") + words;
  if (options_.json) PrintEnd(ErrorJson("bad_document", words));
  Complain(SafeText(words));
  SayWhatWasDone();
}

void Import::SayWhatWasDone() {
  const std::string count = FormatCount(done()) + (done() == 1 ? " record" : " records");
  if (options_.dry_run) {
    std::fputs(
        ("  a dry run: nothing was changed; " + count + " before it would be taken\n").c_str(),
        stderr);
  } else if (done() == 0) {
    std::fputs("  nothing was changed\n", stderr);
  } else {
    uint64_t unchanged = 0;
    for (const Tally& tally : tallies_) unchanged += tally.unchanged;
    std::fputs(("  the first " + count + " were done (" + FormatCount(unchanged) +
                " of them as they were already); import the whole again when it is right, what is "
                "the same stays\n")
                   .c_str(),
               stderr);
  }
}

void Import::End() {
  progress_.Clear();
  complete_ = true;
  if (options_.json) {
    Json last = {{"ok", true}, {"dry_run", options_.dry_run}};
    last.update(TallyJson(tallies_));
    return PrintJson(last);
  }
  Print((options_.dry_run ? "A dry run, nothing was changed. It would be:\n" : "Imported:\n") +
        TallyText(tallies_, options_.terminal));
  if (without_password_ > 0) {
    Print(FormatCount(without_password_) +
          (without_password_ == 1 ? " user that is new has" : " users that are new have") +
          " no password: ringpost credential password NAME makes one.\n");
  }
  if (without_key_ > 0) {
    Print(FormatCount(without_key_) +
          (without_key_ == 1 ? " API key that is new has" : " API keys that are new have") +
          " no key: ringpost credential key NAME makes one.\n");
  }
  if (without_keys_ > 0) {
    Print(FormatCount(without_keys_) +
          (without_keys_ == 1 ? " domain that is new gets" : " domains that are new get") +
          " other keys: publish the zone again (ringpost dns zone, or dns push).\n");
  }
}

}  // namespace

int AccountImport(const Options& options) { return Import(options).Run(); }

}  // namespace ringpost::cli
