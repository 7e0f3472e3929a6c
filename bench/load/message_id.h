// The field that names each message of a run: written by `load`, read by `sink`, so that what was
// acknowledged can be compared with what came out, one line "ID RECIPIENT" each.
#pragma once

#include <string_view>

namespace ringpost::bench {

inline constexpr std::string_view kIdField = "X-Ringpost-Bench-Id:";

}  // namespace ringpost::bench
