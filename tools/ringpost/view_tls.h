// Policies of MTA-STS as text for people: pure functions of the JSON that `--json` prints.
#pragma once

#include <string>

#include "gateway/base/time.h"
#include "tools/ringpost/connection.h"
#include "tools/ringpost/table.h"

namespace ringpost::cli {

// All of one.
std::string ViewStsPolicy(const Json& policy, WallTime now, const Terminal& terminal);

// A list of them, for Table::NextPage.
Table StsPolicyTable();
void AddStsPolicyRow(const Json& policy, WallTime now, Table* table);

}  // namespace ringpost::cli
