// DiskImage: what a disk would hold after a power cut. It follows files and directory entries as
// they are written and synced, and can say at any time what is safe.
//
// Model: bytes of a file are safe once the file was synced after they were written; an entry of a
// directory (a new name, a rename, a removal) once the directory was. Of bytes appended and not
// synced a prefix of any length may have reached the disk. Directories themselves are safe at once.
// Thread-safe.
#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "gateway/base/random.h"

namespace ringpost::storage {

class DiskImage {
 public:
  struct Inode {
    std::string live;
    std::string safe;
    bool lost = false;  // a sync failed: nothing after `safe` will ever be safe
  };
  using InodePtr = std::shared_ptr<Inode>;

  InodePtr Create(const std::string& path);  // replaces what had the name
  InodePtr Find(const std::string& path);    // null: not there
  void Append(const InodePtr& inode, std::string_view bytes);
  void Write(const InodePtr& inode, uint64_t offset, std::string_view bytes);
  void Truncate(const InodePtr& inode, uint64_t size);
  void Rename(const std::string& from, const std::string& to);
  void Link(const std::string& from, const std::string& to);
  void Remove(const std::string& path);

  void SyncFile(const InodePtr& inode);
  // A sync failed: the bytes that were not safe yet can be read until the power goes, and no later
  // sync makes them safe.
  void LoseUnsynced(const InodePtr& inode);
  void SyncDirectory(const std::string& directory);

  // The power cut: what is safe (and, drawn from `random`, a piece of the unsynced tails) becomes
  // what is there, and the files on `disk` are made so.
  rocksdb::IOStatus CutPower(rocksdb::FileSystem* disk, Random* random);

 private:
  std::mutex mutex_;
  std::map<std::string, InodePtr> live_;
  std::map<std::string, InodePtr> safe_;
};

}  // namespace ringpost::storage
