// SMTP replies out of received bytes: the code of each, multi-line ones as one.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ringpost::bench {

struct ReplyLine {
  int code = 0;
  std::string_view text;  // the last line, without CRLF; valid until the next Append
};

class ReplyReader {
 public:
  void Append(std::string_view bytes);
  // The next whole reply; nullopt when there is none yet.
  std::optional<ReplyLine> Next();
  // The peer speaks no SMTP: a line without a code, or without an end.
  bool broken() const { return broken_; }
  void Reset();

 private:
  static constexpr size_t kUnparsedBytesMax = 64 * 1024;
  std::string bytes_;
  size_t at_ = 0;
  bool broken_ = false;
};

}  // namespace ringpost::bench
