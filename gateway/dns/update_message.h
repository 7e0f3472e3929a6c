// Dynamic updates (RFC 2136): the message that brings records of a zone up to date, signed
// (tsig.h), and what the server's answer to it means.
//
// An update replaces whole sets: of each name and type that is named, what the zone had goes, and
// what is given comes. It is all done or none of it (section 3.7). No prerequisites: the gateway is
// the only one that writes these names, so the same update twice does no harm.
//
// Threads: functions; any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/status.h"
#include "gateway/base/time.h"
#include "gateway/dns/record.h"
#include "gateway/dns/tsig.h"

namespace ringpost::dns {

// A name and a type whose records go.
struct RecordSet {
  std::string owner;
  RecordType type = RecordType::kTxt;

  auto operator<=>(const RecordSet&) const = default;
};

struct Update {
  std::string zone;                // canonical
  std::vector<RecordSet> removed;  // without anything in their place
  std::vector<Record> records;     // in place of what their names and types had
};

// One message at most of limits::kMessageBytesMax. INVALID_ARGUMENT: CheckRecord refuses a record,
// or a name is not in the zone. RESOURCE_EXHAUSTED: too much for one message; SplitUpdate helps.
StatusOr<std::string> UpdateMessage(const Update& update, uint16_t id);
// The same in updates that each fit into a message; no set is cut.
std::vector<Update> SplitUpdate(const Update& update);

// What the answer says; the signature is VerifyTsig's, which comes first. OK: it was done.
// INVALID_ARGUMENT: malformed, or the answer to something else. Otherwise the server's refusal in
// words: PERMISSION_DENIED (REFUSED, NOTAUTH), NOT_FOUND (NOTZONE), UNAVAILABLE (SERVFAIL) and
// FAILED_PRECONDITION for the others.
Status ReadUpdateAnswer(std::string_view answer, uint16_t id);

}  // namespace ringpost::dns
