// Numbers, times and hostile text as an operator reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/time.h"

namespace ringpost::cli {

// Text from elsewhere (addresses, replies) made fit for a terminal: control characters, C1 controls
// and direction overrides become '?', bytes that are not UTF-8 too.
std::string SafeText(std::string_view text);
// The same, line by line.
std::string SafeLines(std::string_view text);
// Columns it takes: code points, which is right for all but wide and combining characters.
size_t Columns(std::string_view text);
// Cut to `columns`, with "…" where something was cut.
std::string Fit(std::string_view text, size_t columns);
// Broken between words into lines of at most `columns`, those behind the first indented by
// `indent`. A word that is longer stands alone.
std::string Wrap(std::string_view text, size_t columns, size_t indent);

std::string FormatCount(uint64_t value);  // 1,234,567

// RFC 3339 as the daemon writes it; empty where it is not.
std::optional<WallTime> ParseTime(std::string_view rfc3339);
// "2026-11-24 07:16:24 UTC"; the text as it is where it is no time.
std::string FormatTime(std::string_view rfc3339);

}  // namespace ringpost::cli
