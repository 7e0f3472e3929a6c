// Logs read past damage, and what is left of the groups in them.
#include "storage/log_repair.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "storage/batch_builder.h"
#include "storage/log_format.h"
#include "storage/record_encoding.h"
#include "storage/rows.h"
#include "tests/unit/storage/spool_harness.h"

namespace ringpost::storage {
namespace {

constexpr size_t kBlockBytes = 32 * 1024;
constexpr uint32_t kEnvelope = 1, kRcpt = 2, kBody = 3;

struct ReadBack {
  std::vector<LogRecord> records;
  size_t gaps = 0;
  explicit ReadBack(std::string_view log) {
    ReadLog(
        log, [&](const LogRecord& record) { records.push_back(record); },
        [&](const LogGap&) { ++gaps; });
  }
  size_t Whole() const {
    size_t whole = 0;
    for (const LogRecord& record : records) whole += record.whole;
    return whole;
  }
};

void Flip(std::string* bytes, size_t at, size_t count = 1) {
  for (size_t i = at; i < at + count && i < bytes->size(); ++i) (*bytes)[i] ^= 0x55;
}

TEST(LogFormat, WhatIsWrittenReadsBack) {
  LogWriter log;
  std::vector<std::string> records;
  for (size_t bytes : {0u, 1u, 100u, 32'754u, 7u, 32'761u, 32'768u, 100'000u, 3u}) {
    records.push_back(BodyOf(bytes, static_cast<uint32_t>(bytes)));
    log.Add(records.back());
  }
  ReadBack read(log.bytes() + std::string(50'000, '\0'));  // what was reserved behind it
  EXPECT_EQ(read.gaps, 0u);
  ASSERT_EQ(read.records.size(), records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    EXPECT_TRUE(read.records[i].whole);
    EXPECT_EQ(read.records[i].head, records[i]) << i;
  }
}

TEST(LogFormat, ADamagedByteCostsTheOneRecordItIsIn) {
  LogWriter log;
  const size_t kRecords = 60;
  for (uint32_t i = 0; i < kRecords; ++i) log.Add(BodyOf(i % 10 == 0 ? 70'000 : 900, i));
  for (size_t at = 0; at < log.bytes().size(); at += 211) {
    std::string damaged = log.bytes();
    Flip(&damaged, at);
    ReadBack read(damaged);
    EXPECT_EQ(read.Whole(), kRecords - 1) << at;
    EXPECT_EQ(read.gaps, 1u) << at;
  }
}

TEST(LogFormat, ARecordThatEndsWithTheFileIsNoDamage) {
  LogWriter log;
  log.Add(BodyOf(100, 1));
  log.Add(BodyOf(100'000, 2));
  ReadBack read(std::string_view(log.bytes()).substr(0, 2 * kBlockBytes));
  EXPECT_EQ(read.gaps, 0u);
  EXPECT_EQ(read.records.size(), 1u);
  EXPECT_EQ(read.Whole(), 1u);
}

TEST(LogFormat, HalvesOfTwoRecordsAreNotJoined) {
  LogWriter log;
  log.Add(BodyOf(50'000, 1));
  log.Add(BodyOf(50'000, 2));
  std::string damaged = log.bytes();
  Flip(&damaged, kBlockBytes, kBlockBytes);  // the first one's end and the second one's beginning
  ReadBack read(damaged);
  EXPECT_EQ(read.Whole(), 0u);
  ASSERT_GE(read.records.size(), 1u);
  for (const LogRecord& record : read.records) {
    EXPECT_TRUE(BodyOf(50'000, 1).starts_with(record.head));
    EXPECT_TRUE(BodyOf(50'000, 2).ends_with(record.tail));
  }
}

// One commit group of messages, with the rows as the spool writes them.
class LogRepairTest : public ::testing::Test {
 protected:
  static constexpr size_t kBodyBytes = 5000;

  std::string Group(size_t messages, uint64_t sequence) {
    BatchBuilder batch;
    for (size_t i = 0; i < messages; ++i) {
      ids_.push_back(NewId(static_cast<int64_t>(ids_.size())));
      batch.Put(kBody, View(IndexedKey(ids_.back(), 0)),
                BodyOf(kBodyBytes, static_cast<uint32_t>(ids_.size())));
      batch.Put(kEnvelope, ids_.back().key(), std::string(120, '\1'));
    }
    return Bytes(&batch, sequence);
  }
  // An outcome that deletes a message.
  std::string End(const MessageId& id, uint64_t sequence) {
    BatchBuilder batch;
    batch.SingleDelete(kEnvelope, id.key());
    batch.SingleDelete(kBody, View(IndexedKey(id, 0)));
    batch.Delete(kRcpt, View(IndexedKey(id, 0)));
    return Bytes(&batch, sequence);
  }
  static std::string Bytes(BatchBuilder* batch, uint64_t sequence) {
    std::string bytes;
    batch->WriteWith([&](rocksdb::WriteBatch* made) {
      bytes = made->Data();
      return 0;
    });
    for (int i = 0; i < 8; ++i)
      bytes[static_cast<size_t>(i)] = static_cast<char>(sequence >> (8 * i));
    return bytes;
  }

  // Repairs, and reads what came out: how often each id's envelope was put or its body was.
  void Repair(std::string_view log) {
    std::string repaired = repair_.Repair(log, [this](uint64_t, uint64_t) { ++gaps_; });
    ReadBack read(repaired);
    EXPECT_EQ(read.gaps, 0u);
    for (const LogRecord& record : read.records) {
      ASSERT_TRUE(record.whole);
      struct Count : rocksdb::WriteBatch::Handler {
        std::map<std::string, int>* puts;
        rocksdb::Status PutCF(uint32_t, const rocksdb::Slice& key, const rocksdb::Slice&) override {
          ++(*puts)[key.ToString()];
          return rocksdb::Status::OK();
        }
        rocksdb::Status DeleteCF(uint32_t, const rocksdb::Slice&) override {
          ++*deletes;
          return rocksdb::Status::OK();
        }
        rocksdb::Status SingleDeleteCF(uint32_t, const rocksdb::Slice&) override {
          ++*deletes;
          return rocksdb::Status::OK();
        }
        int* deletes;
      } count;
      count.puts = &puts_;
      count.deletes = &deletes_;
      // RocksDB itself takes it for a batch, its count of rows included.
      EXPECT_TRUE(rocksdb::WriteBatch(record.head).Iterate(&count).ok());
    }
  }
  bool Kept(const MessageId& id) {
    return puts_.contains(std::string(id.key())) &&
           puts_.contains(std::string(View(IndexedKey(id, 0))));
  }

  std::vector<MessageId> ids_;
  LogRepair repair_;
  std::map<std::string, int> puts_;
  int deletes_ = 0;
  size_t gaps_ = 0;
};

TEST_F(LogRepairTest, OfADamagedGroupAllIsKeptThatReads) {
  LogWriter log;
  log.Add(Group(1, 1));
  log.Add(Group(40, 3));  // 200 KB: seven fragments
  log.Add(Group(1, 83));
  for (size_t at = 0; at < log.bytes().size(); at += 1013) {
    SCOPED_TRACE(at);
    std::string damaged = log.bytes();
    Flip(&damaged, at, 16);
    repair_ = LogRepair();
    puts_.clear();
    Repair(damaged);
    size_t kept = 0;
    for (const MessageId& id : ids_) {
      kept += Kept(id);
      EXPECT_TRUE(Kept(id) || repair_.touched().contains(id)) << id.ToString();
    }
    // One fragment (32 KiB) holds parts of eight of these messages, two damaged ones of fifteen.
    EXPECT_GE(kept, ids_.size() - 15);
    EXPECT_LT(kept, ids_.size());
  }
}

TEST_F(LogRepairTest, WhatWasDeliveredLaterIsNotNamed) {
  LogWriter log;
  log.Add(Group(1, 1));
  log.Add(Group(3, 3));
  std::string damaged = log.bytes();
  Flip(&damaged, 6000, 16);  // in the first of the three
  log = LogWriter();
  log.Add(End(ids_[1], 9));
  Repair(damaged);
  EXPECT_EQ(repair_.touched().size(), 3u);
  Repair(log.bytes());
  EXPECT_EQ(repair_.touched(), (std::set<MessageId>{ids_[2], ids_[3]}));
  EXPECT_EQ(repair_.ended(), std::set<MessageId>{ids_[1]});
  EXPECT_EQ(deletes_, 3);
}

// Half of what an outcome deletes is not deleted: neither a body without its envelope's delete.
TEST_F(LogRepairTest, DeletesAreKeptOnlyBehindThatOfTheirEnvelope) {
  std::string filler = Group(15, 1);  // over three blocks, of which the second is damaged
  std::string gone = End(ids_[0], 19);
  BatchBuilder kept;
  kept.Put(kEnvelope, ids_[1].key(), std::string(120, '\1'));
  std::string tail = Bytes(&kept, 0).substr(12);
  LogWriter log;
  log.Add(filler.substr(0, 12) + gone.substr(12) + filler.substr(12) + gone.substr(12 + 19) + tail);
  std::string damaged = log.bytes();
  Flip(&damaged, 40'000, 16);
  Repair(damaged);
  EXPECT_EQ(deletes_, 5);  // all three of the head, and the two at the end: the message is over
  deletes_ = 0;
  repair_ = LogRepair();
  LogWriter other;
  other.Add(filler.substr(0, 12) + filler.substr(12) + gone.substr(12 + 19) + tail);
  damaged = other.bytes();
  Flip(&damaged, 40'000, 16);
  Repair(damaged);
  EXPECT_EQ(deletes_, 0);
}

}  // namespace
}  // namespace ringpost::storage
