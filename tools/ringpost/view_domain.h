// Sender domains as text for people: pure functions of the JSON that `--json` prints.
#pragma once

#include <string>

#include "gateway/base/time.h"
#include "tools/ringpost/connection.h"
#include "tools/ringpost/table.h"

namespace ringpost::cli {

// The domain's records as lines of a zone file, above each as a comment why it is needed.
std::string ViewRecordsToPublish(const Json& domain, const Terminal& terminal);

// What was added, what to publish, and what happens then.
std::string ViewAddedDomain(const Json& domain, const Terminal& terminal);
// Whose turn it is, and how long the other key stays.
std::string ViewRotatedDomain(const Json& domain);
// All of it.
std::string ViewDomain(const Json& domain, WallTime now, const Terminal& terminal);

// A list of them, for Table::NextPage.
Table DomainTable();
void AddDomainRow(const Json& domain, WallTime now, Table* table);

}  // namespace ringpost::cli
