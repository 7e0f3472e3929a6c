#include "gateway/dns/tlsa.h"

#include <algorithm>

#include "gateway/base/text.h"
#include "gateway/dns/dns_limits.h"

namespace ringpost::dns {
namespace {

constexpr size_t kFixedBytes = 3;
constexpr size_t kSha256Bytes = 32, kSha512Bytes = 64;
constexpr size_t kWordsDataBytes = 8;

// One DER SEQUENCE and nothing behind it, which both a certificate and a key are (X.690
// section 8.1, 10.1: the shortest length there is).
bool IsDerSequence(std::string_view data) {
  if (data.size() < 2 || data[0] != 0x30) return false;
  auto first = static_cast<uint8_t>(data[1]);
  if (first < 0x80) return data.size() == size_t{2} + first;
  size_t count = first & 0x7F;
  if (count == 0 || count > sizeof(uint32_t) || data.size() < 2 + count) return false;
  size_t length = 0;
  for (size_t i = 0; i < count; ++i) length = length << 8 | static_cast<uint8_t>(data[2 + i]);
  size_t least = count == 1 ? 0x80 : size_t{1} << (8 * (count - 1));
  return length >= least && data.size() == 2 + count + length;
}

// A stronger one of the same usage and selector is there (RFC 7671 section 9).
bool IsOutdone(const TlsaRecord& record, std::span<const TlsaRecord> all) {
  if (record.matching_type == TlsaRecord::kFull) return false;
  return std::any_of(all.begin(), all.end(), [&](const TlsaRecord& other) {
    return other.usage == record.usage && other.selector == record.selector &&
           other.matching_type > record.matching_type;
  });
}

}  // namespace

bool ReadTlsa(std::string_view rdata, TlsaRecord* record) {
  if (rdata.size() < kFixedBytes) return false;
  record->usage = static_cast<uint8_t>(rdata[0]);
  record->selector = static_cast<uint8_t>(rdata[1]);
  record->matching_type = static_cast<uint8_t>(rdata[2]);
  record->data = rdata.substr(kFixedBytes);
  return true;
}

std::string_view WhyTlsaUnusable(const TlsaRecord& record) {
  if (record.usage != TlsaRecord::kDaneTa && record.usage != TlsaRecord::kDaneEe) {
    return record.usage < TlsaRecord::kDaneTa ? "its usage is not for SMTP"
                                              : "its usage is unknown";
  }
  if (record.selector > TlsaRecord::kSpki) return "its selector is unknown";
  switch (record.matching_type) {
    case TlsaRecord::kFull:
      if (record.data.size() > limits::kTlsaDataBytesMax) return "its data are too long";
      return IsDerSequence(record.data) ? "" : "its data are no certificate or key";
    case TlsaRecord::kSha256:
      return record.data.size() == kSha256Bytes ? "" : "its digest is not 32 bytes long";
    case TlsaRecord::kSha512:
      return record.data.size() == kSha512Bytes ? "" : "its digest is not 64 bytes long";
    default:
      return "its matching type is unknown";
  }
}

UsableTlsa ReadUsableTlsa(std::span<const Record> records) {
  UsableTlsa found;
  std::vector<TlsaRecord> all;
  for (const Record& record : records) {
    TlsaRecord tlsa;
    bool whole = ReadTlsa(record.value, &tlsa);
    std::string_view why = whole ? WhyTlsaUnusable(tlsa) : "it is too short";
    if (why.empty()) {
      all.push_back(std::move(tlsa));
      continue;
    }
    if (found.unusable++ > 0) continue;
    if (whole) found.words = TlsaText(tlsa, kWordsDataBytes) + ": ";
    found.words += why;
  }
  for (const TlsaRecord& record : all) {
    if (found.records.size() == limits::kTlsaRecordsMax) break;
    bool known =
        std::find(found.records.begin(), found.records.end(), record) != found.records.end();
    if (!known && !IsOutdone(record, all)) found.records.push_back(record);
  }
  return found;
}

}  // namespace ringpost::dns
