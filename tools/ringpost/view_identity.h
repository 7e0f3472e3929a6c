// Accounts, credentials, senders and what was done to them, as text for people: pure functions of
// the JSON that `--json` prints.
#pragma once

#include <string>
#include <string_view>

#include "tools/ringpost/connection.h"
#include "tools/ringpost/table.h"

namespace ringpost::cli {

// "account acme", "user printer-7", "API key crm", "network 192.0.2.0/24", "sender a.example".
std::string RecordTitle(const Json& record);

// A list of records of `type`, for Table::NextPage.
Table RecordTable(std::string_view type);
void AddRecordRow(const Json& record, Table* table);

// All of a record, what differs from the usual first.
// What has been used of its limits, of "use" beside a record; empty: nothing is counted.
std::string ViewUse(const Json& use);
std::string ViewRecord(const Json& record, const Terminal& terminal);

// An entry of the audit: a line, and one for each member that changed. `who`: the name of its uid.
std::string ViewAuditEntry(const Json& entry, std::string_view who, const Terminal& terminal);

}  // namespace ringpost::cli
