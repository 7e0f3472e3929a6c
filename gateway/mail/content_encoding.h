// quoted-printable and base64 (RFC 2045 sections 6.7 and 6.8), and what a body needs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ringpost::mail {

// What a run of bytes has that some hop may not take.
struct ContentTraits {
  size_t high_bytes = 0;  // with the eighth bit set
  bool nul = false;
  bool bare_newline = false;  // a CR or LF outside CRLF
  bool long_line = false;     // longer than 998 bytes without its CRLF

  // 7bit in the sense of RFC 2045 section 2.7.
  bool seven_bit() const { return high_bytes == 0 && !nul && !bare_newline && !long_line; }
};
ContentTraits InspectContent(std::string_view bytes);

// CRLFs stay line breaks; lines of at most 76. No line begins with "--", so that none can be taken
// for a boundary. Ends without CRLF where `text` does.
void AppendQuotedPrintable(std::string_view text, std::string* out);
// Lines of 76, each with CRLF.
void AppendBase64(std::string_view bytes, std::string* out);

// What they append to at most: three places for each byte, and a soft break (three more) after at
// least 73; four places for three bytes, and a CRLF after 76.
constexpr size_t QuotedPrintableBytesMax(size_t bytes) { return bytes * 3 + bytes * 9 / 73 + 3; }
constexpr size_t Base64BytesMax(size_t bytes) { return (bytes / 57 + 1) * 78; }

}  // namespace ringpost::mail
