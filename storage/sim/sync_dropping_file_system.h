// SyncDroppingFileSystem: put under the real RocksDB, it forgets at a power cut what was not
// synced, and fails reads, writes and syncs on demand. The files lie on a real disk; DiskImage
// knows what is safe. What a failed sync of a file that is appended to did not write is never
// written by a later one, as under Linux, whose page cache forgets it.
//
// A power cut has two steps. PowerOff (or a sync it was set for): from then on every write and sync
// fails and nothing changes any more, as far as the program can see. Then, once the program has let
// go of its files, PowerOn: the disk holds what was safe, and works again.
//
// RocksDB's info log and lock file are not followed. Thread-safe.
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

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
  // Instead of PowerOn: it was the program that died, and what it wrote can be read, as far as the
  // page cache has it.
  void ProgramDied();
  bool power_is_off() const { return power_off_.load(); }

  enum class Fault : uint8_t { kNone, kIoError, kNoSpace };
  // The n-th write (or sync, or read of a table file, a blob file or the key slots) from now fails,
  // and so do the next `times - 1`. With `kind`, only those of what is called so count: a file is
  // called by its extension ("log", "sst", "blob"), or by its name up to a number ("MANIFEST",
  // "epochs"); "directory" is a sync of one, a rename, and the making of a file.
  void FailWrites(Fault fault, uint64_t n, uint64_t times, std::string_view kind = "");
  void FailSyncs(Fault fault, uint64_t n, uint64_t times, std::string_view kind = "");
  void FailReads(Fault fault, uint64_t n, uint64_t times);
  void ClearFaults();
  // Planned and neither met nor cleared yet.
  bool fault_is_ahead();
  // Syncs of this kind (empty: of everything) succeed from now on and do nothing.
  void IgnoreSyncs(std::string_view kind);
  // A disk that hangs: from now on syncs (of this kind; empty: all) begin and do not return, until
  // they are released.
  void HoldSyncs(std::string_view kind = "");
  void ReleaseSyncs();
  void SetFreeSpace(uint64_t bytes) { free_space_.store(bytes); }

  rocksdb::IOStatus NewRandomAccessFile(const std::string& path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                        rocksdb::IODebugContext* debug) override;

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
  rocksdb::IOStatus OnWrite(const std::string& kind);
  rocksdb::IOStatus OnRead();
  // `fail` is called where the sync fails and the disk goes on.
  template <typename TakeEffect, typename Fail>
  rocksdb::IOStatus OnSync(const std::string& kind, TakeEffect take_effect, Fail fail);
  static std::string KindOf(const std::string& path);
  DiskImage& image() { return image_; }

 private:
  struct Plan {
    Fault fault = Fault::kNone;
    std::string kind;    // empty: any
    uint64_t first = 0;  // by number of the operation since it was planned
    uint64_t end = 0;
    uint64_t seen = 0;
    bool ahead() const { return fault != Fault::kNone && seen < first; }
  };
  rocksdb::IOStatus CheckPower() const;
  static rocksdb::IOStatus Consult(const std::string& kind, Plan* plan);

  DiskImage image_;
  std::mutex mutex_;  // guards the plans, what is beside them and random_
  Random random_;
  Plan write_plan_;
  Plan sync_plan_;
  Plan read_plan_;
  std::optional<std::string> ignored_;
  uint64_t sync_count_ = 0;
  uint64_t power_off_at_sync_ = 0;
  bool power_off_after_ = false;
  std::mutex hold_mutex_;
  std::condition_variable released_;
  bool holding_ = false;  // guarded by hold_mutex_
  std::string held_kind_;
  std::atomic<bool> power_off_{false};
  std::atomic<uint64_t> free_space_{UINT64_MAX};
};

}  // namespace ringpost::storage
