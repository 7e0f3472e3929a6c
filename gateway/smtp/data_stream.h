// DataStream: the body of a message as it comes over the wire, un-stuffed by slicing (RFC 5321
// section 4.5.2), or counted out by BDAT (RFC 3030). Sans-IO; private to gateway/smtp.
//
// It is where mail smuggling (VU#302671) is kept out, so its rules are few:
//   - only CRLF.CRLF ends dotted data (".CRLF" where nothing came before), in every mode;
//   - a dot is stuffing only where it follows a CRLF as sent (or begins the data) and is taken off
//   there;
//   - a CR without its LF and an LF without its CR are "bare". They either doom the message (the
//   default:
//     bare_newline() tells, and the data is read to its true end) or become CRLF (`normalise`). A
//     line that begins after such a made CRLF is ordinary content: its first dot stays, alone or
//     not, and is stuffed again on the way out.
// So no choice of line endings makes the bytes end earlier for us than for a server that goes by
// the RFC, and what comes out holds CR and LF only as CRLF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringpost::smtp {

class DataStream {
 public:
  enum class Result : uint8_t {
    kNeedMore,  // the input is used up
    kPiece,     // `*piece` is content
    kEnd,       // the final dot has been read (dotted data only)
  };

  // `dotted`: DATA; otherwise BDAT, where a dot is a dot and the caller counts.
  DataStream(bool dotted, bool normalise) : dotted_(dotted), normalise_(normalise) {}

  // Consumes from the front of `*input`. A piece points into `*input`, or to a literal: the half of
  // a CRLF that a bare newline lacked. Pieces are as long as they can be: one per call in the
  // normal case.
  Result Next(std::string_view* input, std::string_view* piece);

  // BDAT: the last chunk has been passed to Next. True where a piece is still to come: the LF that
  // a final CR lacked (normalise). Otherwise a final CR is found to be bare now.
  bool Finish(std::string_view* piece);

  // What the bytes so far hold. None of these depends on how the bytes were cut into inputs.
  bool bare_newline() const { return bare_newline_; }  // never with normalise
  bool saw_nul() const { return saw_nul_; }
  bool saw_8bit() const { return saw_8bit_; }
  bool saw_long_line() const { return saw_long_line_; }

 private:
  enum class At : uint8_t {
    kLineStart,  // after CRLF, or at the very start
    kInLine,
    kAfterCr,     // that CR is out already
    kBeforeLf,    // a bare LF is next and its CR is out already
    kAfterDot,    // the dot that began the line is taken; it may be the final one
    kAfterDotCr,  // and a CR after it, which is not out
  };

  // Deals with a byte whose meaning depends on those before it. True: Next must return `*result`.
  // False with at_ changed: look again. False with at_ as it was: Scan may go on from here.
  bool Resolve(std::string_view* input, std::string_view* piece, Result* result);
  // The longest piece from the front of `input`; at least one byte. Sets at_ to where it stops.
  std::string_view Scan(std::string_view input);
  void NoteOdd(const char* bytes, size_t count, uint64_t odd);
  void NoteLines(uint64_t lf, size_t count);
  bool Bare(std::string_view literal, std::string_view* piece);

  bool dotted_;
  bool normalise_;
  At at_ = At::kLineStart;
  bool bare_newline_ = false;
  bool saw_nul_ = false;
  bool saw_8bit_ = false;
  bool saw_long_line_ = false;
  uint64_t line_bytes_ = 0;  // of the line so far
};

}  // namespace ringpost::smtp
