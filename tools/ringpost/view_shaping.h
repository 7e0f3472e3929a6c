// What holds for mail to one place, as text: the answer of `ringpost shaping explain`.
#pragma once

#include <string>

#include "gateway/delivery/shaping.h"
#include "tools/ringpost/connection.h"
#include "tools/ringpost/table.h"

namespace ringpost::cli {

// {"domain","hosts","provider","settings":[{"name","value","rule","file","line"}],
//  "automations":[{"name","reply","after","does","for","file","line"}]}: every setting, also those
// that nothing is said of.
Json ExplainShaping(const delivery::ShapingTable& table, const delivery::ShapingQuery& query);
std::string ViewShaping(const Json& explained, const Terminal& terminal);

}  // namespace ringpost::cli
