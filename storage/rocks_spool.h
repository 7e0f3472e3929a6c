// RocksSpool: the Spool over RocksDB. What lies on the disk is described in FORMAT.md, byte by
// byte.
//
// It owns its threads: one committer, the readers, a housekeeper, one that reclaims space, and
// while it runs the scan. Destroying it commits what was submitted and ends them; nothing may be
// submitted or read any more by then.
#pragma once

#include <memory>

#include "gateway/base/counters.h"
#include "storage/spool.h"
#include "storage/spool_options.h"

namespace ringpost::storage {

class RocksSpool final : public Spool {
 public:
  // Opens the store, or makes a new one in a directory that is empty or not there yet. In words:
  // NOT_FOUND: the directory's parent is missing. FAILED_PRECONDITION: the key file is missing or
  // open to others, the store was written by a newer version or is another partition, its database
  // is missing. DATA_LOSS: damaged (a torn tail of the log is not). UNAVAILABLE: the disk.
  static StatusOr<std::unique_ptr<RocksSpool>> Open(SpoolOptions options);
  ~RocksSpool() override;

  void Submit(CommitRequest* request) override;
  void Read(ReadRequest* request) override;
  void StartScan(std::vector<ScanTarget> targets) override;
  // Ends the scan where it is: before the shards end, whose inboxes it posts to. Waits for some
  // rows at most.
  void StopScan();
  bool accepting() const override;
  SpoolHealth health() const override;
  uint64_t free_bytes() const override;

  // What the committer counted; `status` adds it to the shards'.
  const Counters& counters() const;

 private:
  friend class RocksSpoolTesting;  // storage/sim: another file system, no sync, a look inside
  struct Parts;
  explicit RocksSpool(std::unique_ptr<Parts> parts);
  static StatusOr<std::unique_ptr<RocksSpool>> OpenParts(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace ringpost::storage
