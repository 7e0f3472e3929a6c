#include "storage/log_scan.h"

#include <algorithm>
#include <optional>
#include <string>

namespace ringpost::storage {
namespace {

constexpr size_t kBlockBytes = 32 * 1024;
constexpr size_t kFragmentHeadBytes = 7;
constexpr size_t kBatchHeadBytes = 12;
enum FragmentType : uint8_t { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };
// Tags of rows in a batch; with and without a column family, put and the deletes.
enum RowTag : uint8_t {
  kDelete = 0x0,
  kPut = 0x1,
  kFamilyDelete = 0x4,
  kFamilyPut = 0x5,
  kSingleDelete = 0x7,
  kFamilySingleDelete = 0x8,
};

class BatchReader {
 public:
  explicit BatchReader(std::string_view batch) : rest_(batch) {
    rest_.remove_prefix(std::min(kBatchHeadBytes, rest_.size()));
  }

  struct Row {
    uint32_t family = 0;
    std::string_view key;
    bool deleted = false;
  };
  // Nothing at the end, and where it can no longer be followed.
  std::optional<Row> Next() {
    if (rest_.empty()) return std::nullopt;
    auto tag = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    Row row;
    bool has_family = tag == kFamilyPut || tag == kFamilyDelete || tag == kFamilySingleDelete;
    bool put = tag == kPut || tag == kFamilyPut;
    row.deleted = tag == kDelete || tag == kSingleDelete || (has_family && !put);
    if (!put && !row.deleted) return std::nullopt;
    std::optional<uint32_t> family = has_family ? Varint() : 0;
    std::optional<std::string_view> key = Text();
    if (!family || !key || (put && !Text())) return std::nullopt;
    row.family = *family;
    row.key = *key;
    return row;
  }

 private:
  std::optional<uint32_t> Varint() {
    uint32_t value = 0;
    for (int shift = 0; shift < 35 && !rest_.empty(); shift += 7) {
      auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<uint32_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }
  std::optional<std::string_view> Text() {
    std::optional<uint32_t> size = Varint();
    if (!size || *size > rest_.size()) return std::nullopt;
    std::string_view text = rest_.substr(0, *size);
    rest_.remove_prefix(*size);
    return text;
  }
  std::string_view rest_;
};

void ScanBatch(std::string_view batch, uint32_t family,
               const std::function<void(const MessageId&, bool)>& visit) {
  BatchReader rows(batch);
  while (std::optional<BatchReader::Row> row = rows.Next()) {
    if (row->family == family && row->key.size() == 16) {
      visit(MessageId::FromKey(row->key), row->deleted);
    }
  }
}

}  // namespace

void ScanLog(std::string_view log, uint32_t family,
             const std::function<void(const MessageId&, bool deleted)>& visit) {
  std::string batch;
  for (size_t start = 0; start < log.size(); start += kBlockBytes) {
    std::string_view block = log.substr(start, kBlockBytes);
    while (block.size() >= kFragmentHeadBytes) {
      size_t size = static_cast<uint8_t>(block[4]) | static_cast<uint8_t>(block[5]) << 8;
      auto type = static_cast<uint8_t>(block[6]);
      if (type < kFull || type > kLast || size > block.size() - kFragmentHeadBytes) break;
      if (type == kFull || type == kFirst) {
        ScanBatch(batch, family, visit);  // one that lost its end
        batch.clear();
      }
      batch.append(block.substr(kFragmentHeadBytes, size));
      block.remove_prefix(kFragmentHeadBytes + size);
      if (type == kFull || type == kLast) {
        ScanBatch(batch, family, visit);
        batch.clear();
      }
    }
  }
  ScanBatch(batch, family, visit);
}

}  // namespace ringpost::storage
