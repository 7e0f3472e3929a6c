// Builds messages of the DNS for tests: names written out, sections as they come.
#pragma once

#include <string>
#include <string_view>

#include "gateway/dns/message.h"
#include "gateway/dns/name.h"
#include "gateway/dns/record.h"

namespace ringpost::dns {

class WireBuilder {
 public:
  explicit WireBuilder(uint16_t flags = kFlagResponse) : flags_(flags) {}
  WireBuilder& Question(std::string_view name, RecordType type) {
    AppendNameOnWire(name, &questions_);
    AppendU16(static_cast<uint16_t>(type), &questions_);
    AppendU16(kClassIn, &questions_);
    ++counts_[0];
    return *this;
  }
  WireBuilder& Raw(std::string_view name, RecordType type, std::string_view data,
                   uint32_t ttl_seconds = 300) {
    AppendNameOnWire(name, &records_);
    AppendU16(static_cast<uint16_t>(type), &records_);
    AppendU16(kClassIn, &records_);
    AppendU32(ttl_seconds, &records_);
    AppendU16(static_cast<uint16_t>(data.size()), &records_);
    records_ += data;
    ++counts_[1];
    return *this;
  }
  WireBuilder& Answer(const Record& record) {
    std::string data;
    AppendRecordData(record, &data);
    return Raw(record.owner, record.type, data, record.ttl_seconds);
  }
  std::string Done() const {
    std::string out;
    AppendU16(0x1234, &out);
    AppendU16(flags_, &out);
    for (uint16_t count : {counts_[0], counts_[1], uint16_t{0}, uint16_t{0}})
      AppendU16(count, &out);
    return out + questions_ + records_;
  }

 private:
  uint16_t flags_;
  uint16_t counts_[2] = {0, 0};
  std::string questions_;
  std::string records_;
};

}  // namespace ringpost::dns
