// Bridges between RocksDB's types and ours. Private to storage.
#pragma once

#include <rocksdb/slice.h>
#include <rocksdb/status.h>

#include <string>
#include <string_view>

#include "gateway/base/status.h"

namespace ringpost::storage {

inline rocksdb::Slice ToRocks(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
inline std::string_view FromRocks(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

// `doing` says what failed, in words. Corruption is DATA_LOSS, absence NOT_FOUND, a full disk
// RESOURCE_EXHAUSTED, everything else UNAVAILABLE.
inline Status FromRocks(const rocksdb::Status& status, std::string_view doing) {
  if (status.ok()) return OkStatus();
  StatusCode code = StatusCode::kUnavailable;
  if (status.IsCorruption()) code = StatusCode::kDataLoss;
  if (status.IsNotFound()) code = StatusCode::kNotFound;
  if (status.IsNoSpace()) code = StatusCode::kResourceExhausted;
  std::string text(doing);
  text.append(": ").append(status.ToString());
  return MakeStatus(code, text);
}

}  // namespace ringpost::storage
