#include "gateway/mail/header_scan.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/base/wipe.h"

namespace ringpost::mail {
namespace {

// RFC 5322 section 2.1.1: the longest a line may be. Of a longer one no more is looked at, whether
// slices share it or not; and a Message-ID is cut here.
constexpr size_t kLineKeptBytesMax = 998;

bool HasHighBit(std::string_view text) {
  uint64_t all = 0;
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    all |= word;
  }
  for (; at < text.size(); ++at) all |= static_cast<uint8_t>(text[at]);
  return (all & 0x8080808080808080u) != 0;
}

struct FieldView {
  std::string_view name;
  std::string_view value;  // of the first line
};

// A line as a field; nothing where it is none.
std::optional<FieldView> ParseField(std::string_view line) {
  size_t size = 0;
  while (size < line.size() && line[size] > 0x20 && line[size] < 0x7F && line[size] != ':') ++size;
  size_t colon = size;
  while (colon < line.size() && (line[colon] == ' ' || line[colon] == '\t')) ++colon;
  if (size == 0 || colon == line.size() || line[colon] != ':') return std::nullopt;
  return FieldView{line.substr(0, size), line.substr(colon + 1)};
}

class Scanner {
 public:
  ~Scanner() { WipeString(&split_line_); }
  // Takes the next bytes of the message; false: the header section is over.
  bool Take(std::string_view text);
  HeaderSummary Finish();

 private:
  bool CountLine(std::string_view line, size_t bytes);
  bool TakeLine(std::string_view line, bool whole);
  void BeginField(const FieldView& field, bool whole);
  void Continue(std::string_view line, bool whole);
  void AddMessageId(std::string_view value);
  void AddFrom(std::string_view value, bool whole);

  HeaderSummary summary_;
  size_t scanned_bytes_ = 0;  // of whole lines
  std::string split_line_;    // the start of a line that goes on in the next slice
  size_t split_bytes_ = 0;    // what it counts, more than is kept
  enum class Kept : uint8_t { kNothing, kMessageId, kFrom };
  Kept kept_ = Kept::kNothing;  // of the field that the lines belong to
  bool first_line_ = true;
  bool mailbox_line_ = false;
};

bool Scanner::Take(std::string_view text) {
  while (!text.empty()) {
    size_t room = limits::kHeaderSectionBytesMax - scanned_bytes_ - split_bytes_;
    std::string_view part = text.substr(0, room);
    const void* end = part.empty() ? nullptr : std::memchr(part.data(), '\n', part.size());
    if (end == nullptr && part.size() == room) {
      summary_.truncated = summary_.ended = true;
      return false;
    }
    if (end)
      part = part.substr(0, static_cast<size_t>(static_cast<const char*>(end) - part.data()) + 1);
    text.remove_prefix(part.size());
    if (HasHighBit(part)) summary_.eight_bit_header = true;
    std::string_view line = part.substr(0, kLineKeptBytesMax);
    if (end == nullptr || split_bytes_ > 0) {
      split_bytes_ += part.size();
      split_line_.reserve(kLineKeptBytesMax);  // once, before there is anything in it
      split_line_.append(
          part.substr(0, kLineKeptBytesMax - std::min(kLineKeptBytesMax, split_line_.size())));
      if (end == nullptr) return true;
      line = split_line_;
    }
    size_t line_bytes = split_bytes_ > 0 ? split_bytes_ : part.size();
    bool more = CountLine(line, line_bytes);
    if (mailbox_line_) summary_.mailbox_line_bytes = line_bytes;
    mailbox_line_ = false;
    split_line_.clear();
    split_bytes_ = 0;
    if (!more) {
      summary_.ended = true;
      return false;
    }
  }
  return true;
}

// The same for a line that is so long in the message.
bool Scanner::CountLine(std::string_view line, size_t bytes) {
  bool more = TakeLine(line, line.size() == bytes);
  if (more || summary_.has_separator) scanned_bytes_ += bytes;
  return more;
}

// A line, its end included, or as much of it as is looked at. False: it ends the header section.
bool Scanner::TakeLine(std::string_view line, bool whole) {
  bool first = first_line_;
  first_line_ = false;
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  if (line.empty()) {
    summary_.has_separator = true;
    return false;
  }
  if (line[0] == ' ' || line[0] == '\t') {
    Continue(line, whole);
    return !first;
  }
  kept_ = Kept::kNothing;
  std::optional<FieldView> field = ParseField(line);
  if (field) {
    BeginField(*field, whole);
    return true;
  }
  mailbox_line_ = first && (line.starts_with("From ") || line.starts_with(">From "));
  return mailbox_line_;
}

void Scanner::Continue(std::string_view line, bool whole) {
  if (kept_ == Kept::kMessageId) AddMessageId(line);
  if (kept_ == Kept::kFrom) AddFrom(line, whole);
}

void Scanner::BeginField(const FieldView& field, bool whole) {
  auto is = [&field](std::string_view name) { return EqualsIgnoreCase(field.name, name); };
  switch (AsciiLower(field.name[0])) {
    case 'd':
      if (is("date")) summary_.has_date = true;
      if (is("delivered-to")) ++summary_.delivered_to_count;
      break;
    case 'f':
      if (!is("from")) break;
      kept_ = Kept::kFrom;
      if (summary_.from_count++ > 0) summary_.from.push_back(',');  // RFC 5322 section 3.6.2
      AddFrom(field.value, whole);
      break;
    case 'm':
      if (!is("message-id")) break;
      if (std::exchange(summary_.has_message_id, true)) break;  // of several the first counts
      kept_ = Kept::kMessageId;
      AddMessageId(field.value);
      break;
    case 'r':
      if (is("received")) ++summary_.received_count;
      break;
    default:
      break;
  }
}

void Scanner::AddMessageId(std::string_view value) {
  std::string_view trimmed = TrimSpace(value);
  size_t room = kLineKeptBytesMax - std::min(kLineKeptBytesMax, summary_.message_id.size());
  summary_.message_id.append(trimmed.substr(0, room));
}

void Scanner::AddFrom(std::string_view value, bool whole) {
  size_t room =
      limits::kFromFieldBytesMax - std::min(limits::kFromFieldBytesMax, summary_.from.size());
  if (!whole || value.size() > room) summary_.from_cut = true;
  summary_.from.append(value.substr(0, room));
}

HeaderSummary Scanner::Finish() {
  // A last line without its end: where nothing else came the message is that line.
  if (split_bytes_ > 0 && !summary_.truncated) CountLine(split_line_, split_bytes_);
  summary_.header_bytes = scanned_bytes_;
  return std::move(summary_);
}

}  // namespace

HeaderSummary ScanHeaders(const SliceChain& message) {
  Scanner scanner;
  for (const Slice& slice : message.slices()) {
    if (!scanner.Take(slice.view())) break;
  }
  return scanner.Finish();
}

}  // namespace ringpost::mail
