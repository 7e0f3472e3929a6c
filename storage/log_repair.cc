#include "storage/log_repair.h"

#include <algorithm>
#include <optional>

#include "storage/log_format.h"

namespace ringpost::storage {
namespace {

constexpr size_t kBatchHeadBytes = 12;  // sequence (8) and count of rows (4), little-endian
constexpr size_t kIdBytes = 16;
constexpr size_t kIndexedKeyBytes = 20;  // id and the number of a chunk or recipient
constexpr size_t kKeyBytesMax = kIndexedKeyBytes;
constexpr uint32_t kFamiliesMax = 16;  // more than there are
// Tags of rows, of families other than the default one (in which there is nothing).
enum RowTag : uint8_t { kDelete = 0x4, kPut = 0x5, kSingleDelete = 0x8 };
// Ids made before 2015 or after 2150 are none.
constexpr int64_t kIdMillisMin = 1'420'000'000'000, kIdMillisMax = 5'680'000'000'000;

uint64_t Little(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

void AppendLittle(uint64_t value, size_t bytes, std::string* out) {
  for (size_t i = 0; i < bytes; ++i) out->push_back(static_cast<char>(value >> (8 * i)));
}

std::optional<uint32_t> TakeVarint(std::string_view* from) {
  uint32_t value = 0;
  for (int shift = 0; shift < 35 && !from->empty(); shift += 7) {
    auto byte = static_cast<uint8_t>(from->front());
    from->remove_prefix(1);
    value |= static_cast<uint32_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> TakeText(std::string_view* from) {
  std::optional<uint32_t> size = TakeVarint(from);
  if (!size || *size > from->size()) return std::nullopt;
  std::string_view text = from->substr(0, *size);
  from->remove_prefix(*size);
  return text;
}

struct Row {
  std::string_view bytes;  // all of it
  std::string_view key;
  RowTag tag = kPut;
  // Of the families with 16-byte keys only `envelope` has SingleDeletes.
  bool ends_message() const { return tag == kSingleDelete && key.size() == kIdBytes; }
};

// The row at the front of `rest`, taken from it; nothing where it does not look like one of ours.
std::optional<Row> TakeRow(std::string_view* rest) {
  std::string_view from = *rest;
  if (from.empty()) return std::nullopt;
  auto tag = static_cast<uint8_t>(from.front());
  if (tag != kDelete && tag != kPut && tag != kSingleDelete) return std::nullopt;
  from.remove_prefix(1);
  std::optional<uint32_t> family = TakeVarint(&from);
  if (!family || *family >= kFamiliesMax) return std::nullopt;
  std::optional<std::string_view> key = TakeText(&from);
  if (!key || key->empty() || key->size() > kKeyBytesMax) return std::nullopt;
  if (tag == kPut && !TakeText(&from)) return std::nullopt;
  Row row{rest->substr(0, rest->size() - from.size()), *key, static_cast<RowTag>(tag)};
  *rest = from;
  return row;
}

// From the first place on from which rows follow each other to the very end.
std::string_view Resynchronised(std::string_view tail) {
  for (size_t at = 0; at < tail.size(); ++at) {
    std::string_view rest = tail.substr(at);
    while (!rest.empty() && TakeRow(&rest)) {
    }
    if (rest.empty()) return tail.substr(at);
  }
  return {};
}

// The id in a key at the front of `bytes`, where it can be one.
std::optional<MessageId> IdAt(std::string_view bytes) {
  if (bytes.size() < kIdBytes) return std::nullopt;
  MessageId id = MessageId::FromKey(bytes.substr(0, kIdBytes));
  int64_t made = ToMillis(id.time());
  if (made < kIdMillisMin || made > kIdMillisMax) return std::nullopt;
  return id;
}

}  // namespace

std::string LogRepair::Repair(std::string_view log,
                              const std::function<void(uint64_t, uint64_t)>& on_gap) {
  LogWriter repaired;
  ReadLog(
      log,
      [&](const LogRecord& record) {
        if (record.whole) {
          TakeWhole(record.head);
          repaired.Add(record.head);
          return;
        }
        std::string batch = TakeDamaged(record.head, record.tail);
        if (!batch.empty()) repaired.Add(batch);
      },
      [&](const LogGap& gap) {
        NameIdsIn(gap.bytes);
        on_gap(gap.begin, gap.begin + gap.bytes.size());
      });
  return repaired.bytes();
}

void LogRepair::TakeWhole(std::string_view batch) {
  if (batch.size() < kBatchHeadBytes) return;
  next_sequence_ = Little(batch.substr(0, 8)) + Little(batch.substr(8, 4));
  std::string_view rest = batch.substr(kBatchHeadBytes);
  while (std::optional<Row> row = TakeRow(&rest)) {
    if (row->ends_message()) End(MessageId::FromKey(row->key));
  }
}

void LogRepair::End(const MessageId& id) {
  touched_.erase(id);
  ended_.insert(id);
}

std::string LogRepair::TakeDamaged(std::string_view head, std::string_view tail) {
  if (head.size() >= kBatchHeadBytes) next_sequence_ = Little(head.substr(0, 8));
  std::string rows;
  uint64_t count = 0;
  auto take = [&](std::string_view* from) {
    while (std::optional<Row> row = TakeRow(from)) {
      if (row->ends_message()) End(MessageId::FromKey(row->key));
      if (row->tag != kPut && !OfEnded(row->key)) continue;
      rows.append(row->bytes);
      ++count;
      // A message of which only some rows are left is one that may be lost.
      if (row->tag == kPut) NameIdsIn(row->bytes.substr(0, 3 + kKeyBytesMax));
    }
  };
  std::string_view before = head.substr(std::min(kBatchHeadBytes, head.size()));
  take(&before);
  NameIdsIn(before);
  std::string_view behind = Resynchronised(tail);
  NameIdsIn(tail.substr(0, tail.size() - behind.size()));
  // Rows need a number that is above that of what they follow. Without one they cannot be kept.
  if (next_sequence_ == 0) {
    NameIdsIn(behind);
    return {};
  }
  take(&behind);
  if (count == 0) return {};
  std::string batch;
  AppendLittle(next_sequence_, 8, &batch);
  AppendLittle(count, 4, &batch);
  next_sequence_ += count;
  return batch + rows;
}

bool LogRepair::OfEnded(std::string_view key) const {
  return key.size() >= kIdBytes && ended_.contains(MessageId::FromKey(key.substr(0, kIdBytes)));
}

// Puts of rows whose key begins with an id, told by their form: tag, family, the key's size, an id.
void LogRepair::NameIdsIn(std::string_view bytes) {
  for (size_t at = 0; at + 3 + kIdBytes <= bytes.size(); ++at) {
    auto family = static_cast<uint8_t>(bytes[at + 1]);
    auto size = static_cast<uint8_t>(bytes[at + 2]);
    bool put = bytes[at] == kPut && family > 0 && family < kFamiliesMax &&
               (size == kIdBytes || size == kIndexedKeyBytes);
    if (!put) continue;
    if (std::optional<MessageId> id = IdAt(bytes.substr(at + 3))) touched_.insert(*id);
  }
}

}  // namespace ringpost::storage
