// A message of the DNS taken apart (RFC 1035 section 4), with all that a server may send.
//
// Hostile: names are followed backwards only, sections are bounded (dns_limits.h), nothing is read
// outside of the message, and what is left behind the last record makes it malformed.
//
// Threads: functions; any. What it gives keeps no view into the message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/dns/record.h"

namespace ringpost::dns {

// RFC 1035 section 4.1.1, RFC 2136 section 2.2, RFC 8945 section 3.
enum class Rcode : uint16_t {
  kNoError = 0,
  kFormErr = 1,
  kServFail = 2,
  kNxDomain = 3,
  kNotImp = 4,
  kRefused = 5,
  kYxDomain = 6,
  kYxRrset = 7,
  kNxRrset = 8,
  kNotAuth = 9,
  kNotZone = 10,
  kBadSig = 16,
  kBadKey = 17,
  kBadTime = 18,
  kBadTrunc = 22,
};
// "SERVFAIL"; "RCODE42" where it has no name here.
std::string RcodeName(uint16_t rcode);

inline constexpr size_t kHeaderBytes = 12;
inline constexpr uint16_t kFlagResponse = 0x8000;
inline constexpr uint16_t kFlagTruncated = 0x0200;

struct MessageRecord {
  std::string owner;
  RecordType type = RecordType::kA;
  uint16_t rr_class = kClassIn;
  uint32_t ttl_seconds = 0;
  size_t at = 0;       // where its owner begins
  size_t data_at = 0;  // where its RDATA is, in the message
  size_t data_bytes = 0;
};

struct MessageQuestion {
  std::string name;
  RecordType type = RecordType::kA;
  uint16_t rr_class = kClassIn;
};

struct Message {
  uint16_t id = 0;
  uint16_t flags = 0;
  std::vector<MessageQuestion> questions;
  std::vector<MessageRecord> answers, authorities, additionals;

  uint16_t rcode() const { return flags & 0xF; }
};

// False: malformed, or more than we take.
[[nodiscard]] bool ReadMessage(std::string_view bytes, Message* message);

uint16_t ReadU16(std::string_view bytes, size_t at);
uint32_t ReadU32(std::string_view bytes, size_t at);
inline void AppendU16(uint16_t value, std::string* out) {
  out->push_back(static_cast<char>(value >> 8));
  out->push_back(static_cast<char>(value));
}
inline void AppendU32(uint32_t value, std::string* out) {
  AppendU16(static_cast<uint16_t>(value >> 16), out);
  AppendU16(static_cast<uint16_t>(value), out);
}

}  // namespace ringpost::dns
