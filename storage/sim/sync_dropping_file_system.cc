#include "storage/sim/sync_dropping_file_system.h"

namespace ringpost::storage {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

// "000012.log" is a log, "MANIFEST-000004" a MANIFEST.
std::string SyncDroppingFileSystem::KindOf(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  if (size_t dot = name.rfind('.'); dot != std::string::npos) return name.substr(dot + 1);
  return name.substr(0, name.find('-'));
}

template <typename TakeEffect, typename Fail>
IOStatus SyncDroppingFileSystem::OnSync(const std::string& kind, TakeEffect take_effect,
                                        Fail fail) {
  {
    std::unique_lock<std::mutex> hold(hold_mutex_);
    auto held = [&] { return holding_ && (held_kind_.empty() || held_kind_ == kind); };
    released_.wait(hold, [&] { return !held(); });
  }
  IOStatus power = CheckPower();
  if (!power.ok()) return power;
  std::lock_guard<std::mutex> lock(mutex_);
  uint64_t number = ++sync_count_;
  bool last = power_off_at_sync_ != 0 && number >= power_off_at_sync_;
  if (last && !power_off_after_) {
    power_off_ = true;
    return CheckPower();
  }
  IOStatus status = Consult(kind, &sync_plan_);
  bool ignored = ignored_ && (ignored_->empty() || *ignored_ == kind);
  if (!status.ok()) {
    fail();
  } else if (!ignored) {
    take_effect();
  }
  if (last) power_off_ = true;
  return status;
}

namespace {

class WritableFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WritableFile(std::unique_ptr<rocksdb::FSWritableFile> file, SyncDroppingFileSystem* system,
               const std::string& path, DiskImage::InodePtr inode)
      : FSWritableFileOwnerWrapper(std::move(file)),
        system_(system),
        kind_(SyncDroppingFileSystem::KindOf(path)),
        inode_(std::move(inode)) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    rocksdb::Slice written = data;
    IOStatus fault = system_->OnWrite(kind_);
    // A write that fails may have got half way.
    if (!fault.ok()) written = rocksdb::Slice(data.data(), data.size() / 2);
    if (system_->power_is_off()) return fault;
    IOStatus status = FSWritableFileOwnerWrapper::Append(written, options, debug);
    if (status.ok()) system_->image().Append(inode_, {written.data(), written.size()});
    return fault.ok() ? status : fault;
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo&, IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    if (system_->power_is_off()) return IOStatus::OK();  // nobody will see it
    system_->image().Truncate(inode_, size);
    return FSWritableFileOwnerWrapper::Truncate(size, options, debug);
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    return system_->OnSync(
        kind_, [this] { system_->image().SyncFile(inode_); },
        [this] { system_->image().LoseUnsynced(inode_); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }
  // Starts the writing and promises nothing.
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }

 private:
  SyncDroppingFileSystem* system_;
  const std::string kind_;
  DiskImage::InodePtr inode_;
};

// Of table and blob files: they do not change any more, so only their reads can fail.
class RandomAccessFile : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  RandomAccessFile(std::unique_ptr<rocksdb::FSRandomAccessFile> file,
                   SyncDroppingFileSystem* system)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), system_(system) {}

  IOStatus Read(uint64_t offset, size_t bytes, const IOOptions& options, rocksdb::Slice* result,
                char* scratch, IODebugContext* debug) const override {
    IOStatus fault = system_->OnRead();
    if (!fault.ok()) return fault;
    return FSRandomAccessFileOwnerWrapper::Read(offset, bytes, options, result, scratch, debug);
  }
  IOStatus MultiRead(rocksdb::FSReadRequest* requests, size_t count, const IOOptions& options,
                     IODebugContext* debug) override {
    IOStatus fault = system_->OnRead();
    if (!fault.ok()) return fault;
    return FSRandomAccessFileOwnerWrapper::MultiRead(requests, count, options, debug);
  }

 private:
  SyncDroppingFileSystem* system_;
};

class RandomRWFile : public rocksdb::FSRandomRWFileOwnerWrapper {
 public:
  RandomRWFile(std::unique_ptr<rocksdb::FSRandomRWFile> file, SyncDroppingFileSystem* system,
               const std::string& path, DiskImage::InodePtr inode)
      : FSRandomRWFileOwnerWrapper(std::move(file)),
        system_(system),
        kind_(SyncDroppingFileSystem::KindOf(path)),
        inode_(std::move(inode)) {}

