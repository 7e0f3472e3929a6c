// A password that somebody chose, from standard input: never from the command line, which others
// see.
#pragma once

#include <optional>
#include <string>

namespace ringpost::cli {

// On a terminal it is asked for twice and not shown; else it is the first line. Empty: there is
// none, which has been said. The caller wipes it.
std::optional<std::string> ReadPassword();

}  // namespace ringpost::cli
