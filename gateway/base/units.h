// Times and sizes as people write and read them: in the configuration, in options, in tables.
//
// Sans everything: text in, value out; nothing where the text is not of the grammar.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/time.h"

namespace ringpost {

// "30s", "5m", "250ms", "1h 30m": whole numbers with d, h, m, s or ms, added up; at most 100 years.
std::optional<Millis> ParseDuration(std::string_view text);
// The largest unit and the next: "250ms", "5m 12s", "3h 20m", "2d". What is smaller is left out.
std::string FormatDuration(Millis duration);

// "512", "64KiB", "50 MiB", "2 GiB".
std::optional<uint64_t> ParseBytes(std::string_view text);
// "812 B", "64 KiB", "4.5 KiB", "1.2 GiB": exact where there are no tenths.
std::string FormatBytes(uint64_t bytes);

}  // namespace ringpost