  IOStatus Read(uint64_t offset, size_t bytes, const IOOptions& options, rocksdb::Slice* result,
                char* scratch, IODebugContext* debug) const override {
    IOStatus fault = system_->OnRead();
    if (!fault.ok()) return fault;
    return FSRandomRWFileOwnerWrapper::Read(offset, bytes, options, result, scratch, debug);
  }
  IOStatus Write(uint64_t offset, const rocksdb::Slice& data, const IOOptions& options,
                 IODebugContext* debug) override {
    rocksdb::Slice written = data;
    IOStatus fault = system_->OnWrite(kind_);
    if (!fault.ok()) written = rocksdb::Slice(data.data(), data.size() / 2);
    if (system_->power_is_off()) return fault;
    IOStatus status = FSRandomRWFileOwnerWrapper::Write(offset, written, options, debug);
    if (status.ok()) system_->image().Write(inode_, offset, {written.data(), written.size()});
    return fault.ok() ? status : fault;
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    return system_->OnSync(
        kind_, [this] { system_->image().SyncFile(inode_); },
        [this] { system_->image().LoseUnsynced(inode_); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }

 private:
  SyncDroppingFileSystem* system_;
  const std::string kind_;
  DiskImage::InodePtr inode_;
};

class Directory : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(std::unique_ptr<rocksdb::FSDirectory> directory, SyncDroppingFileSystem* system,
            std::string path)
      : FSDirectoryWrapper(std::move(directory)), system_(system), path_(std::move(path)) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    return system_->OnSync("directory", [this] { system_->image().SyncDirectory(path_); }, [] {});
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, debug);
  }

 private:
  SyncDroppingFileSystem* system_;
  std::string path_;
};

}  // namespace

void SyncDroppingFileSystem::PowerOffAtSync(uint64_t n, bool after) {
  std::lock_guard<std::mutex> lock(mutex_);
  power_off_at_sync_ = sync_count_ + n;
  power_off_after_ = after;
}

IOStatus SyncDroppingFileSystem::PowerOn() {
  std::lock_guard<std::mutex> lock(mutex_);
  IOStatus status = image_.CutPower(target(), &random_);
  power_off_at_sync_ = 0;
  power_off_ = false;
  return status;
}

void SyncDroppingFileSystem::ProgramDied() {
  std::lock_guard<std::mutex> lock(mutex_);
  power_off_at_sync_ = 0;
  power_off_ = false;
}

void SyncDroppingFileSystem::FailWrites(Fault fault, uint64_t n, uint64_t times,
                                        std::string_view kind) {
  std::lock_guard<std::mutex> lock(mutex_);
  write_plan_ = {fault, std::string(kind), n, n + times};
}

void SyncDroppingFileSystem::FailSyncs(Fault fault, uint64_t n, uint64_t times,
                                       std::string_view kind) {
  std::lock_guard<std::mutex> lock(mutex_);
  sync_plan_ = {fault, std::string(kind), n, n + times};
}

void SyncDroppingFileSystem::FailReads(Fault fault, uint64_t n, uint64_t times) {
  std::lock_guard<std::mutex> lock(mutex_);
  read_plan_ = {fault, "", n, n + times};
}

void SyncDroppingFileSystem::ClearFaults() {
  std::lock_guard<std::mutex> lock(mutex_);
  write_plan_ = {};
  sync_plan_ = {};
  read_plan_ = {};
}

bool SyncDroppingFileSystem::fault_is_ahead() {
  std::lock_guard<std::mutex> lock(mutex_);
  return write_plan_.ahead() || sync_plan_.ahead() || read_plan_.ahead();
}

void SyncDroppingFileSystem::IgnoreSyncs(std::string_view kind) {
  std::lock_guard<std::mutex> lock(mutex_);
  ignored_ = kind;
}

void SyncDroppingFileSystem::HoldSyncs(std::string_view kind) {
  std::lock_guard<std::mutex> lock(hold_mutex_);
  holding_ = true;
  held_kind_ = kind;
}

void SyncDroppingFileSystem::ReleaseSyncs() {
  {
    std::lock_guard<std::mutex> lock(hold_mutex_);
    holding_ = false;
  }
  released_.notify_all();
}

IOStatus SyncDroppingFileSystem::CheckPower() const {
  return power_off_ ? IOStatus::IOError("the power is off") : IOStatus::OK();
}

IOStatus SyncDroppingFileSystem::Consult(const std::string& kind, Plan* plan) {
  if (plan->fault == Fault::kNone || (!plan->kind.empty() && plan->kind != kind)) {
    return IOStatus::OK();
  }
  uint64_t number = ++plan->seen;
  if (number < plan->first || number >= plan->end) return IOStatus::OK();
  return plan->fault == Fault::kNoSpace ? IOStatus::NoSpace("simulated")
                                        : IOStatus::IOError("simulated EIO");
}

IOStatus SyncDroppingFileSystem::OnWrite(const std::string& kind) {
  IOStatus power = CheckPower();
  if (!power.ok()) return power;
  std::lock_guard<std::mutex> lock(mutex_);
  return Consult(kind, &write_plan_);
}

IOStatus SyncDroppingFileSystem::OnRead() {
  std::lock_guard<std::mutex> lock(mutex_);
  return Consult("", &read_plan_);
}

