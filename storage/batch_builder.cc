#include "storage/batch_builder.h"

namespace ringpost::storage {
namespace {

constexpr size_t kHeaderBytes = 12;
// Of RocksDB's ValueType; part of its on-disk log format, which never changes.
constexpr char kPut = 0x5;
constexpr char kDelete = 0x4;
constexpr char kSingleDelete = 0x8;
constexpr char kDeleteRange = 0xE;

}  // namespace

void BatchBuilder::Clear() {
  batch_.assign(kHeaderBytes, '\0');
  count_ = 0;
}

void BatchBuilder::Put(uint32_t family, std::string_view key, std::string_view value) {
  Record(kPut, family, key);
  Varint(static_cast<uint32_t>(value.size()));
  batch_.append(value);
}

char* BatchBuilder::PutSpace(uint32_t family, std::string_view key, size_t value_bytes) {
  Record(kPut, family, key);
  Varint(static_cast<uint32_t>(value_bytes));
  size_t at = batch_.size();
  batch_.resize(at + value_bytes);
  return batch_.data() + at;
}

void BatchBuilder::PutFilled(uint32_t family, std::string_view key, size_t value_bytes,
                             absl::FunctionRef<void(char*)> fill) {
  Record(kPut, family, key);
  Varint(static_cast<uint32_t>(value_bytes));
  size_t at = batch_.size(), end = at + value_bytes;
  // The size that is passed on is not looked at: where the string has to grow, GCC 12's library
  // passes its new capacity instead.
  batch_.resize_and_overwrite(end, [&](char* bytes, size_t) {
    fill(bytes + at);
    return end;
  });
}

void BatchBuilder::Delete(uint32_t family, std::string_view key) { Record(kDelete, family, key); }

void BatchBuilder::SingleDelete(uint32_t family, std::string_view key) {
  Record(kSingleDelete, family, key);
}

void BatchBuilder::DeleteRange(uint32_t family, std::string_view first, std::string_view end) {
  Record(kDeleteRange, family, first);
  Varint(static_cast<uint32_t>(end.size()));
  batch_.append(end);
}

void BatchBuilder::Record(char tag, uint32_t family, std::string_view key) {
  batch_.push_back(tag);
  Varint(family);
  Varint(static_cast<uint32_t>(key.size()));
  batch_.append(key);
  ++count_;
}

void BatchBuilder::Varint(uint32_t value) {
  while (value >= 0x80) {
    batch_.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  batch_.push_back(static_cast<char>(value));
}

void BatchBuilder::StampCount() {
  for (size_t i = 0; i < 4; ++i) batch_[8 + i] = static_cast<char>(count_ >> (8 * i));
}

}  // namespace ringpost::storage
