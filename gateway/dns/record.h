// Records of the DNS as values: what is published, and what an answer holds.
//
// Threads: values and functions; any.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/status.h"

namespace ringpost::dns {

enum class RecordType : uint16_t {
  kA = 1,
  kNs = 2,
  kCname = 5,
  kSoa = 6,
  kPtr = 12,
  kMx = 15,
  kTxt = 16,
  kAaaa = 28,
  kOpt = 41,
  kDs = 43,
  kRrsig = 46,
  kTlsa = 52,
  kTsig = 250,
  kAny = 255,
};
inline constexpr uint16_t kClassIn = 1;

// "CNAME"; "TYPE64" where it has no name here (RFC 3597 section 5).
std::string TypeName(RecordType type);

struct Record {
  std::string owner;  // canonical (name.h)
  RecordType type = RecordType::kTxt;
  uint32_t ttl_seconds = 0;
  uint16_t preference = 0;  // MX alone
  // A, AAAA: the address. CNAME, NS, PTR, MX: a canonical name, for MX "" too (RFC 7505). TXT: all
  // of the text, however it is cut. Any other: the bytes.
  std::string value;

  auto operator<=>(const Record&) const = default;
};

// Whether we may publish it. INVALID_ARGUMENT: a name, an address, a text or a lifetime is none,
// or it is of another type than A, AAAA, NS, CNAME, MX and TXT; in words that name it.
Status CheckRecord(const Record& record);
// RDATA, names not compressed, of one that passes CheckRecord.
void AppendRecordData(const Record& record, std::string* out);
// The value of one in a message: RDATA at [at, at + bytes) of it. Nothing: malformed.
std::optional<Record> ReadRecordData(std::string_view message, RecordType type, size_t at,
                                     size_t bytes);

}  // namespace ringpost::dns
