// OpRecordPool: memory that one operation needs while it is in flight: the parts of a gathered
// send, or the address of a connect.
//
// A pool per shard, and not room in every connection: an idle connection then costs nothing, and
// the pool is as big as the most operations ever in flight at once. Records never move.
//
// Threads: the shard's own.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/reactor/socket_records.h"

namespace ringpost::reactor {

struct OpRecord {
  union {
    struct {
      msghdr header;
      std::array<iovec, limits::kSendPartsMax> parts;
      alignas(cmsghdr) RecordTypeRoom record_type;
    } send;
    sockaddr_storage address;
  };
  uint32_t next_free;
};

class OpRecordPool {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  uint32_t Take() {
    if (free_ == kNone) {
      records_.push_back(std::make_unique<OpRecord>());
      return static_cast<uint32_t>(records_.size() - 1);
    }
    uint32_t index = free_;
    free_ = records_[index]->next_free;
    return index;
  }
  void Give(uint32_t index) {
    records_[index]->next_free = free_;
    free_ = index;
  }
  OpRecord& at(uint32_t index) { return *records_[index]; }

 private:
  std::vector<std::unique_ptr<OpRecord>> records_;
  uint32_t free_ = kNone;
};

}  // namespace ringpost::reactor
