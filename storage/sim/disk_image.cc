#include "storage/sim/disk_image.h"

#include <algorithm>

namespace ringpost::storage {
namespace {

constexpr uint64_t kSectorBytes = 512;  // what a disk writes whole or not at all
constexpr uint64_t kBlockBytes = 4096;  // what a file system allocates

bool IsDirectlyIn(const std::string& path, const std::string& directory) {
  return path.size() > directory.size() && path.compare(0, directory.size(), directory) == 0 &&
         path[directory.size()] == '/' && path.find('/', directory.size() + 1) == std::string::npos;
}

std::string WithoutSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// Makes the sector of `to` what it is in `from`.
void CopySector(uint64_t sector, const std::string& from, std::string* to) {
  uint64_t start = sector * kSectorBytes;
  if (start >= from.size()) return;
  std::string_view bytes = std::string_view(from).substr(start, kSectorBytes);
  if (to->size() < start + bytes.size()) to->resize(start + bytes.size());
  to->replace(start, bytes.size(), bytes);
}

}  // namespace

DiskImage::InodePtr DiskImage::Create(const std::string& path) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto inode = std::make_shared<Inode>();
  Make({{path, inode}});
  return inode;
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
  inode->in_place = true;
  uint64_t from = std::min<uint64_t>(inode->live.size(), offset), end = offset + bytes.size();
  if (inode->live.size() < end) inode->live.resize(end);
  inode->live.replace(offset, bytes.size(), bytes);
  for (uint64_t sector = from / kSectorBytes; sector * kSectorBytes < end; ++sector) {
    inode->dirty.insert(sector);
    inode->doubtful.erase(sector);
  }
}

void DiskImage::Truncate(const InodePtr& inode, uint64_t size) {
  std::lock_guard<std::mutex> lock(mutex_);
  inode->live.resize(size);
}

void DiskImage::Rename(const std::string& from, const std::string& to) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = live_.find(from);
  if (found != live_.end()) Make({{to, found->second}, {from, nullptr}});
}

void DiskImage::Link(const std::string& from, const std::string& to) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = live_.find(from);
  if (found != live_.end()) Make({{to, found->second}});
}

void DiskImage::Remove(const std::string& path) {
  std::lock_guard<std::mutex> lock(mutex_);
  Make({{path, nullptr}});
}

void DiskImage::Make(Change change) {
  Apply(change, &live_);
  unsafe_changes_.push_back(std::move(change));
}

void DiskImage::Apply(const Change& change, Files* files) {
  for (const auto& [path, inode] : change) {
    if (inode) {
      (*files)[path] = inode;
    } else {
      files->erase(path);
    }
  }
}

void DiskImage::SyncFile(const InodePtr& inode) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (inode->in_place) {
    for (uint64_t sector : inode->dirty) CopySector(sector, inode->live, &inode->safe);
    inode->dirty.clear();
  } else if (!inode->lost) {
    inode->safe = inode->live;
  }
}

void DiskImage::LoseUnsynced(const InodePtr& inode) {
  std::lock_guard<std::mutex> lock(mutex_);
  inode->lost = true;
  inode->doubtful.merge(inode->dirty);
  inode->dirty.clear();
}

void DiskImage::SyncDirectory(const std::string& directory) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::string name = WithoutSlash(directory);
  std::erase_if(unsafe_changes_, [&](const Change& change) {
    bool here = IsDirectlyIn(change.front().first, name);
    if (here) Apply(change, &safe_);
    return here;
  });
}

std::string DiskImage::Draw(const Inode& inode, Random* random) {
  std::string bytes = inode.safe;
  for (const std::set<uint64_t>* sectors : {&inode.dirty, &inode.doubtful}) {
    for (uint64_t sector : *sectors) {
      if (random->Below(2) == 0) CopySector(sector, inode.live, &bytes);
    }
  }
  if (!inode.in_place && inode.live.starts_with(inode.safe)) {
    bytes += DrawTail(std::string_view(inode.live).substr(bytes.size()), bytes.size(), random);
  }
  return bytes;
}

std::string DiskImage::DrawTail(std::string_view tail, uint64_t offset, Random* random) {
  std::string drawn(tail.substr(0, random->Below(tail.size() + 1)));
  if (random->Below(2) == 0) return drawn;
  for (uint64_t start = 0; start < drawn.size();) {
    uint64_t end = std::min<uint64_t>(
        drawn.size(), (offset + start) / kBlockBytes * kBlockBytes + kBlockBytes - offset);
    if (random->Below(2) == 0) std::fill(drawn.begin() + start, drawn.begin() + end, '\0');
    start = end;
  }
  return drawn;
}

rocksdb::IOStatus DiskImage::CutPower(rocksdb::FileSystem* disk, Random* random) {
  std::lock_guard<std::mutex> lock(mutex_);
  unsafe_changes_.resize(random->Below(unsafe_changes_.size() + 1));
  for (const Change& change : unsafe_changes_) Apply(change, &safe_);
  unsafe_changes_.clear();
  for (const auto& [path, inode] : live_) {
    if (!safe_.contains(path)) disk->DeleteFile(path, {}, nullptr).PermitUncheckedError();
  }
  live_ = safe_;
  for (auto& [path, inode] : live_) {
    std::string bytes = Draw(*inode, random);
    rocksdb::IOStatus status = rocksdb::WriteStringToFile(disk, bytes, path, false);
    if (!status.ok()) return status;
    *inode = Inode();
    inode->live = inode->safe = bytes;
  }
  return rocksdb::IOStatus::OK();
}

}  // namespace ringpost::storage
