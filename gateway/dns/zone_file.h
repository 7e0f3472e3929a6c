// Writes a zone as a master file (RFC 1035 section 5), which every server reads.
//
// Deterministic: the same records give the same bytes, in whatever order they come; what is there
// twice is written once. All names are absolute. Texts are cut into strings of 255 bytes, and all
// bytes that a reader could take for something else are escaped: no value can begin a new record.
//
// Threads: a function; any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/base/status.h"
#include "gateway/dns/record.h"

namespace ringpost::dns {

// How the zone begins. Serials only grow (RFC 1982): the caller counts.
struct ZoneHead {
  std::string zone;                       // canonical
  std::string primary;                    // the name of a server of it
  std::string mailbox;                    // "hostmaster.gw.example": RFC 1035 section 3.3.13
  std::vector<std::string> name_servers;  // at least one
  uint32_t serial = 0;
  uint32_t ttl_seconds = 300;  // of SOA and NS
  uint32_t refresh_seconds = 3600;
  uint32_t retry_seconds = 600;
  uint32_t expire_seconds = 14 * 86'400;
  uint32_t negative_seconds = 60;  // how long "there is none" may be kept (RFC 2308 section 4)
};

// INVALID_ARGUMENT: a name is none, or not in the zone; CheckRecord refuses a record; a CNAME has
// others beside it; records of one name and type differ in their lifetime (RFC 2181 section 5.2).
// RESOURCE_EXHAUSTED: more than limits::kZoneRecordsMax.
StatusOr<std::string> WriteZoneFile(const ZoneHead& head, std::vector<Record> records);

// One record as a line of such a file, for people to copy. It passes CheckRecord.
std::string RecordLine(const Record& record);

}  // namespace ringpost::dns
