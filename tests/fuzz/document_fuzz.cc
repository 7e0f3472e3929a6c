// The export document of accounts and credentials: whatever the bytes, and in whatever parts they
// come, each record is an object of its section's type, counted from 1, and what is wrong is said
// in words fit for a terminal. What is taken is what the document says, all of it, once. Input: one
// byte that says how large the parts are, then the document.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/check.h"
#include "tools/ringpost/document_reader.h"
#include "tools/ringpost/import_blocks.h"
#include "tools/ringpost/text.h"

namespace ringpost::cli {
namespace {

struct Outcome {
  bool taken = false;
  std::vector<std::string> records;
  std::string words;
  bool operator==(const Outcome&) const = default;
};

Outcome Read(std::string_view text, size_t part) {
  Outcome outcome;
  DocumentSection section = DocumentSection::kAccounts;
  uint64_t number = 0;
  ImportBlock block(/*dry_run=*/true);
  auto source = [&](char* buffer, size_t size) -> StatusOr<size_t> {
    const size_t n = text.copy(buffer, std::min(size, part));
    text.remove_prefix(n);
    return n;
  };
  auto sink = [&](DocumentSection next_section, uint64_t next_number, const Json& record) {
    RP_CHECK(next_section >= section);
    RP_CHECK(next_number == (next_section == section ? number + 1 : 1));
    section = next_section;
    number = next_number;
    RP_CHECK(record.is_object() && record.size() <= kDocumentMembersMax + 1);
    RP_CHECK(record.at("type") == SectionType(section));
    outcome.records.push_back(record.dump(-1, ' ', true));
    if (!block.Add(section, number, record)) {
      block.Clear();
      RP_CHECK(block.Add(section, number, record));
    }
    const std::string line = block.Line();
    RP_CHECK(line.size() < limits::kControlRequestBytesMax && line.find('\n') == line.size() - 1);
    return true;
  };
  const Status status = ReadDocument(source, sink);
  RP_CHECK(status.ok() || status.code() == StatusCode::kInvalidArgument);
  outcome.taken = status.ok();
  outcome.words = std::string(MessageOf(status));
  RP_CHECK(outcome.words.size() < 1000 && outcome.words == SafeText(outcome.words));
  return outcome;
}

// Against a parser that takes it as a whole: each record is there as it stands, and no member of
// one is there twice, where the last would count.
void CheckTaken(std::string_view text, const Outcome& outcome) {
  constexpr int kInRecords = 3;  // in the document, in its section's list
  size_t members = 0, left = 0;
  int deepest = 0;
  const auto look = [&](int depth, Json::parse_event_t event, Json&) {
    members += event == Json::parse_event_t::key && depth >= kInRecords;
    if (event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start) {
      deepest = std::max(deepest, depth + 1);
    }
    return true;
  };
  const Json whole = Json::parse(text, look, /*allow_exceptions=*/false);
  RP_CHECK(whole.is_object() && whole.at("ringpost") == kDocumentVersion);
  RP_CHECK(static_cast<size_t>(deepest) <= kDocumentDepthMax);
  const std::function<void(const Json&)> count = [&](const Json& value) {
    left += value.is_object() ? value.size() : 0;
    if (value.is_structured()) std::for_each(value.begin(), value.end(), count);
  };
  size_t number = 0;
  for (size_t i = 0; i < kDocumentSections; ++i) {
    const auto section = static_cast<DocumentSection>(i);
    if (!whole.contains(SectionName(section))) continue;
    for (Json record : whole.at(SectionName(section))) {
      count(record);
      record["type"] = SectionType(section);
      RP_CHECK(number < outcome.records.size() &&
               record.dump(-1, ' ', true) == outcome.records[number++]);
    }
  }
  RP_CHECK(number == outcome.records.size() && members == left);
}

}  // namespace
}  // namespace ringpost::cli

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > 64 * 1024) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto whole = ringpost::cli::Read(text, SIZE_MAX);
  RP_CHECK(ringpost::cli::Read(text, 1 + data[0] % 64u) == whole);
  if (whole.taken) ringpost::cli::CheckTaken(text, whole);
  return 0;
}
