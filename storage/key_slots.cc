#include "storage/key_slots.h"

#include "gateway/base/limits.h"
#include "storage/byte_codec.h"
#include "storage/rocks_status.h"
#include "storage/rows.h"

namespace ringpost::storage {
namespace {

constexpr size_t kSlotBytes = 4096;  // a block of the file system: written whole or not at all
constexpr uint8_t kSlotFormat = 1;
constexpr size_t kSlotUsedBytes = 1 + 4 + 8 + tls::kWrappedKeyBytes;

std::string SlotContext(uint32_t slot, uint32_t epoch, uint64_t started) {
  std::string context(16, '\0');
  ByteWriter out(context.data());
  out.U32(slot);
  out.U32(epoch);
  out.U64(started);
  return context;
}

Status CreateFile(rocksdb::FileSystem* file_system, const std::string& path) {
  std::unique_ptr<rocksdb::FSWritableFile> file;
  rocksdb::IOStatus status = file_system->NewWritableFile(path, {}, &file, nullptr);
  std::string empty(kSlotBytes * limits::kKeySlots, '\0');
  if (status.ok()) status = file->Append(empty, {}, nullptr);
  if (status.ok()) status = file->Fsync({}, nullptr);
  if (status.ok()) status = file->Close({}, nullptr);
  std::unique_ptr<rocksdb::FSDirectory> directory;
  std::string parent = path.substr(0, path.rfind('/'));
  if (status.ok()) status = file_system->NewDirectory(parent, {}, &directory, nullptr);
  if (status.ok()) status = directory->Fsync({}, nullptr);
  return FromRocks(status, "making the key slots " + path);
}

}  // namespace

KeySlots::KeySlots(std::unique_ptr<rocksdb::FSRandomRWFile> file, const tls::Key& store_key)
    : file_(std::move(file)), store_key_(store_key) {}

StatusOr<std::unique_ptr<KeySlots>> KeySlots::Open(rocksdb::FileSystem* file_system,
                                                   const std::string& path,
                                                   const tls::Key& store_key, bool serve) {
  if (serve && file_system->FileExists(path, {}, nullptr).IsNotFound()) {
    Status made = CreateFile(file_system, path);
    if (!made.ok()) return made;
  }
  std::unique_ptr<rocksdb::FSRandomRWFile> file;
  rocksdb::IOStatus status = file_system->NewRandomRWFile(path, {}, &file, nullptr);
  if (!status.ok()) return FromRocks(status, "opening the key slots " + path);
  std::unique_ptr<KeySlots> slots(new KeySlots(std::move(file), store_key));
  Status read = slots->ReadAll(serve);
  if (!read.ok()) return read;
  return slots;
}

// With `again`: a program that died before its sync, or after one that failed, left what reads like
// a slot and goes with the power; and the kernel does not write again what a failed sync could not,
// unless it is told to.
Status KeySlots::ReadAll(bool again) {
  std::string block(kSlotBytes, '\0');
  for (uint32_t slot = 0; slot < limits::kKeySlots; ++slot) {
    rocksdb::Slice read;
    rocksdb::IOStatus status =
        file_->Read(slot * kSlotBytes, kSlotBytes, {}, &read, block.data(), nullptr);
    if (status.ok() && again) status = file_->Write(slot * kSlotBytes, read, {}, nullptr);
    if (!status.ok()) return FromRocks(status, "reading the key slots");
    ByteReader in(FromRocks(read).substr(0, kSlotUsedBytes));
    uint8_t format = in.U8();
    if (format == 0) continue;  // free, or the file is shorter: a slot never written
    Entry entry;
    entry.slot = slot;
    entry.epoch = in.U32();
    uint64_t started = in.U64();
    entry.started = WallFromMillis(static_cast<int64_t>(started));
    std::string_view wrapped = in.Raw(tls::kWrappedKeyBytes);
    if (format == kSlotFormat && in.AtEnd() &&
        tls::UnwrapKey(store_key_, wrapped, SlotContext(slot, entry.epoch, started), &entry.key)) {
      entries_.push_back(std::move(entry));
    } else {
      damaged_.push_back({slot, entry.epoch});
    }
  }
  return again ? FromRocks(file_->Fsync({}, nullptr), "syncing the key slots") : OkStatus();
}

Status KeySlots::Write(uint32_t slot, uint32_t epoch, WallTime started, const tls::Key& key) {
  std::string block(kSlotBytes, '\0');
  ByteWriter out(block.data());
  auto started_ms = static_cast<uint64_t>(ToMillis(started));
  out.U8(kSlotFormat);
  out.U32(epoch);
  out.U64(started_ms);
  out.Raw(View(tls::WrapKey(store_key_, key, SlotContext(slot, epoch, started_ms))));
  return WriteBlock(slot, block, "writing an epoch key");
}

Status KeySlots::Erase(uint32_t slot) {
  return WriteBlock(slot, std::string(kSlotBytes, '\0'), "overwriting an epoch key");
}

Status KeySlots::WriteBlock(uint32_t slot, const std::string& block, std::string_view doing) {
  rocksdb::IOStatus status = file_->Write(slot * kSlotBytes, block, {}, nullptr);
  if (status.ok()) status = file_->Fsync({}, nullptr);
  return FromRocks(status, doing);
}

}  // namespace ringpost::storage
