// What RFC 5321 says of message data, written for being obviously right instead of fast: whole
// strings, no states. The data stream is tested and fuzzed against it.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace ringpost::smtp::reference {

struct Outcome {
  bool ended = false;
  size_t consumed = 0;
  std::string content;
  bool bare = false;  // only where bare newlines are refused
  bool nul = false;
  bool high = false;
  bool long_line = false;
  bool operator==(const Outcome&) const = default;
};

inline std::string Normalised(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == "\r\n") {
      out += "\r\n";
      ++i;
    } else if (text[i] == '\r' || text[i] == '\n') {
      out += "\r\n";
    } else {
      out += text[i];
    }
  }
  return out;
}

inline void Judge(std::string_view raw, bool normalise, Outcome* outcome) {
  const std::string normalised = Normalised(raw);
  outcome->bare = !normalise && normalised != raw;
  outcome->nul = raw.find('\0') != std::string_view::npos;
  outcome->high = std::any_of(raw.begin(), raw.end(),
                              [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

// Data after 354. CRLF.CRLF ends it; the CRLF before the dot is content, and the one that ended the
// DATA command counts as such for an empty body.
inline Outcome Data(std::string_view bytes, bool normalise) {
  Outcome outcome;
  const std::string framed = "\r\n" + std::string(bytes);
  const size_t end = framed.find("\r\n.\r\n");
  outcome.ended = end != std::string::npos;
  outcome.consumed = outcome.ended ? end + 5 - 2 : bytes.size();
  std::string_view raw = bytes.substr(0, outcome.ended ? end : bytes.size());
  Judge(raw, normalise, &outcome);
  std::string unstuffed;
  for (size_t i = 0; i < raw.size(); ++i) {
    const bool line_start = i == 0 || (i >= 2 && raw[i - 2] == '\r' && raw[i - 1] == '\n');
    if (!(line_start && raw[i] == '.')) unstuffed += raw[i];
  }
  outcome.content = normalise ? Normalised(unstuffed) : unstuffed;
  return outcome;
}

// All chunks of a BDAT message, put together.
inline Outcome Chunk(std::string_view bytes, bool normalise) {
  Outcome outcome;
  outcome.consumed = bytes.size();
  Judge(bytes, normalise, &outcome);
  outcome.content = normalise ? Normalised(bytes) : std::string(bytes);
  return outcome;
}

}  // namespace ringpost::smtp::reference
