#include "storage/sim/disk_image.h"

#include <algorithm>

namespace ringpost::storage {
namespace {

bool IsDirectlyIn(const std::string& path, const std::string& directory) {
  return path.size() > directory.size() && path.compare(0, directory.size(), directory) == 0 &&
         path[directory.size()] == '/' && path.find('/', directory.size() + 1) == std::string::npos;
}

std::string WithoutSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

DiskImage::InodePtr DiskImage::Create(const std::string& path) {
  std::lock_guard<std::mutex> lock(mutex_);
  return live_[path] = std::make_shared<Inode>();
}

DiskImage::InodePtr DiskImage::Find(const std::string& path) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = live_.find(path);
  return found == live_.end() ? nullptr : found->second;
}

void DiskImage::Append(const InodePtr& inode, std::string_view bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  inode->live.append(bytes);
}

void DiskImage::Write(const InodePtr& inode, uint64_t offset, std::string_view bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (inode->live.size() < offset + bytes.size()) inode->live.resize(offset + bytes.size());
  inode->live.replace(offset, bytes.size(), bytes);
}

void DiskImage::Truncate(const InodePtr& inode, uint64_t size) {
  std::lock_guard<std::mutex> lock(mutex_);
  inode->live.resize(size);
}

void DiskImage::Rename(const std::string& from, const std::string& to) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = live_.find(from);
  if (found == live_.end()) return;
  InodePtr inode = found->second;
  live_.erase(found);
  live_[to] = inode;
}

void DiskImage::Link(const std::string& from, const std::string& to) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = live_.find(from);
  if (found != live_.end()) live_[to] = found->second;
}

void DiskImage::Remove(const std::string& path) {
  std::lock_guard<std::mutex> lock(mutex_);
  live_.erase(path);
}

void DiskImage::SyncFile(const InodePtr& inode) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!inode->lost) inode->safe = inode->live;
}

void DiskImage::LoseUnsynced(const InodePtr& inode) {
  std::lock_guard<std::mutex> lock(mutex_);
  inode->lost = true;
}

void DiskImage::SyncDirectory(const std::string& directory) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::string name = WithoutSlash(directory);
  std::erase_if(safe_, [&](const auto& entry) { return IsDirectlyIn(entry.first, name); });
  for (const auto& [path, inode] : live_) {
    if (IsDirectlyIn(path, name)) safe_[path] = inode;
  }
}

rocksdb::IOStatus DiskImage::CutPower(rocksdb::FileSystem* disk, Random* random) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& [path, inode] : live_) {
    if (!safe_.contains(path)) disk->DeleteFile(path, {}, nullptr).PermitUncheckedError();
  }
  live_ = safe_;
  for (auto& [path, inode] : live_) {
    std::string bytes = inode->safe;
    if (inode->live.starts_with(inode->safe)) {
      size_t tail = inode->live.size() - inode->safe.size();
      bytes = inode->live.substr(0, inode->safe.size() + random->Below(tail + 1));
    }
    rocksdb::IOStatus status = rocksdb::WriteStringToFile(disk, bytes, path, false);
    if (!status.ok()) return status;
    inode->live = inode->safe = bytes;
    inode->lost = false;
  }
  return rocksdb::IOStatus::OK();
}

}  // namespace ringpost::storage
