// BatchBuilder: one RocksDB write batch in its wire format, in a buffer of our own that is kept
// between groups. Private to storage.
//
// Why not WriteBatch::Put: it copies a value it is given. Here the place of a value is made first
// and the body is sealed straight into it, so that the seal is the one pass of ours over a body's
// bytes.
//
// Format (RocksDB's write_batch.cc): 8 bytes sequence (zero), 4 bytes count of records,
// little-endian; then records: tag byte, varint32 column family, varint32 length and key, and for
// puts and range deletes varint32 length and value, or end.
#pragma once

#include <rocksdb/write_batch.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"

namespace ringpost::storage {

class BatchBuilder {
 public:
  BatchBuilder() { Clear(); }

  void Clear();
  void Put(uint32_t family, std::string_view key, std::string_view value);
  // Makes a put with a value of `value_bytes` and returns where the value goes; valid until the
  // next call.
  char* PutSpace(uint32_t family, std::string_view key, size_t value_bytes);
  // The same for bodies: `fill` writes all of the value before it returns, which saves the pass of
  // zeros that PutSpace makes over it. It calls nothing of this object and does not throw.
  void PutFilled(uint32_t family, std::string_view key, size_t value_bytes,
                 absl::FunctionRef<void(char*)> fill);
  void Delete(uint32_t family, std::string_view key);
  // For a key that is put at most once between two of these: the pair vanishes in the memtable's
  // flush and leaves no tombstone behind.
  void SingleDelete(uint32_t family, std::string_view key);
  // All keys from `first` on that are in front of `end`.
  void DeleteRange(uint32_t family, std::string_view first, std::string_view end);

  size_t bytes() const { return batch_.size(); }
  uint32_t count() const { return count_; }
  bool empty() const { return count_ == 0; }

  // Hands the bytes to RocksDB's type and takes them back afterwards, so that their memory is used
  // again.
  template <typename Write>
  auto WriteWith(Write write) {
    StampCount();
    rocksdb::WriteBatch batch(std::move(batch_));
    auto result = write(&batch);
    // The object is not const; only the accessor is.
    batch_ = std::move(const_cast<std::string&>(batch.Data()));
    return result;
  }

 private:
  void Record(char tag, uint32_t family, std::string_view key);
  void Varint(uint32_t value);
  void StampCount();

  std::string batch_;
  uint32_t count_ = 0;
};

}  // namespace ringpost::storage