IOStatus SyncDroppingFileSystem::NewRandomAccessFile(
    const std::string& path, const FileOptions& options,
    std::unique_ptr<rocksdb::FSRandomAccessFile>* file, IODebugContext* debug) {
  IOStatus status = FileSystemWrapper::NewRandomAccessFile(path, options, file, debug);
  if (status.ok()) *file = std::make_unique<RandomAccessFile>(std::move(*file), this);
  return status;
}

IOStatus SyncDroppingFileSystem::NewWritableFile(const std::string& path,
                                                 const FileOptions& options,
                                                 std::unique_ptr<rocksdb::FSWritableFile>* file,
                                                 IODebugContext* debug) {
  IOStatus status = OnWrite("directory");
  if (status.ok()) status = FileSystemWrapper::NewWritableFile(path, options, file, debug);
  if (!status.ok()) return status;
  *file = std::make_unique<WritableFile>(std::move(*file), this, path, image_.Create(path));
  return status;
}

IOStatus SyncDroppingFileSystem::ReopenWritableFile(const std::string& path,
                                                    const FileOptions& options,
                                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                                    IODebugContext* debug) {
  DiskImage::InodePtr inode = image_.Find(path);
  if (!inode) return NewWritableFile(path, options, file, debug);
  IOStatus status = OnWrite("directory");
  if (status.ok()) status = FileSystemWrapper::ReopenWritableFile(path, options, file, debug);
  if (!status.ok()) return status;
  *file = std::make_unique<WritableFile>(std::move(*file), this, path, std::move(inode));
  return status;
}

IOStatus SyncDroppingFileSystem::ReuseWritableFile(const std::string& path,
                                                   const std::string& old_path,
                                                   const FileOptions& options,
                                                   std::unique_ptr<rocksdb::FSWritableFile>* file,
                                                   IODebugContext* debug) {
  IOStatus status = RenameFile(old_path, path, options.io_options, debug);
  return status.ok() ? NewWritableFile(path, options, file, debug) : status;
}

IOStatus SyncDroppingFileSystem::NewRandomRWFile(const std::string& path,
                                                 const FileOptions& options,
                                                 std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                                                 IODebugContext* debug) {
  IOStatus status = CheckPower();
  if (status.ok()) status = FileSystemWrapper::NewRandomRWFile(path, options, file, debug);
  DiskImage::InodePtr inode = image_.Find(path);
  if (!status.ok()) return status;
  if (!inode) return IOStatus::NotFound(path);
  *file = std::make_unique<RandomRWFile>(std::move(*file), this, path, std::move(inode));
  return status;
}

IOStatus SyncDroppingFileSystem::NewDirectory(const std::string& path, const IOOptions& options,
                                              std::unique_ptr<rocksdb::FSDirectory>* directory,
                                              IODebugContext* debug) {
  IOStatus status = FileSystemWrapper::NewDirectory(path, options, directory, debug);
  if (!status.ok()) return status;
  *directory = std::make_unique<Directory>(std::move(*directory), this, path);
  return status;
}

IOStatus SyncDroppingFileSystem::DeleteFile(const std::string& path, const IOOptions& options,
                                            IODebugContext* debug) {
  IOStatus status = CheckPower();
  if (!status.ok()) return status;
  image_.Remove(path);
  return FileSystemWrapper::DeleteFile(path, options, debug);
}

IOStatus SyncDroppingFileSystem::RenameFile(const std::string& from, const std::string& to,
                                            const IOOptions& options, IODebugContext* debug) {
  IOStatus status = OnWrite("directory");
  if (status.ok()) status = FileSystemWrapper::RenameFile(from, to, options, debug);
  if (status.ok()) image_.Rename(from, to);
  return status;
}

IOStatus SyncDroppingFileSystem::LinkFile(const std::string& from, const std::string& to,
                                          const IOOptions& options, IODebugContext* debug) {
  IOStatus status = OnWrite("directory");
  if (status.ok()) status = FileSystemWrapper::LinkFile(from, to, options, debug);
  if (status.ok()) image_.Link(from, to);
  return status;
}

IOStatus SyncDroppingFileSystem::Truncate(const std::string& path, size_t size,
                                          const IOOptions& options, IODebugContext* debug) {
  IOStatus status = OnWrite("directory");
  if (status.ok()) status = FileSystemWrapper::Truncate(path, size, options, debug);
  DiskImage::InodePtr inode = image_.Find(path);
  if (status.ok() && inode) image_.Truncate(inode, size);
  return status;
}

IOStatus SyncDroppingFileSystem::GetFreeSpace(const std::string& path, const IOOptions& options,
                                              uint64_t* bytes, IODebugContext* debug) {
  *bytes = free_space_.load();
  if (*bytes != UINT64_MAX) return IOStatus::OK();
  return FileSystemWrapper::GetFreeSpace(path, options, bytes, debug);
}

}  // namespace ringpost::storage
