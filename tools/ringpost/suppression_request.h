// What the commands of ringpost suppression have in common.
#pragma once

#include "tools/ringpost/commands.h"
#include "tools/ringpost/connection.h"

namespace ringpost::cli {

// A request of this command about the list that is meant; null: none was named, which has been
// said.
Json SuppressionRequestOf(const char* command, const Options& options);
// "of account acme", "of the trusted hosts".
std::string WhoseList(const Options& options);

}  // namespace ringpost::cli
