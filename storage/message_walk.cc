#include "storage/message_walk.h"

#include "storage/damaged_store.h"
#include "storage/rocks_status.h"
#include "storage/rows.h"

namespace ringpost::storage {
namespace {

using KeyNumber = unsigned __int128;
constexpr KeyNumber kLastKey = ~KeyNumber{0};

KeyNumber NumberOf(std::string_view key) {
  KeyNumber number = 0;
  for (char c : key) number = number << 8 | static_cast<uint8_t>(c);
  return number;
}

std::string KeyOf(KeyNumber number) {
  std::string key(kMessageKeyBytes, '\0');
  for (size_t i = key.size(); i-- > 0; number >>= 8) key[i] = static_cast<char>(number);
  return key;
}

std::unique_ptr<rocksdb::Iterator> Rows(Database& database) {
  return std::unique_ptr<rocksdb::Iterator>(
      database.db().NewIterator(ReadOnce(), database.handle(Family::kEnvelope)));
}

// A seek to `from` reads: it lands on a row, or past the last one.
bool Reads(Database& database, KeyNumber from, bool* unsure) {
  std::unique_ptr<rocksdb::Iterator> rows = Rows(database);
  rows->Seek(KeyOf(from));
  *unsure |= !rows->status().ok() && !rows->status().IsCorruption();
  return rows->status().ok();
}

// The first key after `last` from which the store reads again: doubling steps find some such key,
// halving ones the first before it.
std::optional<KeyNumber> FindReadable(Database& database, KeyNumber last, bool* unsure) {
  KeyNumber step = 1;
  while (step < kLastKey - last && !Reads(database, last + step, unsure)) {
    if (step > (kLastKey >> 1)) return std::nullopt;
    step <<= 1;
  }
  if (step >= kLastKey - last) return std::nullopt;
  KeyNumber bad = last + (step >> 1), good = last + step;
  while (good - bad > 1) {
    KeyNumber middle = bad + ((good - bad) >> 1);
    (Reads(database, middle, unsure) ? good : bad) = middle;
  }
  return good;
}

}  // namespace

std::optional<std::string> NextReadable(Database& database, std::string_view last, bool* unsure) {
  std::optional<KeyNumber> readable = FindReadable(database, NumberOf(last), unsure);
  if (!readable) return std::nullopt;
  return KeyOf(*readable);
}

Status WalkMessages(Database& database, StoreReport* report,
                    const std::function<Status(const MessageId&, std::string_view)>& visit) {
  std::string next(kMessageKeyBytes, '\0');
  for (;;) {
    std::unique_ptr<rocksdb::Iterator> rows = Rows(database);
    KeyNumber last = NumberOf(next);
    for (rows->Seek(next); rows->Valid(); rows->Next()) {
      std::string_view key = FromRocks(rows->key());
      if (key.size() != kMessageKeyBytes) {
        AddDamage(report, "envelope", "a key of another length");
        continue;
      }
      last = NumberOf(key);
      Status visited = visit(MessageId::FromKey(key), FromRocks(rows->value()));
      if (!visited.ok()) return visited;
    }
    if (rows->status().ok()) return OkStatus();
    std::string where = "envelope rows after " + MessageId::FromKey(KeyOf(last)).ToString();
    bool unsure = false;  // a tool does not wait
    std::optional<KeyNumber> readable = FindReadable(database, last, &unsure);
    if (readable) where += " up to " + MessageId::FromKey(KeyOf(*readable)).ToString();
    AddDamage(report, where, rows->status().ToString());
    if (!readable) return OkStatus();
    next = KeyOf(*readable);
  }
}

}  // namespace ringpost::storage
