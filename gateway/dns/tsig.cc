#include "gateway/dns/tsig.h"

#include <algorithm>
#include <cstdlib>

#include "gateway/base/check.h"
#include "gateway/base/text.h"
#include "gateway/dns/dns_limits.h"
#include "gateway/dns/message.h"
#include "gateway/dns/name.h"

namespace ringpost::dns {
namespace {

constexpr std::string_view kAlgorithm = "hmac-sha256";
constexpr size_t kMacBytes = 32;
constexpr size_t kTimeBytes = 6;
constexpr size_t kAdditionalCountAt = 10;

// Of a TSIG record's RDATA (RFC 8945 section 4.2).
struct Tsig {
  std::string algorithm;
  uint64_t time_seconds = 0;
  uint16_t fudge_seconds = 0;
  std::string mac;
  uint16_t original_id = 0;
  uint16_t error = 0;
  std::string other;
};

Status Refused(StatusCode code, std::string_view words) { return MakeStatus(code, words); }

void AppendTime(uint64_t seconds, std::string* out) {
  AppendU16(static_cast<uint16_t>(seconds >> 32), out);
  AppendU32(static_cast<uint32_t>(seconds), out);
}

// What of the record the MAC covers (section 4.3.3).
std::string Variables(const TsigKey& key, const Tsig& tsig) {
  std::string out;
  AppendNameOnWire(key.name, &out);
  AppendU16(static_cast<uint16_t>(RecordType::kAny), &out);  // the class
  AppendU32(0, &out);                                        // the TTL
  AppendNameOnWire(kAlgorithm, &out);
  AppendTime(tsig.time_seconds, &out);
  AppendU16(tsig.fudge_seconds, &out);
  AppendU16(tsig.error, &out);
  AppendU16(static_cast<uint16_t>(tsig.other.size()), &out);
  return out + tsig.other;
}

std::string MacOf(HmacFunction hmac, const TsigKey& key, const std::string& covered) {
  std::array<uint8_t, kMacBytes> mac = hmac(key.secret, covered);
  return {mac.begin(), mac.end()};
}

// How long it takes tells nothing of where they differ.
bool SameMac(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  uint8_t difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<uint8_t>(a[i] ^ b[i]);
  return difference == 0;
}

// Reads what stands at `*at` of the RDATA, whose end is the string's.
bool TakeU16(std::string_view message, size_t* at, uint16_t* value) {
  if (message.size() - *at < 2) return false;
  *value = ReadU16(message, *at);
  *at += 2;
  return true;
}

bool TakeCounted(std::string_view message, size_t* at, std::string* bytes) {
  uint16_t size = 0;
  if (!TakeU16(message, at, &size) || message.size() - *at < size) return false;
  *bytes = message.substr(*at, size);
  *at += size;
  return true;
}

bool ReadTsig(std::string_view message, const MessageRecord& record, Tsig* tsig) {
  if (record.rr_class != static_cast<uint16_t>(RecordType::kAny) || record.ttl_seconds != 0) {
    return false;  // section 4.2
  }
  std::string_view until = message.substr(0, record.data_at + record.data_bytes);
  size_t at = record.data_at;
  uint16_t high = 0;
  if (!ReadName(until, &at, &tsig->algorithm) || until.size() - at < kTimeBytes) return false;
  if (!TakeU16(until, &at, &high)) return false;
  tsig->time_seconds = uint64_t{high} << 32 | ReadU32(until, at);
  at += 4;
  return TakeU16(until, &at, &tsig->fudge_seconds) && TakeCounted(until, &at, &tsig->mac) &&
         TakeU16(until, &at, &tsig->original_id) && TakeU16(until, &at, &tsig->error) &&
         TakeCounted(until, &at, &tsig->other) && at == until.size();
}

// The message as it was before its TSIG record came to it (section 5.3).
std::string Before(std::string_view message, const MessageRecord& record, const Tsig& tsig) {
  std::string before;
  AppendU16(tsig.original_id, &before);
  before += message.substr(2, kAdditionalCountAt - 2);
  AppendU16(static_cast<uint16_t>(ReadU16(message, kAdditionalCountAt) - 1), &before);
  before += message.substr(kHeaderBytes, record.at - kHeaderBytes);
  return before;
}

void AppendTsigRecord(const TsigKey& key, const Tsig& tsig, std::string* message) {
  std::string data;
  AppendNameOnWire(kAlgorithm, &data);
  AppendTime(tsig.time_seconds, &data);
  AppendU16(tsig.fudge_seconds, &data);
  AppendU16(static_cast<uint16_t>(tsig.mac.size()), &data);
  data += tsig.mac;
  AppendU16(tsig.original_id, &data);
  AppendU16(tsig.error, &data);
  AppendU16(0, &data);
  AppendNameOnWire(key.name, message);
  AppendU16(static_cast<uint16_t>(RecordType::kTsig), message);
  AppendU16(static_cast<uint16_t>(RecordType::kAny), message);
  AppendU32(0, message);
  AppendU16(static_cast<uint16_t>(data.size()), message);
  *message += data;
}

// The value of a base64 character (RFC 4648 section 4); -1: it is none.
int DigitOf(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (IsDigit(c)) return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool DecodeBase64(std::string_view text, std::string* out) {
  if (text.size() % 4 != 0) return false;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  uint32_t held = 0;
  int bits = 0;
  for (char c : text) {
    int digit = DigitOf(c);
    if (digit < 0) return false;
    held = held << 6 | static_cast<uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out->push_back(static_cast<char>(held >> bits));
    held &= (1U << bits) - 1;
  }
  return held == 0;
}

// The one TSIG record, which is the last (section 5.1). Null: there is none, or one elsewhere.
const MessageRecord* FindTsig(const Message& message) {
  auto is_tsig = [](const MessageRecord& record) { return record.type == RecordType::kTsig; };
  const std::vector<MessageRecord>& records = message.additionals;
  if (std::any_of(message.answers.begin(), message.answers.end(), is_tsig) ||
      std::any_of(message.authorities.begin(), message.authorities.end(), is_tsig) ||
      std::count_if(records.begin(), records.end(), is_tsig) != 1 || !is_tsig(records.back())) {
    return nullptr;
  }
  return &records.back();
}

// Section 5.3.2: errors that the server has with what we sent; it does not sign all of them.
Status CheckError(const Tsig& tsig) {
  if (tsig.error == 0) return OkStatus();
  return Refused(StatusCode::kPermissionDenied,
                 "the server refuses the key or the time of the request: " + RcodeName(tsig.error));
}

}  // namespace

StatusOr<TsigKey> TsigKey::Parse(std::string_view text) {
  constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;
  size_t last = text.rfind(':');
  if (last == std::string_view::npos) {
    return Refused(kInvalid, "a key for updates is written \"hmac-sha256:NAME:BASE64\"");
  }
  std::string_view name = text.substr(0, last);
  if (size_t colon = name.find(':'); colon != std::string_view::npos) {
    if (!EqualsIgnoreCase(name.substr(0, colon), kAlgorithm)) {
      return Refused(kInvalid, "a key for updates is one of hmac-sha256");
    }
    name.remove_prefix(colon + 1);
  }
  TsigKey key;
  key.name = CanonicalName(name);
  if (!IsName(key.name)) return Refused(kInvalid, "the name of the key for updates is none");
  if (!DecodeBase64(text.substr(last + 1), &key.secret) ||
      key.secret.size() < limits::kTsigKeyBytesMin ||
      key.secret.size() > limits::kTsigKeyBytesMax) {
    return Refused(kInvalid, "the secret of the key for updates is no base64 of " +
                                 std::to_string(limits::kTsigKeyBytesMin) + " to " +
                                 std::to_string(limits::kTsigKeyBytesMax) + " bytes");
  }
  return key;
}

std::string SignTsig(const TsigKey& key, WallTime now, HmacFunction hmac, std::string* message) {
  RP_CHECK(message->size() >= kHeaderBytes);
  Tsig tsig;
  tsig.time_seconds = static_cast<uint64_t>(ToMillis(now) / 1000);
  tsig.fudge_seconds = static_cast<uint16_t>(limits::kTsigFudgeSeconds);
  tsig.original_id = ReadU16(*message, 0);
  tsig.mac = MacOf(hmac, key, *message + Variables(key, tsig));
  AppendTsigRecord(key, tsig, message);
  uint16_t additional = static_cast<uint16_t>(ReadU16(*message, kAdditionalCountAt) + 1);
  (*message)[kAdditionalCountAt] = static_cast<char>(additional >> 8);
  (*message)[kAdditionalCountAt + 1] = static_cast<char>(additional);
  return tsig.mac;
}

Status VerifyTsig(const TsigKey& key, std::string_view request_mac, WallTime now, HmacFunction hmac,
                  std::string_view answer) {
  Message message;
  if (!ReadMessage(answer, &message)) {
    return Refused(StatusCode::kInvalidArgument, "the answer is malformed");
  }
  const MessageRecord* record = FindTsig(message);
  Tsig tsig;
  if (record == nullptr || !ReadTsig(answer, *record, &tsig)) {
    return Refused(StatusCode::kUnauthenticated, "the answer is not signed");
  }
  if (record->owner != key.name || tsig.algorithm != kAlgorithm) {
    return Refused(StatusCode::kUnauthenticated, "the answer is signed with another key");
  }
  auto error = static_cast<Rcode>(tsig.error);
  if (tsig.mac.empty() && (error == Rcode::kBadSig || error == Rcode::kBadKey)) {
    return CheckError(tsig);  // not signed
  }
  std::string covered;
  AppendU16(static_cast<uint16_t>(request_mac.size()), &covered);
  covered.append(request_mac).append(Before(answer, *record, tsig));
  if (!SameMac(MacOf(hmac, key, covered + Variables(key, tsig)), tsig.mac)) {
    return Refused(StatusCode::kUnauthenticated, "the signature of the answer is wrong");
  }
  if (Status status = CheckError(tsig); !status.ok()) return status;
  int64_t apart = ToMillis(now) / 1000 - static_cast<int64_t>(tsig.time_seconds);
  if (std::abs(apart) > int64_t{limits::kTsigFudgeSeconds}) {
    return Refused(StatusCode::kUnauthenticated, "the answer is signed at another time than now");
  }
  return OkStatus();
}

}  // namespace ringpost::dns
