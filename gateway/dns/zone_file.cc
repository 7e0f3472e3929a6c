#include "gateway/dns/zone_file.h"

#include <algorithm>
#include <tuple>

#include "gateway/dns/dns_limits.h"
#include "gateway/dns/name.h"

namespace ringpost::dns {
namespace {

Status Invalid(const std::string& words) { return MakeStatus(StatusCode::kInvalidArgument, words); }

// A character-string in quotes (RFC 1035 section 5.1).
void AppendQuoted(std::string_view text, std::string* out) {
  out->push_back('"');
  for (char c : text) {
    auto byte = static_cast<uint8_t>(c);
    if (c == '"' || c == '\\') {
      *out += {'\\', c};
    } else if (byte >= 0x20 && byte < 0x7F) {
      out->push_back(c);
    } else {
      *out += {'\\', static_cast<char>('0' + byte / 100), static_cast<char>('0' + byte / 10 % 10),
               static_cast<char>('0' + byte % 10)};
    }
  }
  out->push_back('"');
}

std::string ValueText(const Record& record) {
  switch (record.type) {
    case RecordType::kMx:
      return std::to_string(record.preference) + " " + record.value + ".";
    case RecordType::kNs:
    case RecordType::kCname:
      return record.value + ".";
    case RecordType::kTxt: {
      std::string out;
      for (std::string_view rest = record.value; !rest.empty();) {
        std::string_view piece = rest.substr(0, limits::kCharacterStringBytesMax);
        if (!out.empty()) out.push_back(' ');
        AppendQuoted(piece, &out);
        rest.remove_prefix(piece.size());
      }
      return out;
    }
    default:
      return record.value;
  }
}

Status CheckHead(const ZoneHead& head) {
  if (!IsName(head.zone)) return Invalid("\"" + head.zone + "\" is no name of a zone");
  if (!IsHostName(head.primary)) return Invalid("\"" + head.primary + "\" is no name of a server");
  if (!IsHostName(head.mailbox)) return Invalid("\"" + head.mailbox + "\" is no mailbox as a name");
  if (head.name_servers.empty()) return Invalid("a zone has at least one name server");
  return OkStatus();
}

// Neighbours in order: the same name.
Status CheckTogether(const Record& a, const Record& b) {
  if (a.owner != b.owner) return OkStatus();
  if (a.type == RecordType::kCname || b.type == RecordType::kCname) {
    return Invalid("\"" + a.owner + "\" is an alias and has another record");
  }
  if (a.type == b.type && a.ttl_seconds != b.ttl_seconds) {
    return Invalid("the " + TypeName(a.type) + " records of \"" + a.owner +
                   "\" differ in their lifetime");
  }
  return OkStatus();
}

Status CheckRecords(const std::string& zone, const std::vector<Record>& records) {
  for (const Record& record : records) {
    if (Status status = CheckRecord(record); !status.ok()) return status;
    if (!IsAtOrBelow(record.owner, zone)) {
      return Invalid("\"" + record.owner + "\" is not in the zone \"" + zone + "\"");
    }
    if (record.owner == zone && record.type == RecordType::kCname) {
      return Invalid("\"" + zone + "\" is a zone, and so no alias");
    }
  }
  for (size_t i = 1; i < records.size(); ++i) {
    if (Status status = CheckTogether(records[i - 1], records[i]); !status.ok()) return status;
  }
  return OkStatus();
}

std::string HeadText(const ZoneHead& head) {
  std::string text = "; Written by a program: changes made here are lost.\n$ORIGIN " + head.zone +
                     ".\n" + head.zone + ". " + std::to_string(head.ttl_seconds) + " IN SOA " +
                     head.primary + ". " + head.mailbox + ".";
  for (uint32_t number : {head.serial, head.refresh_seconds, head.retry_seconds,
                          head.expire_seconds, head.negative_seconds}) {
    text += " " + std::to_string(number);
  }
  return text + "\n";
}

}  // namespace

std::string RecordLine(const Record& record) {
  return record.owner + ". " + std::to_string(record.ttl_seconds) + " IN " + TypeName(record.type) +
         " " + ValueText(record) + "\n";
}

StatusOr<std::string> WriteZoneFile(const ZoneHead& head, std::vector<Record> records) {
  if (Status status = CheckHead(head); !status.ok()) return status;
  if (records.size() > limits::kZoneRecordsMax) {
    return MakeStatus(StatusCode::kResourceExhausted, "too many records for one zone");
  }
  for (const std::string& server : head.name_servers) {
    if (!IsHostName(server)) return Invalid("\"" + server + "\" is no name of a server");
    records.push_back({head.zone, RecordType::kNs, head.ttl_seconds, 0, CanonicalName(server)});
  }
  std::sort(records.begin(), records.end(), [](const Record& a, const Record& b) {
    return std::tie(a.owner, a.type, a.preference, a.value, a.ttl_seconds) <
           std::tie(b.owner, b.type, b.preference, b.value, b.ttl_seconds);
  });
  records.erase(std::unique(records.begin(), records.end()), records.end());
  if (Status status = CheckRecords(head.zone, records); !status.ok()) return status;
  std::string text = HeadText(head);
  for (const Record& record : records) text += RecordLine(record);
  return text;
}

}  // namespace ringpost::dns
