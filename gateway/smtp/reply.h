// Reply: what a server says: basic code (RFC 5321 section 4.2), enhanced code (RFC 3463), words.
//
// Every refusal of ours is one of these values: what was refused, why, and what to do. Never a
// Status.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ringpost::smtp {

// class.subject.detail; all zero: none was given.
struct EnhancedCode {
  uint16_t klass = 0;
  uint16_t subject = 0;
  uint16_t detail = 0;
  bool present() const { return klass != 0; }
  std::string ToString() const;
  bool operator==(const EnhancedCode&) const = default;
};

// Reads "class.subject.detail" at the start of `*text` and, where there is one and white space or
// the end follows, takes it and the first white space off. The class must be that of `code`
// (RFC 2034 section 4). Otherwise `*text` is left alone and the result is not present().
EnhancedCode TakeEnhancedCode(uint16_t code, std::string_view* text);

struct Reply {
  uint16_t code = 0;
  EnhancedCode enhanced;
  std::string text;  // lines separated by '\n'; no CR; printable

  bool positive() const { return code >= 200 && code < 400; }
  bool temporary() const { return code >= 400 && code < 500; }
  bool permanent() const { return code >= 500 && code < 600; }
  bool operator==(const Reply&) const = default;
};

// Appends the reply as it goes on the wire: "250-...\r\n250 2.0.0 ...\r\n"; the enhanced code is
// repeated on every line (RFC 2034 section 4). Whatever is in `text`, what comes out is well
// formed: bytes that are not printable ASCII become '?', and a line is cut at RFC 5321's 512 bytes.
// A code outside 200..599 is ours to get right: it is checked.
void AppendReply(std::string* out, const Reply& reply);

}  // namespace ringpost::smtp
