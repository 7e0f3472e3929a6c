#include "gateway/mail/dkim_body_hash.h"

#include <algorithm>
#include <bit>
#include <cstddef>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace ringpost::mail {
namespace {

constexpr std::string_view kCrlf = "\r\n";

bool IsSpace(char c) { return c == ' ' || c == '\t'; }

// Whether the byte at `i` cannot stay as it is whatever follows it, or cannot be judged for want of
// what follows: HTAB, an SP that is not alone between others, a CR or SP as the last byte.
bool IsIrregular(std::string_view text, size_t i) {
  if (text[i] == '\t') return true;
  if (text[i] != ' ' && text[i] != '\r') return false;
  if (i + 1 == text.size()) return true;
  return text[i] == ' ' && (IsSpace(text[i + 1]) || text[i + 1] == '\r');
}

#ifdef __SSE2__
constexpr size_t kVectorBytes = 16;

// The same of the bytes at `bytes`, with one behind them that must be there. Any control character
// after an SP counts: a run may end early, and goes on as the next one.
__m128i IrregularAt(const char* bytes) {
  const __m128i space = _mm_set1_epi8(' ');
  __m128i here = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
  __m128i next = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + 1));
  __m128i odd_next = _mm_cmpeq_epi8(_mm_min_epu8(next, space), next);
  return _mm_or_si128(_mm_cmpeq_epi8(here, _mm_set1_epi8('\t')),
                      _mm_and_si128(_mm_cmpeq_epi8(here, space), odd_next));
}

unsigned MaskOf(__m128i vector) { return static_cast<unsigned>(_mm_movemask_epi8(vector)); }

bool AnyIrregular(const char* bytes) {
  __m128i low = _mm_or_si128(IrregularAt(bytes), IrregularAt(bytes + kVectorBytes));
  __m128i high =
      _mm_or_si128(IrregularAt(bytes + 2 * kVectorBytes), IrregularAt(bytes + 3 * kVectorBytes));
  return MaskOf(_mm_or_si128(low, high)) != 0;
}
#endif

// How many bytes from the start of `text`, of which the first is regular, stay as they are, but for
// CRLFs at their end.
size_t RegularBytes(std::string_view text) {
  size_t at = 0;
#ifdef __SSE2__
  // Where runs are short there are many of them: the first bytes by themselves, then four at once.
  for (bool first = true; text.size() - at > kVectorBytes; first = false) {
    unsigned mask = MaskOf(IrregularAt(text.data() + at));
    if (mask != 0) return at + static_cast<size_t>(std::countr_zero(mask));
    at += kVectorBytes;
    if (!first) continue;
    while (text.size() - at > 4 * kVectorBytes && !AnyIrregular(text.data() + at)) {
      at += 4 * kVectorBytes;
    }
  }
#endif
  while (at < text.size() && !IsIrregular(text, at)) ++at;
  return at;
}

}  // namespace

void DkimBodyHash::EmitHeld() {
  static constexpr std::string_view kLines = "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";
  for (; lines_held_ > 0; lines_held_ -= std::min<uint64_t>(lines_held_, kLines.size() / 2)) {
    hash_.Update(kLines.substr(0, lines_held_ * 2));
  }
  if (space_held_) hash_.Update(" ");
  space_held_ = false;
  empty_ = false;
}

void DkimBodyHash::Update(std::string_view piece) {
  if (cr_held_ && !piece.empty()) {
    cr_held_ = false;
    if (piece[0] == '\n') {
      EndLine();
      piece.remove_prefix(1);
    } else {
      EmitHeld();
      hash_.Update("\r");
    }
  }
  while (!piece.empty()) {
    if (IsSpace(piece[0])) {
      space_held_ = true;
      piece.remove_prefix(1);
    } else if (piece.starts_with(kCrlf)) {
      EndLine();
      piece.remove_prefix(kCrlf.size());
    } else if (piece == "\r") {
      cr_held_ = true;
      return;
    } else {
      std::string_view run = piece.substr(0, RegularBytes(piece));
      piece.remove_prefix(run.size());
      EmitHeld();
      while (run.ends_with(kCrlf)) {
        run.remove_suffix(kCrlf.size());
        ++lines_held_;
      }
      hash_.Update(run);
    }
  }
}

DkimDigest DkimBodyHash::Finish() {
  if (cr_held_) {
    EmitHeld();
    hash_.Update("\r");
  }
  if (!empty_) hash_.Update(kCrlf);
  return hash_.Finish();
}

}  // namespace ringpost::mail
