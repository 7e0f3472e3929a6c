// Kernel TLS as a simulated socket has it.
#include <errno.h>

#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/reactor/sim_io.h"

namespace ringpost::reactor {
namespace {

constexpr size_t kHeaderBytes = 5;
constexpr uint8_t kHandshake = 22, kData = 23;
constexpr char kKeyUpdate = 24;

size_t RecordSize(std::string_view bytes) {
  return kHeaderBytes + (size_t{static_cast<uint8_t>(bytes[3])} << 8) +
         static_cast<uint8_t>(bytes[4]);
}

}  // namespace

int SimIo::AttachRecords(int fd) {
  SimSocket* socket = world_->Find(fd);
  RP_CHECK(socket != nullptr && !socket->records.attached);
  if (!world_->kernel_tls_.make) return -ENOENT;
  if (world_->kernel_tls_.attach_error < 0) return world_->kernel_tls_.attach_error;
  if (!socket->connected || socket->shut || socket->reset || socket->ended) return -ENOTCONN;
  socket->records.attached = true;
  return 0;
}

int SimIo::SetRecordKeys(int fd, RecordSide side, std::span<const std::byte> keys) {
  SimSocketRecords& records = world_->Find(fd)->records;
  RP_CHECK(records.attached);
  auto& layer = side == RecordSide::kReceive ? records.receives : records.sends;
  const SimKernelTls& kernel = world_->kernel_tls_;
  int error = side == RecordSide::kReceive ? kernel.receive_error : kernel.send_error;
  if (error < 0) return error;
  if (layer) return -EBUSY;
  layer = kernel.make(keys);
  return layer ? 0 : -EINVAL;
}

void SimIo::OpenRecords(SimSocket* socket) {
  SimSocketRecords& records = socket->records;
  records.sealed.append(socket->Take(SIZE_MAX, world_->now_));
  while (!records.bad && records.sealed.size() >= kHeaderBytes) {
    size_t size = RecordSize(records.sealed);
    bool too_long = size > kHeaderBytes + limits::kTlsRecordBytesMax + 256;
    if (!too_long && records.sealed.size() < size) return;
    std::optional<SimRecordLayer::Record> opened;
    if (!too_long)
      opened = records.receives->Open(std::string_view(records.sealed).substr(0, size));
    if (!opened) {
      records.bad = true;
      return;
    }
    records.sealed.erase(0, size);
    // As in the kernel, an empty record of data is nothing at all.
    if (opened->type != kData || !opened->bytes.empty()) records.opened.push_back(*opened);
  }
}

// True: the receive is over, or has to wait on.
bool SimIo::EndsAtRecord(Op* op, SimSocket* socket) {
  SimSocketRecords& records = socket->records;
  if (!records.opened.empty() && records.opened.front().type == kData) return false;
  if (!records.opened.empty()) {
    Produce(op, -EIO, /*more=*/false);
    return true;
  }
  if (records.bad || records.expired) {
    Produce(op, records.expired ? -EKEYEXPIRED : -EBADMSG, /*more=*/false);
    return true;
  }
  bool over = socket->AtEnd(world_->now_) || socket->shut || socket->reset;
  return !over;
}

std::string SimIo::TakeOpened(SimSocket* socket, size_t most) {
  SimRecordLayer::Record& first = socket->records.opened.front();
  std::string bytes = first.bytes.substr(0, most);
  first.bytes.erase(0, bytes.size());
  if (first.bytes.empty()) socket->records.opened.pop_front();
  return bytes;
}

ControlRecord SimIo::TakeControlRecord(int fd) {
  SimSocketRecords& records = world_->Find(fd)->records;
  auto& opened = records.opened;
  if (opened.empty() || opened.front().type == kData) return {-EAGAIN, 0, {}};
  ControlRecord record{0, opened.front().type, std::move(opened.front().bytes)};
  opened.pop_front();
  bool key_update = record.type == kHandshake && record.bytes.starts_with(kKeyUpdate);
  if (key_update && world_->kernel_tls_.expires_keys) records.expired = true;
  return record;
}

void SimIo::SendControlRecord(int fd, uint8_t type, const iovec& bytes, Completion* completion) {
  RP_CHECK(world_->Find(fd)->records.sends);
  Send(fd, {&bytes, 1}, completion);
  ops_.at(slots_.KeyOf(*completion))->record_type = type;
}

std::string SimIo::SealRecords(SimSocket* socket, uint8_t type, std::string bytes) {
  std::string sealed;
  for (size_t at = 0; at < bytes.size();) {
    size_t count = std::min(bytes.size() - at, limits::kTlsRecordBytesMax);
    sealed += socket->records.sends->Seal(type == 0 ? kData : type,
                                          std::string_view(bytes).substr(at, count));
    at += count;
  }
  return sealed;
}

}  // namespace ringpost::reactor
