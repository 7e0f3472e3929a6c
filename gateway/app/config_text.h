// The nearest known word to a misspelt one, and lists in words.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace ringpost::app {

// Insertions, deletions, changes and swaps of neighbours that make `a` into `b` (optimal string
// alignment), or `most` + 1 where that is more than `most`.
size_t EditDistance(std::string_view a, std::string_view b, size_t most);
// The known word nearest to `word`, within limits::kSuggestionEditsMax; empty: none is near.
std::string_view Nearest(std::string_view word, std::span<const std::string_view> known);
// "a", "a or b", "a, b or c".
std::string JoinOr(std::span<const std::string_view> words);

}  // namespace ringpost::app
