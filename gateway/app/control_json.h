// The control socket's answers as JSON lines. Member names and their meaning are stable: programs
// read them. Times are RFC 3339 in UTC, sizes bytes, durations carry their unit in the name.
// Sans-IO.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "gateway/app/control_request.h"
#include "gateway/app/control_target.h"
#include "gateway/base/time.h"
#include "gateway/session/queue_control.h"

namespace ringpost::app {

using Json = nlohmann::ordered_json;

// One line, its line feed included. Text that is not UTF-8 comes out with U+FFFD in its place.
std::string JsonLine(const Json& object);

Json OkAnswer();                              // {"ok":true}
Json ErrorAnswer(const ControlError& error);  // {"ok":false,"error":{...}}

Json StatusJson(const GatewayStatus& status, WallTime now);
Json SummaryRowJson(std::string_view region, const session::QueueSummaryRow& row);
Json EntryJson(std::string_view region, const session::QueueEntryView& entry);
Json SuspensionJson(std::string_view region, const session::Suspension& suspension);
Json ReloadJson(const ReloadOutcome& outcome);
Json ConfigJson(const ConfigCheck& check);

}  // namespace ringpost::app
