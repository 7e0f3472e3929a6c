// The small grammars of configuration values, and the nearest known word to a misspelt one.
//
// Sans everything: text in, value out; nothing where the text is not of the grammar.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/time.h"

namespace ringpost::app {

// "30s", "5m", "4h", "5d", "250ms": a whole number and its unit, nothing between. Fits in 100
// years.
std::optional<Millis> ParseDuration(std::string_view text);
// "5m" rather than "300s": the largest unit that keeps it whole.
std::string FormatDuration(Millis duration);
// "512", "512 KiB", "50 MiB", "2 GiB" (the space is optional).
std::optional<uint64_t> ParseBytes(std::string_view text);
std::string FormatBytes(uint64_t bytes);

// Insertions, deletions, changes and swaps of neighbours that make `a` into `b` (optimal string
// alignment), or `most` + 1 where that is more than `most`.
size_t EditDistance(std::string_view a, std::string_view b, size_t most);
// The known word nearest to `word`, within limits::kSuggestionEditsMax; empty: none is near.
std::string_view Nearest(std::string_view word, std::span<const std::string_view> known);
// "a", "a or b", "a, b or c".
std::string JoinOr(std::span<const std::string_view> words);

}  // namespace ringpost::app
