// How deep a JSON text nests, before anything is built from it.
//
// The JSON library bounds no depth: it copies and writes values by calling itself, once for each
// object or list inside of another, so a few megabytes of "[" would be the end of the thread's
// stack. Whoever takes JSON from elsewhere asks here first. This is no check of the grammar: that
// is the parser's.
//
// Threads: a function; any.
#pragma once

#include <cstddef>
#include <string_view>

namespace ringpost {

// Whether an object or a list in `text` (RFC 8259) is inside of as many as `depth_max` others, or
// may be: of what is not JSON either answer is right.
bool NestsDeeper(std::string_view text, size_t depth_max);

}  // namespace ringpost
