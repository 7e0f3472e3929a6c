// KeySlots: the file that holds the epoch keys, outside RocksDB, because RocksDB never overwrites
// in place and a key must be gone from the disk when it is retired.
//
// Fixed slots of one block each, overwritten in place and synced. An epoch key lies there wrapped
// by the store's key. Layout in FORMAT.md. Not thread-safe: KeyRing's lock guards it.
#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/status.h"
#include "gateway/base/time.h"
#include "gateway/tls/aead.h"

namespace ringpost::storage {

class KeySlots {
 public:
  struct Entry {
    uint32_t slot = 0;
    uint32_t epoch = 0;
    WallTime started;
    tls::Key key;
  };

  // A slot that is in use and does not open under the store's key: a torn write of a key that was
  // never used, or damage, which cannot be told apart; so it is nobody's to write over until no
  // message needs what may be in it.
  struct Damaged {
    uint32_t slot = 0;
    uint32_t epoch = 0;  // as it says, which may be damage too
  };

  // Opens the file and reads what is in use. With `serve` it makes the file where it is not there,
  // and what it reads is safe.
  static StatusOr<std::unique_ptr<KeySlots>> Open(rocksdb::FileSystem* file_system,
                                                  const std::string& path,
                                                  const tls::Key& store_key, bool serve);

  std::vector<Entry> TakeEntries() { return std::move(entries_); }  // found by Open
  const std::vector<Damaged>& damaged() const { return damaged_; }

  // Writes and syncs; the key may be used once it is OK.
  Status Write(uint32_t slot, uint32_t epoch, WallTime started, const tls::Key& key);
  // Overwrites and syncs; afterwards nothing on the disk holds the key that was there.
  Status Erase(uint32_t slot);

 private:
  KeySlots(std::unique_ptr<rocksdb::FSRandomRWFile> file, const tls::Key& store_key);
  Status ReadAll(bool again);
  Status WriteBlock(uint32_t slot, const std::string& block, std::string_view doing);

  std::unique_ptr<rocksdb::FSRandomRWFile> file_;
  const tls::Key& store_key_;
  std::vector<Entry> entries_;
  std::vector<Damaged> damaged_;
};

}  // namespace ringpost::storage
