#include "gateway/reactor/socket_records.h"

#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cstring>

#include "gateway/base/limits.h"

namespace ringpost::reactor {

int AttachRecordsToSocket(int fd) {
  return setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls") == 0 ? 0 : -errno;
}

int SetSocketRecordKeys(int fd, RecordSide side, std::span<const std::byte> keys) {
  int direction = side == RecordSide::kReceive ? TLS_RX : TLS_TX;
  int result = setsockopt(fd, SOL_TLS, direction, keys.data(), static_cast<socklen_t>(keys.size()));
  return result == 0 ? 0 : -errno;
}

// The type comes as control data, which must be whole and of the kind asked for: a record taken for
// another type would be obeyed, or passed on as mail.
ControlRecord TakeSocketControlRecord(int fd) {
  char bytes[limits::kTlsRecordBytesMax];
  RecordTypeRoom room{};
  iovec part{bytes, sizeof bytes};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT);
  if (got < 0) return {-errno, 0, {}};
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  bool typed = header != nullptr && header->cmsg_level == SOL_TLS &&
               header->cmsg_type == TLS_GET_RECORD_TYPE &&
               header->cmsg_len == CMSG_LEN(sizeof(uint8_t)) && !(message.msg_flags & MSG_CTRUNC);
  if (!typed) return {-EIO, 0, {}};
  ControlRecord record;
  std::memcpy(&record.type, CMSG_DATA(header), sizeof record.type);
  record.bytes.assign(bytes, static_cast<size_t>(got));
  return record;
}

void SetRecordType(msghdr* message, RecordTypeRoom* room, uint8_t type) {
  std::memset(room, 0, sizeof *room);
  message->msg_control = room;
  message->msg_controllen = sizeof *room;
  cmsghdr* header = CMSG_FIRSTHDR(message);
  header->cmsg_level = SOL_TLS;
  header->cmsg_type = TLS_SET_RECORD_TYPE;
  header->cmsg_len = CMSG_LEN(sizeof type);
  std::memcpy(CMSG_DATA(header), &type, sizeof type);
}

}  // namespace ringpost::reactor
