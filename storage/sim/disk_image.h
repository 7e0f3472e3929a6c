// DiskImage: what a disk would hold after a power cut. It follows files and directory entries as
// they are written and synced, and can say at any time what is safe.
//
// Model: bytes of a file are safe once the file was synced after they were written; an entry of a
// directory (a new name, a rename, a removal) once the directory was. What is not safe may have
// reached the disk all the same, and a power cut draws how much of it:
// - of bytes appended, a prefix of any length; or the length is there, as under ext4, and of the
//   bytes only some blocks, with zeros in place of the others;
// - of sectors overwritten in place, any;
// - of changes to directories, the first so many, in their order, as a journal has them.
// Directories themselves are safe at once. Thread-safe.
#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/random.h"

namespace ringpost::storage {

class DiskImage {
 public:
  struct Inode {
    std::string live;
    std::string safe;
    // Appended to: a sync failed, and nothing after `safe` will ever be safe.
    bool lost = false;
    // Overwritten in place, by number of the sector: written since the last sync; and written
    // before a sync that failed, which no later one writes, unless they are written again.
    bool in_place = false;
    std::set<uint64_t> dirty;
    std::set<uint64_t> doubtful;
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

  // The power cut: what is safe, and what was drawn from `random` of the rest, becomes what is
  // there, and the files on `disk` are made so.
  rocksdb::IOStatus CutPower(rocksdb::FileSystem* disk, Random* random);

 private:
  using Files = std::map<std::string, InodePtr>;
  // Names that change together, and what they stand for from then on (null: nothing).
  using Change = std::vector<std::pair<std::string, InodePtr>>;
  void Make(Change change);
  static void Apply(const Change& change, Files* files);
  static std::string Draw(const Inode& inode, Random* random);
  static std::string DrawTail(std::string_view tail, uint64_t offset, Random* random);

  std::mutex mutex_;
  Files live_;
  Files safe_;
  std::vector<Change> unsafe_changes_;  // made to live_ and not yet to safe_
};

}  // namespace ringpost::storage
