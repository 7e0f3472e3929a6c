#include "gateway/smtp/data_stream.h"

#include <string.h>

#include <bit>

#include "gateway/base/limits.h"
#include "gateway/smtp/line_scan.h"

namespace ringpost::smtp {
namespace {

// Literals: they outlive every slice that is made of them.
constexpr std::string_view kCrLf = "\r\n";
constexpr std::string_view kCr = kCrLf.substr(0, 1);
constexpr std::string_view kLf = kCrLf.substr(1, 1);

uint64_t BitsBelow(size_t count) { return count >= 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1; }

// Up to 64 bytes as 64: what is missing is filled with a byte that means nothing.
const char* Padded(const char* bytes, size_t count, char* room) {
  if (count >= kScanBytes) return bytes;
  std::memset(room, 'x', kScanBytes);
  std::memcpy(room, bytes, count);
  return room;
}

}  // namespace

// A bare CR or LF was found. With normalise the literal completes it: true, a piece.
bool DataStream::Bare(std::string_view literal, std::string_view* piece) {
  if (!normalise_) {
    bare_newline_ = true;
    return false;
  }
  *piece = literal;
  return true;
}

bool DataStream::Resolve(std::string_view* input, std::string_view* piece, Result* result) {
  const char c = input->front();
  *result = Result::kPiece;
  switch (at_) {
    case At::kLineStart:
      at_ = dotted_ && c == '.' ? At::kAfterDot : At::kInLine;
      if (at_ == At::kAfterDot) input->remove_prefix(1);
      return false;
    case At::kAfterDot:
      at_ = c == '\r' ? At::kAfterDotCr : At::kInLine;
      if (at_ == At::kAfterDotCr) input->remove_prefix(1);
      return false;
    case At::kAfterDotCr:
      if (c == '\n') {
        input->remove_prefix(1);
        *result = Result::kEnd;
        return true;
      }
      at_ = At::kInLine;
      return Bare(kCrLf, piece);
    case At::kAfterCr:
      if (c == '\n') return false;
      at_ = At::kInLine;
      if (normalise_) line_bytes_ = 0;
      return Bare(kLf, piece);
    case At::kInLine:
      if (c != '\n') return false;
      if (!Bare(kCr, piece)) return false;
      at_ = At::kBeforeLf;
      return true;
    case At::kBeforeLf:
      return false;
  }
  return false;
}

DataStream::Result DataStream::Next(std::string_view* input, std::string_view* piece) {
  while (!input->empty()) {
    const At before = at_;
    Result result;
    if (Resolve(input, piece, &result)) return result;
    if (at_ != before) continue;  // the next byte is looked at in the new state
    *piece = Scan(*input);
    input->remove_prefix(piece->size());
    return Result::kPiece;
  }
  return Result::kNeedMore;
}

bool DataStream::Finish(std::string_view* piece) {
  if (at_ != At::kAfterCr) return false;
  at_ = At::kInLine;
  return Bare(kLf, piece);
}

// Some of the first `count` bytes (at most 64) are NUL or have their eighth bit set; `odd` says
// which.
void DataStream::NoteOdd(const char* bytes, size_t count, uint64_t odd) {
  if (std::memchr(bytes, 0, count) == nullptr) {
    saw_8bit_ = true;
    return;
  }
  saw_nul_ = true;
  for (; odd != 0; odd &= odd - 1) saw_8bit_ |= bytes[std::countr_zero(odd)] != 0;
}

// `count` bytes of which `lf` ended lines.
void DataStream::NoteLines(uint64_t lf, size_t count) {
  if (lf == 0) {
    line_bytes_ += count;
  } else {
    // Only the first line end can end a line that began earlier; the others are within 64 bytes.
    line_bytes_ += static_cast<size_t>(std::countr_zero(lf)) + 1;
    saw_long_line_ |= line_bytes_ > limits::kTextLineBytesMax;
    line_bytes_ = count - (64 - static_cast<size_t>(std::countl_zero(lf)));
  }
  saw_long_line_ |= line_bytes_ > limits::kTextLineBytesMax;
}

std::string_view DataStream::Scan(std::string_view input) {
  char room[kScanBytes];
  // Bits of the byte before the block: was it a CR, and did a CRLF end there?
  uint64_t cr_before = at_ == At::kAfterCr || at_ == At::kBeforeLf ? 1 : 0;
  uint64_t crlf_before = 0;
  // A line that begins after a CRLF of our making has no dots of the protocol's.
  bool made_crlf = at_ == At::kBeforeLf;
  size_t done = 0;
  while (done < input.size()) {
    const size_t count = input.size() - done < kScanBytes ? input.size() - done : kScanBytes;
    const char* bytes = Padded(input.data() + done, count, room);
    const ScanMasks masks = ScanBytes(bytes);
    const uint64_t valid = BitsBelow(count);
    const uint64_t after_cr = masks.cr << 1 | cr_before;
    uint64_t crlf = masks.lf & after_cr;
    if (made_crlf) crlf &= ~uint64_t{1};
    // Bits where something bare shows: an LF that no CR precedes, or what follows a CR and is no
    // LF.
    const uint64_t bare = (masks.lf ^ after_cr) & valid;
    uint64_t stops = dotted_ ? masks.dot & (crlf << 1 | crlf_before) : 0;
    if (normalise_) stops |= bare;
    const size_t kept = stops == 0 ? count : static_cast<size_t>(std::countr_zero(stops));
    const uint64_t keep = BitsBelow(kept);
    if (bare & keep) bare_newline_ = true;
    if (masks.odd & keep) NoteOdd(bytes, kept, masks.odd & keep);
    if (kept > 0) NoteLines(masks.lf & keep, kept);
    done += kept;
    const uint64_t last = kept > 0 ? uint64_t{1} << (kept - 1) : 0;
    if (kept > 0) {
      cr_before = (masks.cr & last) != 0;
      crlf_before = (crlf & last) != 0;
      made_crlf = false;
    }
    if (stops != 0) break;
  }
  explicit_bzero(room, sizeof room);  // the end of a message is not left on the stack
  at_ = crlf_before ? At::kLineStart : cr_before ? At::kAfterCr : At::kInLine;
  return input.substr(0, done);
}

}  // namespace ringpost::smtp
