// SyncDroppingFileSystem: put under the real RocksDB, it forgets at a power cut what was not
// synced, and fails reads and writes on demand. The files lie on a real disk; DiskImage knows what
// is safe.
//
// A power cut has two steps. PowerOff (or a sync it was set for): from then on every write and sync
// fails and nothing changes any more, as far as the program can see. Then, once the program has let
// go of its files, PowerOn: the disk holds what was safe, and works again.
//
// RocksDB's info log and lock file are not followed. Thread-safe.
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "gateway/base/random.h"
#include "storage/sim/disk_image.h"

namespace ringpost::storage {

class SyncDroppingFileSystem : public rocksdb::FileSystemWrapper {
 public:
  explicit SyncDroppingFileSystem(uint64_t seed)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), random_(seed) {}
  const char* Name() const override { return "SyncDroppingFileSystem"; }

  void PowerOff() { power_off_.store(true); }
  // The power goes at the n-th sync from now (1 is the next one): just after it took effect, or
  // just before.
  void PowerOffAtSync(uint64_t n, bool after);
  rocksdb::IOStatus PowerOn();
  bool power_is_off() const { return power_off_.load(); }

  enum class Fault : uint8_t { kNone, kIoError, kNoSpace };
  // The n-th write (or sync) from now fails, and so do the next `times - 1`.
  void FailWrites(Fault fault, uint64_t n, uint64_t times);
  void FailSyncs(Fault fault, uint64_t n, uint64_t times);
  void ClearFaults();
  void SetFreeSpace(uint64_t bytes) { free_space_.store(bytes); }

  uint64_t writes() const { return write_count_.load(); }
  uint64_t syncs() const { return sync_count_.load(); }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path,
                                      const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomRWFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Truncate(const std::string& path, size_t size,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetFreeSpace(const std::string& path, const rocksdb::IOOptions& options,
                                 uint64_t* bytes, rocksdb::IODebugContext* debug) override;

  // For the files it hands out.
  rocksdb::IOStatus OnWrite();
  template <typename TakeEffect>
  rocksdb::IOStatus OnSync(TakeEffect take_effect);
  DiskImage& image() { return image_; }

 private:
  struct Plan {
    Fault fault = Fault::kNone;
    uint64_t first = 0;  // by number of the operation
    uint64_t end = 0;
  };
  rocksdb::IOStatus CheckPower() const;
  static rocksdb::IOStatus Consult(const Plan& plan, uint64_t number);

  DiskImage image_;
  std::mutex mutex_;  // guards the plans and random_
  Random random_;
  Plan write_plan_;
  Plan sync_plan_;
  uint64_t power_off_at_sync_ = 0;
  bool power_off_after_ = false;
  std::atomic<bool> power_off_{false};
  std::atomic<uint64_t> write_count_{0};
  std::atomic<uint64_t> sync_count_{0};
  std::atomic<uint64_t> free_space_{UINT64_MAX};
};

}  // namespace ringpost::storage
