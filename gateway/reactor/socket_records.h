// The socket calls of kernel TLS. None of them blocks.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "gateway/reactor/records.h"

namespace ringpost::reactor {

// 0 or -errno: -ENOENT where the kernel has no kernel TLS (or its module is not loaded).
int AttachRecordsToSocket(int fd);
int SetSocketRecordKeys(int fd, RecordSide side, std::span<const std::byte> keys);
// What makes a plain receive fail with -EIO.
ControlRecord TakeSocketControlRecord(int fd);
// Lets `message`, whose control data is `room`, be sent as one record of that type.
using RecordTypeRoom = char[CMSG_SPACE(sizeof(uint8_t))];
void SetRecordType(msghdr* message, RecordTypeRoom* room, uint8_t type);

}  // namespace ringpost::reactor
