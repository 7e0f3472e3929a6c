#include "gateway/dns/update_message.h"

#include <algorithm>
#include <map>
#include <set>

#include "gateway/dns/dns_limits.h"
#include "gateway/dns/message.h"
#include "gateway/dns/name.h"

namespace ringpost::dns {
namespace {

constexpr uint16_t kOpcodeUpdate = 5;
constexpr int kOpcodeShift = 11;
constexpr uint16_t kOpcodeMask = 0xF;
// "Delete an RRset" (RFC 2136 section 2.5.2) is a record of this class, with no TTL and no data.
constexpr uint16_t kClassAny = 255;
// Room for the TSIG record, of the longest names.
constexpr size_t kTsigRoomBytes = 700;

std::set<RecordSet> SetsOf(const Update& update) {
  std::set<RecordSet> sets(update.removed.begin(), update.removed.end());
  for (const Record& record : update.records) sets.insert({record.owner, record.type});
  return sets;
}

void AppendHead(std::string_view owner, RecordType type, uint16_t rr_class, uint32_t ttl_seconds,
                std::string* out) {
  AppendNameOnWire(owner, out);
  AppendU16(static_cast<uint16_t>(type), out);
  AppendU16(rr_class, out);
  AppendU32(ttl_seconds, out);
}

Status CheckUpdate(const Update& update, const std::set<RecordSet>& sets) {
  if (!IsName(update.zone)) {
    return MakeStatus(StatusCode::kInvalidArgument, "\"" + update.zone + "\" is no name of a zone");
  }
  for (const Record& record : update.records) {
    if (Status status = CheckRecord(record); !status.ok()) return status;
  }
  for (const RecordSet& set : sets) {
    if (!IsName(set.owner) || !IsAtOrBelow(set.owner, update.zone)) {
      return MakeStatus(StatusCode::kInvalidArgument,
                        "\"" + set.owner + "\" is not in the zone \"" + update.zone + "\"");
    }
  }
  if (update.records.size() + sets.size() > limits::kUpdateRecordsMax) {
    return MakeStatus(StatusCode::kResourceExhausted, "too many records for one update");
  }
  return OkStatus();
}

StatusCode CodeOf(Rcode rcode) {
  switch (rcode) {
    case Rcode::kRefused:
    case Rcode::kNotAuth:
      return StatusCode::kPermissionDenied;
    case Rcode::kNotZone:
      return StatusCode::kNotFound;
    case Rcode::kServFail:
      return StatusCode::kUnavailable;
    default:
      return StatusCode::kFailedPrecondition;
  }
}

}  // namespace

StatusOr<std::string> UpdateMessage(const Update& update, uint16_t id) {
  std::set<RecordSet> sets = SetsOf(update);
  if (Status status = CheckUpdate(update, sets); !status.ok()) return status;
  std::string out;
  AppendU16(id, &out);
  AppendU16(kOpcodeUpdate << kOpcodeShift, &out);
  AppendU16(1, &out);  // the zone
  AppendU16(0, &out);  // prerequisites
  AppendU16(static_cast<uint16_t>(sets.size() + update.records.size()), &out);
  AppendU16(0, &out);
  AppendNameOnWire(update.zone, &out);
  AppendU16(static_cast<uint16_t>(RecordType::kSoa), &out);
  AppendU16(kClassIn, &out);
  for (const RecordSet& set : sets) {
    AppendHead(set.owner, set.type, kClassAny, 0, &out);
    AppendU16(0, &out);
  }
  for (const Record& record : update.records) {
    std::string data;
    AppendRecordData(record, &data);
    AppendHead(record.owner, record.type, kClassIn, record.ttl_seconds, &out);
    AppendU16(static_cast<uint16_t>(data.size()), &out);
    out += data;
  }
  if (out.size() + kTsigRoomBytes > limits::kMessageBytesMax) {
    return MakeStatus(StatusCode::kResourceExhausted, "too many bytes for one update");
  }
  return out;
}

std::vector<Update> SplitUpdate(const Update& update) {
  std::map<RecordSet, std::vector<Record>> sets;
  for (const RecordSet& set : update.removed) sets[set];
  for (const Record& record : update.records) {
    sets[{record.owner, record.type}].push_back(record);
  }
  std::vector<Update> updates;
  size_t items = 0, bytes = limits::kMessageBytesMax;
  for (auto& [set, records] : sets) {
    size_t set_bytes = set.owner.size() + kHeaderBytes;
    for (const Record& record : records) {
      set_bytes += record.owner.size() + record.value.size() * 256 / 255 + 2 * kHeaderBytes;
    }
    if (items + records.size() + 1 > limits::kUpdateRecordsMax ||
        bytes + set_bytes + 2 * kTsigRoomBytes > limits::kMessageBytesMax) {
      updates.push_back({update.zone, {}, {}});
      items = bytes = 0;
    }
    items += records.size() + 1;
    bytes += set_bytes;
    if (records.empty()) updates.back().removed.push_back(set);
    std::vector<Record>& its = updates.back().records;
    std::move(records.begin(), records.end(), std::back_inserter(its));
  }
  return updates;
}

Status ReadUpdateAnswer(std::string_view answer, uint16_t id) {
  Message message;
  if (!ReadMessage(answer, &message)) {
    return MakeStatus(StatusCode::kInvalidArgument, "the answer is malformed");
  }
  if ((message.flags & kFlagResponse) == 0 || message.id != id ||
      (message.flags >> kOpcodeShift & kOpcodeMask) != kOpcodeUpdate) {
    return MakeStatus(StatusCode::kInvalidArgument, "the answer is to something else");
  }
  if (message.rcode() == 0) return OkStatus();
  return MakeStatus(CodeOf(static_cast<Rcode>(message.rcode())),
                    "the server refuses the update: " + RcodeName(message.rcode()));
}

}  // namespace ringpost::dns
