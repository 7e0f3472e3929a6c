#include "bench/load/header_scanner.h"

#include <strings.h>

#include "bench/load/message_id.h"

namespace ringpost::bench {
namespace {

bool Begins(std::string_view line, std::string_view name) {
  return line.size() >= name.size() && strncasecmp(line.data(), name.data(), name.size()) == 0;
}

std::string_view ValueAfter(std::string_view line, size_t name_size) {
  line.remove_prefix(name_size);
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  return line;
}

}  // namespace

void HeaderScanner::Reset() {
  done_ = false;
  seen_bytes_ = 0;
  partial_.clear();
  id_.clear();
  subject_.clear();
}

void HeaderScanner::Line(std::string_view line) {
  constexpr std::string_view kSubject = "Subject:";
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (line.empty()) {
    done_ = true;
  } else if (Begins(line, kIdField)) {
    id_ = ValueAfter(line, kIdField.size());
  } else if (Begins(line, kSubject)) {
    subject_ = ValueAfter(line, kSubject.size());
  }
}

void HeaderScanner::Feed(std::string_view bytes) {
  while (!done_ && !bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    seen_bytes_ += piece.size() + 1;
    if (partial_.size() + piece.size() > kLineBytesMax || seen_bytes_ > kSectionBytesMax) {
      done_ = true;
      return;
    }
    if (end == std::string_view::npos) {
      partial_ += piece;
      return;
    }
    if (partial_.empty()) {
      Line(piece);
    } else {
      partial_ += piece;
      Line(partial_);
      partial_.clear();
    }
    bytes.remove_prefix(end + 1);
  }
}

}  // namespace ringpost::bench
