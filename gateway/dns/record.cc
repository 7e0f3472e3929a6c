#include "gateway/dns/record.h"

#include <algorithm>
#include <cstring>

#include "gateway/base/ip_address.h"
#include "gateway/base/text.h"
#include "gateway/dns/dns_limits.h"
#include "gateway/dns/name.h"

namespace ringpost::dns {
namespace {

constexpr size_t kV4Bytes = 4;
constexpr size_t kV4At = 12;  // in an IPv4-mapped address

Status Wrong(const Record& record, std::string_view what) {
  return MakeStatus(StatusCode::kInvalidArgument,
                    "the " + TypeName(record.type) + " record of \"" +
                        Printable(record.owner, limits::kNameBytesMax) +
                        "\": " + std::string(what));
}

bool IsCanonical(std::string_view name) { return IsName(name) && CanonicalName(name) == name; }

bool IsAddress(const Record& record) {
  std::optional<IpAddress> address = IpAddress::Parse(record.value);
  return address && address->is_v4() == (record.type == RecordType::kA);
}

// The character-strings of TXT, joined (RFC 7208 section 3.3, RFC 6376 section 3.6.2.2).
std::optional<std::string> ReadText(std::string_view data) {
  std::string text;
  while (!data.empty()) {
    auto length = static_cast<uint8_t>(data[0]);
    if (data.size() < size_t{1} + length) return std::nullopt;
    text.append(data.substr(1, length));
    data.remove_prefix(size_t{1} + length);
  }
  return text;
}

std::optional<std::string> ReadAddress(std::string_view data, RecordType type) {
  IpAddress address;
  if (type == RecordType::kA) {
    if (data.size() != kV4Bytes) return std::nullopt;
    address = IpAddress::V4(0);
    std::memcpy(&address.bytes[kV4At], data.data(), kV4Bytes);
  } else {
    if (data.size() != address.bytes.size()) return std::nullopt;
    std::memcpy(address.bytes.data(), data.data(), data.size());
  }
  return address.ToString();
}

}  // namespace

std::string TypeName(RecordType type) {
  switch (type) {
    case RecordType::kA:
      return "A";
    case RecordType::kNs:
      return "NS";
    case RecordType::kCname:
      return "CNAME";
    case RecordType::kSoa:
      return "SOA";
    case RecordType::kPtr:
      return "PTR";
    case RecordType::kMx:
      return "MX";
    case RecordType::kTxt:
      return "TXT";
    case RecordType::kAaaa:
      return "AAAA";
    case RecordType::kTlsa:
      return "TLSA";
    default:
      return "TYPE" + std::to_string(static_cast<unsigned>(type));
  }
}

Status CheckRecord(const Record& record) {
  if (!IsCanonical(record.owner)) return Wrong(record, "it has no name of a record");
  if (record.ttl_seconds > limits::kTtlSecondsMax) return Wrong(record, "it lives too long");
  switch (record.type) {
    case RecordType::kA:
    case RecordType::kAaaa:
      return IsAddress(record) ? OkStatus() : Wrong(record, "its value is no such address");
    case RecordType::kMx:
      if (record.value.empty()) return OkStatus();
      [[fallthrough]];
    case RecordType::kNs:
    case RecordType::kCname:
      return IsCanonical(record.value) ? OkStatus() : Wrong(record, "its value is no name");
    case RecordType::kTxt:
      return !record.value.empty() && record.value.size() <= limits::kTextBytesMax
                 ? OkStatus()
                 : Wrong(record, "its text is empty or too long");
    default:
      return Wrong(record, "records of this type are not published");
  }
}

void AppendRecordData(const Record& record, std::string* out) {
  switch (record.type) {
    case RecordType::kA:
    case RecordType::kAaaa: {
      IpAddress address = *IpAddress::Parse(record.value);
      auto bytes = reinterpret_cast<const char*>(address.bytes.data());
      size_t skipped = record.type == RecordType::kA ? kV4At : 0;
      out->append(bytes + skipped, address.bytes.size() - skipped);
      return;
    }
    case RecordType::kMx:
      out->push_back(static_cast<char>(record.preference >> 8));
      out->push_back(static_cast<char>(record.preference));
      [[fallthrough]];
    case RecordType::kNs:
    case RecordType::kCname:
      AppendNameOnWire(record.value, out);
      return;
    default:
      for (std::string_view rest = record.value; !rest.empty();) {
        std::string_view piece = rest.substr(0, limits::kCharacterStringBytesMax);
        out->push_back(static_cast<char>(piece.size()));
        out->append(piece);
        rest.remove_prefix(piece.size());
      }
  }
}

std::optional<Record> ReadRecordData(std::string_view message, RecordType type, size_t at,
                                     size_t bytes) {
  if (at > message.size() || bytes > message.size() - at) return std::nullopt;
  std::string_view data = message.substr(at, bytes);
  Record record;
  record.type = type;
  std::optional<std::string> value;
  switch (type) {
    case RecordType::kA:
    case RecordType::kAaaa:
      value = ReadAddress(data, type);
      break;
    case RecordType::kTxt:
      value = ReadText(data);
      break;
    case RecordType::kMx:
      if (bytes < 2) return std::nullopt;
      record.preference =
          static_cast<uint16_t>(static_cast<uint8_t>(data[0]) << 8 | static_cast<uint8_t>(data[1]));
      [[fallthrough]];
    case RecordType::kNs:
    case RecordType::kPtr:
    case RecordType::kCname: {
      size_t name_at = at + (type == RecordType::kMx ? 2 : 0);
      value.emplace();
      // It ends where the data end, or its bytes are another's.
      if (!ReadName(message.substr(0, at + bytes), &name_at, &*value) || name_at != at + bytes) {
        return std::nullopt;
      }
      break;
    }
    default:
      value = data;
  }
  if (!value) return std::nullopt;
  record.value = std::move(*value);
  return record;
}

}  // namespace ringpost::dns
