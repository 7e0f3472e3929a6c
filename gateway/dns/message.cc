#include "gateway/dns/message.h"

#include <utility>

#include "gateway/dns/dns_limits.h"
#include "gateway/dns/name.h"

namespace ringpost::dns {
namespace {

constexpr size_t kQuestionTailBytes = 4;  // type, class
constexpr size_t kRecordTailBytes = 10;   // type, class, TTL, length
constexpr size_t kCountsAt = 4;

constexpr std::pair<Rcode, std::string_view> kRcodeNames[] = {
    {Rcode::kNoError, "NOERROR"},   {Rcode::kFormErr, "FORMERR"}, {Rcode::kServFail, "SERVFAIL"},
    {Rcode::kNxDomain, "NXDOMAIN"}, {Rcode::kNotImp, "NOTIMP"},   {Rcode::kRefused, "REFUSED"},
    {Rcode::kYxDomain, "YXDOMAIN"}, {Rcode::kYxRrset, "YXRRSET"}, {Rcode::kNxRrset, "NXRRSET"},
    {Rcode::kNotAuth, "NOTAUTH"},   {Rcode::kNotZone, "NOTZONE"}, {Rcode::kBadSig, "BADSIG"},
    {Rcode::kBadKey, "BADKEY"},     {Rcode::kBadTime, "BADTIME"}, {Rcode::kBadTrunc, "BADTRUNC"}};

bool ReadQuestion(std::string_view bytes, size_t* at, MessageQuestion* question) {
  if (!ReadName(bytes, at, &question->name)) return false;
  if (bytes.size() - *at < kQuestionTailBytes) return false;
  question->type = static_cast<RecordType>(ReadU16(bytes, *at));
  question->rr_class = ReadU16(bytes, *at + 2);
  *at += kQuestionTailBytes;
  return true;
}

bool ReadRecord(std::string_view bytes, size_t* at, MessageRecord* record) {
  record->at = *at;
  if (!ReadName(bytes, at, &record->owner)) return false;
  if (bytes.size() - *at < kRecordTailBytes) return false;
  record->type = static_cast<RecordType>(ReadU16(bytes, *at));
  record->rr_class = ReadU16(bytes, *at + 2);
  record->ttl_seconds = ReadU32(bytes, *at + 4);
  record->data_bytes = ReadU16(bytes, *at + 8);
  record->data_at = *at + kRecordTailBytes;
  if (bytes.size() - record->data_at < record->data_bytes) return false;
  *at = record->data_at + record->data_bytes;
  return true;
}

// One section; `count` is what the header says of it.
template <typename Item, typename Read>
bool ReadSection(std::string_view bytes, size_t* at, uint16_t count, Read read,
                 std::vector<Item>* items) {
  if (count > limits::kSectionRecordsMax) return false;
  for (uint16_t i = 0; i < count; ++i) {
    Item item;
    if (!read(bytes, at, &item)) return false;
    items->push_back(std::move(item));
  }
  return true;
}

}  // namespace

std::string RcodeName(uint16_t rcode) {
  for (const auto& [its, name] : kRcodeNames) {
    if (static_cast<uint16_t>(its) == rcode) return std::string(name);
  }
  return "RCODE" + std::to_string(rcode);
}

bool ReadMessage(std::string_view bytes, Message* message) {
  if (bytes.size() < kHeaderBytes || bytes.size() > limits::kMessageBytesMax) return false;
  message->id = ReadU16(bytes, 0);
  message->flags = ReadU16(bytes, 2);
  size_t at = kHeaderBytes;
  return ReadSection(bytes, &at, ReadU16(bytes, kCountsAt), ReadQuestion, &message->questions) &&
         ReadSection(bytes, &at, ReadU16(bytes, kCountsAt + 2), ReadRecord, &message->answers) &&
         ReadSection(bytes, &at, ReadU16(bytes, kCountsAt + 4), ReadRecord,
                     &message->authorities) &&
         ReadSection(bytes, &at, ReadU16(bytes, kCountsAt + 6), ReadRecord,
                     &message->additionals) &&
         at == bytes.size();
}

uint16_t ReadU16(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) << 8 |
                               static_cast<uint8_t>(bytes[at + 1]));
}

uint32_t ReadU32(std::string_view bytes, size_t at) {
  return static_cast<uint32_t>(ReadU16(bytes, at)) << 16 | ReadU16(bytes, at + 2);
}

}  // namespace ringpost::dns
