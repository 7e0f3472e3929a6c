// ReplyParser: the grammar of a server's replies (RFC 5321 section 4.2), for ClientSession.
//
// It takes one line at a time, so that a caller can read the lines of an EHLO reply, and keeps the
// reply so far. What it forgives: a bare LF as the end of a line, a second digit beyond 5, a code
// without text. What it does not: codes that differ between the lines of one reply, lines and
// replies past the limits (limits::kReplyLineBytesMax, kReplyLinesMax), first digits other than 2
// to 5.
//
// The bytes are hostile: the text that is kept is printable and cut at
// limits::kReplyTextKeptBytesMax. Threads: none of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/smtp/reply.h"

namespace ringpost::smtp {

class ReplyParser {
 public:
  enum class Result : uint8_t {
    kNeedInput,  // the input is used up
    kLine,       // a line of a reply that goes on
    kReply,      // the last line of a reply: take it with reply()
    kBroken,     // the grammar is broken or a limit passed: error() says how
  };

  // Consumes at most one line from the front of `*input`. `*input` stays alive while line() is
  // used.
  Result Next(std::string_view* input);

  // After kLine and kReply: the line without its line end, code included.
  std::string_view line() const { return line_; }
  // True where line() was the last of its reply.
  bool complete() const { return complete_; }
  // Lines of the reply so far, the last included.
  uint32_t lines() const { return lines_; }
  // After kReply, until the next call of Next.
  Reply& reply() { return reply_; }
  std::string_view error() const { return error_; }

 private:
  Result Broken(std::string_view why);
  Result TakeLine(std::string_view line);
  void AddText(std::string_view text);

  Reply reply_;
  std::string_view line_;
  std::string held_;        // the start of a line whose end has not come
  bool held_used_ = false;  // line_ points into held_
  bool complete_ = true;
  uint32_t lines_ = 0;
  std::string_view error_;
};

}  // namespace ringpost::smtp
