#include "gateway/smtp/reply_parser.h"

#include <algorithm>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::smtp {

ReplyParser::Result ReplyParser::Broken(std::string_view why) {
  error_ = why;
  return Result::kBroken;
}

ReplyParser::Result ReplyParser::Next(std::string_view* input) {
  if (held_used_) {
    held_.clear();
    held_used_ = false;
  }
  if (input->empty()) return Result::kNeedInput;
  size_t window = std::min(input->size(), limits::kReplyLineBytesMax - held_.size());
  size_t end = input->substr(0, window).find('\n');
  if (end == std::string_view::npos) {
    if (held_.size() + input->size() >= limits::kReplyLineBytesMax) {
      return Broken("a reply line is too long");
    }
    held_.append(*input);
    *input = {};
    return Result::kNeedInput;
  }
  size_t size = end + 1;
  std::string_view line = input->substr(0, size);
  if (!held_.empty()) {
    held_.append(line);
    line = held_;
    held_used_ = true;
  }
  input->remove_prefix(size);
  line.remove_suffix(1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return TakeLine(line);
}

ReplyParser::Result ReplyParser::TakeLine(std::string_view line) {
  line_ = line;
  if (line.size() < 3 || !IsDigit(line[0]) || !IsDigit(line[1]) || !IsDigit(line[2])) {
    return Broken("a line is not a reply: it has no code");
  }
  auto code = static_cast<uint16_t>((line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0');
  if (code < 200 || code > 599) return Broken("a reply's code is not 2xx to 5xx");
  bool more = line.size() > 3 && line[3] == '-';
  if (line.size() > 3 && !more && line[3] != ' ' && line[3] != '\t') {
    return Broken("a reply's code is not followed by a space or '-'");
  }
  if (complete_) {
    reply_.code = code;
    reply_.enhanced = {};
    reply_.text.clear();
    lines_ = 0;
    complete_ = false;
  } else if (reply_.code != code) {
    return Broken("the lines of one reply have different codes");
  }
  if (++lines_ > limits::kReplyLinesMax) return Broken("a reply has too many lines");
  AddText(line.substr(std::min<size_t>(4, line.size())));
  complete_ = !more;
  return more ? Result::kLine : Result::kReply;
}

void ReplyParser::AddText(std::string_view text) {
  EnhancedCode enhanced = TakeEnhancedCode(reply_.code, &text);
  if (lines_ == 1) reply_.enhanced = enhanced;
  std::string& kept = reply_.text;
  if (kept.size() + 1 >= limits::kReplyTextKeptBytesMax) return;
  if (lines_ > 1) kept.push_back('\n');
  size_t room = limits::kReplyTextKeptBytesMax - kept.size();
  // Nearly all replies are plain ASCII: those are copied as they are.
  std::string_view cut = text.substr(0, room);
  bool plain = std::all_of(cut.begin(), cut.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
  if (plain) {
    kept.append(cut);
  } else {
    kept.append(Printable(text, room));
  }
}

}  // namespace ringpost::smtp
