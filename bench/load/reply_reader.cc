#include "bench/load/reply_reader.h"

namespace ringpost::bench {
namespace {

// 100 to 599, or 0.
int CodeOf(std::string_view line) {
  if (line.size() < 3) return 0;
  int code = 0;
  for (size_t i = 0; i < 3; ++i) {
    if (line[i] < '0' || line[i] > '9') return 0;
    code = code * 10 + (line[i] - '0');
  }
  return code >= 100 && code <= 599 ? code : 0;
}

}  // namespace

void ReplyReader::Append(std::string_view bytes) {
  bytes_.erase(0, at_);
  at_ = 0;
  bytes_ += bytes;
  if (bytes_.size() > kUnparsedBytesMax) broken_ = true;
}

std::optional<ReplyLine> ReplyReader::Next() {
  while (!broken_) {
    const size_t end = bytes_.find('\n', at_);
    if (end == std::string::npos) return std::nullopt;
    std::string_view line(bytes_.data() + at_, end - at_);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    at_ = end + 1;
    const int code = CodeOf(line);
    if (code == 0) {
      broken_ = true;
    } else if (line.size() == 3 || line[3] != '-') {
      return ReplyLine{code, line};
    }
  }
  return std::nullopt;
}

void ReplyReader::Reset() {
  bytes_.clear();
  at_ = 0;
  broken_ = false;
}

}  // namespace ringpost::bench
