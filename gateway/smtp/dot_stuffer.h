// DotStuffer: a message's pieces made fit for the wire by slicing (RFC 5321 section 4.5.2).
//
// A dot that begins a line is doubled by letting two slices overlap on it, so no byte is copied.
// Above limits::kStuffedSlicesMax such dots in one piece the rest of that piece is copied.
//
// It guarantees that no CR without LF and no LF without CR gets out (VU#302671): the bytes of a
// stored message were checked when they came in, and here is the last place where it can be seen
// that something went wrong since. A CR at the end of a piece is held back until the next piece
// begins with its LF. Threads: those of the slices.
#pragma once

#include <cstdint>

#include "gateway/base/slice.h"

namespace ringpost::smtp {

class DotStuffer {
 public:
  enum class Mode : uint8_t {
    kDots,    // DATA: lines are checked, leading dots doubled
    kLines,   // BDAT: lines are checked
    kBinary,  // BDAT with BODY=BINARYMIME: any byte is content
  };

  // Begins a message.
  void Reset(Mode mode);
  // Appends the wire form of `piece`. False: the piece holds a bare CR or LF; nothing of it was
  // appended.
  bool Append(const Slice& piece, SliceChain* out);
  // False where the message ends in a bare CR.
  bool ends_whole() const { return !held_cr_; }
  // True at the start of the message and after CRLF.
  bool at_line_start() const { return at_line_start_; }

 private:
  Mode mode_ = Mode::kDots;
  bool held_cr_ = false;
  bool at_line_start_ = true;
};

}  // namespace ringpost::smtp
