// ringpost account export.
#include <array>
#include <cstdio>

#include "gateway/base/time.h"
#include "tools/ringpost/commands.h"
#include "tools/ringpost/document_reader.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/output_file.h"
#include "tools/ringpost/pages.h"
#include "tools/ringpost/progress.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"

namespace ringpost::cli {
namespace {

using Counts = std::array<uint64_t, kDocumentSections>;

// The document, record by record: sections in their order, none left out.
class Writer {
 public:
  explicit Writer(OutputFile* output) : output_(output) {}

  ringpost::Status Begin() {
    const Json head = {{"ringpost", kDocumentVersion},
                       {"exported", FormatRfc3339(ReadWallClock())}};
    std::string text = JsonText(head);
    text.pop_back();
    return output_->Write(text + SectionStart(0));
  }
  ringpost::Status Record(Json record, const std::string& type) {
    size_t section = section_;
    while (section < kDocumentSections && type != SectionType(DocumentSection(section))) ++section;
    if (section == kDocumentSections) {
      return MakeStatus(StatusCode::kInternal,
                        "the daemon lists its records in an order that is not known here: is "
                        "this ringpost older than it?");
    }
    std::string text;
    while (section_ < section) text += "\n]" + SectionStart(++section_);
    record.erase("type");
    text += (counts_[section]++ == 0 ? "\n" : ",\n") + JsonText(record);
    return output_->Write(text);
  }
  ringpost::Status End() {
    std::string text;
    while (section_ + 1 < kDocumentSections) text += "\n]" + SectionStart(++section_);
    return output_->Write(text + "\n]}\n");
  }
  const Counts& counts() const { return counts_; }

 private:
  static std::string SectionStart(size_t section) {
    return ",\n\"" + std::string(SectionName(DocumentSection(section))) + "\":[";
  }

  OutputFile* output_;
  size_t section_ = 0;
  Counts counts_{};
};

// Domains have none of their own: they come by themselves.
std::string TypeOf(const Json& record) {
  return record.contains("type") ? TextOf(record, "type") : SectionType(DocumentSection::kDomains);
}

std::string CountWords(const Counts& counts) {
  std::string words;
  for (size_t i = 0; i < kDocumentSections; ++i) {
    const std::string type = SectionType(DocumentSection(i));
    words += (i == 0                      ? ""
              : i + 1 < kDocumentSections ? ", "
                                          : " and ") +
             FormatCount(counts[i]) + " " + type + (counts[i] == 1 ? "" : "s");
  }
  return words;
}

Json CountJson(const Counts& counts) {
  Json json = {{"ok", true}};
  for (size_t i = 0; i < kDocumentSections; ++i) {
    json[SectionName(DocumentSection(i))] = counts[i];
  }
  return json;
}

// On standard error: standard output may be the document.
void SayWhatItIs(const Options& options, const Counts& counts) {
  std::string text = "Exported " + CountWords(counts) +
                     (options.file.empty() ? "" : " to " + SafeText(options.file)) + ".\n";
  text +=
      options.secrets
          ? "It has what passwords are checked against, and the keys that sign: who reads it can\n"
            "act as a server to the clients, try to guess passwords for as long as they like, and\n"
            "sign as the domains. Keep it as secret as the store itself.\n"
          : "No passwords and no keys are in it: where it is imported anew, users and API keys\n"
            "need new ones, and domains get some.\n";
  std::fputs(text.c_str(), stderr);
}

int Failed(const Options& options, const ringpost::Status& status) {
  if (options.json && !options.file.empty()) {
    PrintJson(ErrorJson("unavailable", MessageOf(status)));
  }
  Complain(SafeText(MessageOf(status)));
  return kRefused;
}

}  // namespace

int AccountExport(const Options& options) {
  CatchInterrupts();
  const std::string path = options.file == "-" ? "" : options.file;
  OutputFile output(path, OutputFile::Readers::kOwner);
  Writer writer(&output);
  Session session(options);
  if (!session.Open()) return session.code();
  ringpost::Status status = output.Open();
  if (status.ok()) status = writer.Begin();
  if (!status.ok()) return Failed(options, status);
  Progress progress("exporting", "records");
  uint64_t total = 0;
  auto copy = [&](const char* command, const char* member) {
    Json request = {{"command", command}};
    if (options.secrets) request["secrets"] = true;
    return EachPage(&session, request, member, 0, [&](const Json& records) {
      for (const Json& record : records) {
        if (status.ok() && record.is_object()) status = writer.Record(record, TypeOf(record));
      }
      progress.Show(total += records.size());
      return status.ok() && !Interrupted();
    });
  };
  PagesEnd end = copy("identity list", "records");
  const bool whole = end.code == kDone && status.ok() && !Interrupted() && !session.interrupted();
  if (whole) end = copy("domain export", "domains");
  progress.Clear();
  if (session.interrupted() || Interrupted()) {
    Complain(std::string("interrupted; ") +
             (path.empty() ? "the document is not whole" : "nothing was written"));
    return kPartial;
  }
  if (end.code != kDone) return end.code;
  if (status.ok()) status = writer.End();
  if (status.ok()) status = output.Finish();
  if (!status.ok()) return Failed(options, status);
  if (options.json && !path.empty()) PrintJson(CountJson(writer.counts()));
  SayWhatItIs(options, writer.counts());
  return kDone;
}

}  // namespace ringpost::cli
