#include "gateway/smtp/dot_stuffer.h"

#include <string.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "gateway/base/counters.h"
#include "gateway/base/limits.h"

namespace ringpost::smtp {
namespace {

// Where in 64 bytes the bytes that matter are; bit i stands for byte i.
struct Masks {
  uint64_t cr = 0;
  uint64_t lf = 0;
  uint64_t dot = 0;
};

#ifdef __SSE2__
uint64_t MaskOf(const __m128i block[4], char byte) {
  __m128i wanted = _mm_set1_epi8(byte);
  uint64_t mask = 0;
  for (int i = 3; i >= 0; --i) {
    auto bits = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(block[i], wanted)));
    mask = mask << 16 | bits;
  }
  return mask;
}

Masks MasksOf(const char* bytes) {
  __m128i block[4];
  for (int i = 0; i < 4; ++i) {
    block[i] =
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + static_cast<size_t>(i) * 16));
  }
  return {MaskOf(block, '\r'), MaskOf(block, '\n'), MaskOf(block, '.')};
}
#else
Masks MasksOf(const char* bytes) {
  Masks masks;
  for (int i = 0; i < 64; ++i) {
    masks.cr |= static_cast<uint64_t>(bytes[i] == '\r') << i;
    masks.lf |= static_cast<uint64_t>(bytes[i] == '\n') << i;
    masks.dot |= static_cast<uint64_t>(bytes[i] == '.') << i;
  }
  return masks;
}
#endif

struct Dots {
  std::array<uint32_t, limits::kStuffedSlicesMax> at;
  size_t count = 0;  // of all; `at` holds as many as fit
};

// Finds the dots that begin lines. False: a bare CR or LF; a CR as the last byte is not yet bare.
bool Scan(std::string_view text, bool after_cr, bool at_line_start, Dots* dots) {
  uint64_t carried_cr = after_cr;
  uint64_t carried_lf = at_line_start;
  for (size_t from = 0; from < text.size(); from += 64) {
    size_t size = text.size() - from;
    Masks masks;
    uint64_t valid = ~uint64_t{0};
    if (size >= 64) {
      masks = MasksOf(text.data() + from);
    } else {
      char tail[64] = {};
      std::memcpy(tail, text.data() + from, size);
      masks = MasksOf(tail);
      explicit_bzero(tail, sizeof tail);  // the end of a message is not left on the stack
      valid = (uint64_t{1} << size) - 1;
    }
    if (((masks.cr << 1 | carried_cr) ^ masks.lf) & valid) return false;
    uint64_t stuffed = masks.dot & (masks.lf << 1 | carried_lf);
    for (; stuffed != 0; stuffed &= stuffed - 1) {
      if (dots->count < dots->at.size()) {
        dots->at[dots->count] =
            static_cast<uint32_t>(from) + static_cast<uint32_t>(std::countr_zero(stuffed));
      }
      ++dots->count;
    }
    carried_cr = masks.cr >> 63;
    carried_lf = masks.lf >> 63;
  }
  return true;
}

// `text`, whose first byte is no dot to be doubled, with `dots` others doubled.
Slice StuffedCopy(std::string_view text, size_t dots) {
  Slice slab = Slice::NewSlab(text.size() + dots);
  char* to = slab.mutable_data();
  char before = 0;
  for (char c : text) {
    if (c == '.' && before == '\n') *to++ = '.';
    *to++ = before = c;
  }
  Count(Counter::kBodyBytesCopied, slab.size());
  return slab;
}

}  // namespace

void DotStuffer::Reset(Mode mode) {
  mode_ = mode;
  held_cr_ = false;
  at_line_start_ = true;
}

bool DotStuffer::Append(const Slice& piece, SliceChain* out) {
  if (piece.empty()) return true;
  std::string_view text = piece.view();
  if (mode_ == Mode::kBinary) {
    out->Append(piece);
    return true;
  }
  Dots dots;
  if (!Scan(text, held_cr_, at_line_start_, &dots)) return false;
  if (held_cr_) out->Append(Slice::Static("\r"));
  at_line_start_ = text.back() == '\n';
  held_cr_ = text.back() == '\r';
  if (held_cr_) text.remove_suffix(1);
  if (mode_ == Mode::kLines) dots.count = 0;

  size_t from = 0;
  size_t sliced = std::min(dots.count, dots.at.size());
  for (size_t i = 0; i < sliced; ++i) {
    out->Append(piece.Sub(from, dots.at[i] + 1 - from));
    from = dots.at[i];
  }
  if (dots.count == sliced) {
    out->Append(piece.Sub(from, text.size() - from));
  } else {
    out->Append(StuffedCopy(text.substr(from), dots.count - sliced));
  }
  return true;
}

}  // namespace ringpost::smtp
