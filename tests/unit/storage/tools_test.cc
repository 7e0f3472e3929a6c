// Check, salvage, export: on a whole store, and on one damaged in its log, a table file, a blob
// file.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "storage/sim/rocks_spool_testing.h"
#include "storage/store_tools.h"
#include "tests/unit/storage/spool_harness.h"

namespace ringpost::storage {
namespace {

class ToolsTest : public ::testing::Test {
 protected:
  SpoolOptions Options(std::string name = "spool") {
    SpoolOptions options;
    options.path = dir_.path() + "/" + name;
    options.key_file = dir_.path() + "/store.key";
    options.memtable_bytes = 32 * limits::kMiB;
    options.free_space_floor_bytes = 1;
    return options;
  }

  // Messages of 5 KB (which go to blob files when flushed), flushed or left in the log.
  void MakeStore(int messages, bool flush) {
    auto spool = RocksSpool::Open(Options());
    ASSERT_TRUE(spool.ok()) << spool.status();
    for (int i = 0; i < messages; ++i) {
      MessageId id = NewId(messages - i);
      bodies_[id] = BodyOf(5000, static_cast<uint32_t>(i));
      Store(spool->get(), &shard_, id, bodies_[id]);
    }
    auto defer = Defer(&shard_, bodies_.begin()->first, 0, 3);
    Commit(spool->get(), &shard_, defer.get());
    if (flush) {
      ASSERT_TRUE(RocksSpoolTesting::Flush(spool->get()).ok());
    }
  }

  std::vector<std::filesystem::path> FilesOf(std::string_view extension) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(Options().path + "/db")) {
      if (entry.path().extension() == extension && entry.file_size() > 4096) {
        files.push_back(entry.path());
      }
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  // Turns some bytes in the middle of a file over.
  void Damage(const std::filesystem::path& path, uint64_t at, size_t bytes = 16) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    std::string old(bytes, '\0');
    file.seekg(static_cast<std::streamoff>(at));
    file.read(old.data(), static_cast<std::streamsize>(bytes));
    for (char& c : old) c = static_cast<char>(~c);
    file.seekp(static_cast<std::streamoff>(at));
    file.write(old.data(), static_cast<std::streamsize>(bytes));
  }

  // Salvages and returns what the new store holds; each body was compared.
  std::set<MessageId> Salvaged(StoreReport* report) {
    Status status = SalvageStore(Options(), Options("saved").path, report, {});
    EXPECT_TRUE(status.ok()) << status;
    std::set<MessageId> ids;
    auto spool = RocksSpool::Open(Options("saved"));
    EXPECT_TRUE(spool.ok()) << spool.status();
    if (!spool.ok()) return ids;
    for (const ScannedMessage& message : ScanAll(spool->get())) {
      ids.insert(message.id);
      auto body = ReadBody(spool->get(), &shard_, message.id, message.envelope.body_chunks);
      EXPECT_EQ(body->body, bodies_[message.id]);
      uint16_t attempts = message.id == bodies_.begin()->first ? 3 : 0;
      EXPECT_EQ(message.recipients[0].attempts, attempts);
    }
    return ids;
  }

  TempDir dir_;
  TestShard shard_;
  std::map<MessageId, std::string> bodies_;
};

TEST_F(ToolsTest, AWholeStoreIsFoundWhole) {
  for (bool flush : {false, true}) {
    MakeStore(20, flush);
    StoreReport report;
    Status status = CheckStore(Options(), &report, {});
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_TRUE(report.opens);
    EXPECT_EQ(report.messages, bodies_.size());
    EXPECT_EQ(report.whole, bodies_.size());
    EXPECT_EQ(report.body_bytes, bodies_.size() * 5000);
    EXPECT_EQ(report.damage_total, 0u);
  }
  StoreReport report;
  EXPECT_EQ(Salvaged(&report).size(), 40u);
}

TEST_F(ToolsTest, NoStoreIsAnError) {
  StoreReport report;
  EXPECT_EQ(CheckStore(Options(), &report, {}).code(), StatusCode::kNotFound);
}

class NoSink final : public ExportSink {
  Status Begin(const MessageId&, const StoredEnvelope&,
               const std::vector<RecipientState>&) override {
    return OkStatus();
  }
  Status Body(std::string_view) override { return OkStatus(); }
  Status End(const Status&) override { return OkStatus(); }
};

// Another process that holds the store's lock as an open RocksDB does, until it is destroyed.
class LockHolder {
 public:
  explicit LockHolder(const std::string& lock_file) {
    EXPECT_EQ(pipe(held_), 0);
    EXPECT_EQ(pipe(done_), 0);
    child_ = fork();
    if (child_ == 0) {
      close(done_[1]);
      struct flock whole{};
      whole.l_type = F_WRLCK;
      int fd = open(lock_file.c_str(), O_RDWR);
      char byte = fcntl(fd, F_SETLK, &whole) == 0 ? 'y' : 'n';
      bool told = write(held_[1], &byte, 1) == 1;
      _exit(told && read(done_[0], &byte, 1) == 0 ? 0 : 1);
    }
    char byte = 0;
    EXPECT_EQ(read(held_[0], &byte, 1), 1);
    EXPECT_EQ(byte, 'y');
  }
  ~LockHolder() {
    close(done_[1]);
    int status = 0;
    EXPECT_EQ(waitpid(child_, &status, 0), child_);
    for (int fd : {held_[0], held_[1], done_[0]}) close(fd);
  }
  std::string process() const { return std::to_string(child_); }

 private:
  int held_[2], done_[2];
  pid_t child_ = -1;
};

TEST_F(ToolsTest, AStoreThatIsOpenIsLeftAlone) {
  MakeStore(1, true);
  StoreReport report;
  NoSink sink;
  {
    LockHolder daemon(Options().path + "/db/LOCK");
    Status checked = CheckStore(Options(), &report, {});
    EXPECT_EQ(checked.code(), StatusCode::kFailedPrecondition);
    EXPECT_NE(MessageOf(checked).find("(process " + daemon.process() + ")"), std::string_view::npos)
        << checked;
    EXPECT_EQ(SalvageStore(Options(), Options("saved").path, &report, {}).code(),
              StatusCode::kFailedPrecondition);
    EXPECT_FALSE(std::filesystem::exists(Options("saved").path));
    EXPECT_EQ(ExportQueue(Options(), &sink, &report, {}).code(), StatusCode::kFailedPrecondition);
    EXPECT_EQ(report.messages, 0u);
  }
  EXPECT_TRUE(CheckStore(Options(), &report, {}).ok());
  EXPECT_TRUE(RocksSpool::Open(Options()).ok()) << "the lock was given back";
}

TEST_F(ToolsTest, ALogDamagedInTheMiddleDoesNotOpenButIsSalvaged) {
  MakeStore(60, false);
  auto logs = FilesOf(".log");
  ASSERT_EQ(logs.size(), 1u);
  Damage(logs[0], std::filesystem::file_size(logs[0]) / 2);

  auto spool = RocksSpool::Open(Options());
  ASSERT_FALSE(spool.ok());
  EXPECT_EQ(spool.status().code(), StatusCode::kDataLoss);
  EXPECT_NE(MessageOf(spool.status()).find("ringpost store salvage"), std::string_view::npos);

  StoreReport check;
  Status checked = CheckStore(Options(), &check, {});
  ASSERT_TRUE(checked.ok()) << checked;
  EXPECT_FALSE(check.opens);
  EXPECT_GT(check.whole, 40u);
  EXPECT_LT(check.whole, 60u);
  // That it does not open, what was left out, and by name the messages that are lost.
  std::set<MessageId> lost;
  for (const StoreDamage& damage : check.damage) {
    if (auto id = MessageId::Parse(damage.where)) lost.insert(*id);
  }
  EXPECT_EQ(lost.size(), 60 - check.whole);
  EXPECT_GE(check.damage_total, lost.size() + 2);

  StoreReport salvage;
  std::set<MessageId> saved = Salvaged(&salvage);
  EXPECT_EQ(saved.size(), check.whole);
  for (const MessageId& id : lost) EXPECT_FALSE(saved.contains(id));
  // The damaged store is as it was, and nothing is left beside it.
  EXPECT_EQ(RocksSpool::Open(Options()).status().code(), StatusCode::kDataLoss);
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
    EXPECT_EQ(entry.path().string().find(".work"), std::string::npos) << entry.path();
  }
}

// Records of several blocks of the log, behind messages that are in blob files already: RocksDB's
// own recovery gives up on those, and its repair loses these.
TEST_F(ToolsTest, ADamagedLogOfBigMessagesCostsTheOneInItsDamage) {
  MakeStore(20, true);
  auto spool = RocksSpool::Open(Options());
  ASSERT_TRUE(spool.ok()) << spool.status();
  for (uint32_t i = 0; i < 6; ++i) {
    MessageId id = NewId();
    bodies_[id] = BodyOf(200'000, i);
    Store(spool->get(), &shard_, id, bodies_[id]);
  }
  spool->reset();
  auto logs = FilesOf(".log");
  ASSERT_EQ(logs.size(), 1u);
  Damage(logs[0], 500'000);
  StoreReport check;
  ASSERT_TRUE(CheckStore(Options(), &check, {}).ok());
  EXPECT_FALSE(check.opens);
  EXPECT_EQ(check.whole, 25u);
  StoreReport salvage;
  EXPECT_EQ(Salvaged(&salvage).size(), 25u);
}

TEST_F(ToolsTest, ADamagedBlobFileCostsTheMessagesInItsDamage) {
  MakeStore(60, true);
  auto blobs = FilesOf(".blob");
  ASSERT_EQ(blobs.size(), 1u);
  Damage(blobs[0], std::filesystem::file_size(blobs[0]) / 2);
  StoreReport check;
  ASSERT_TRUE(CheckStore(Options(), &check, {}).ok());
  EXPECT_TRUE(check.opens);
  EXPECT_EQ(check.messages, 60u);
  EXPECT_EQ(check.whole, 59u);
  ASSERT_EQ(check.damage.size(), 1u);
  auto named = MessageId::Parse(check.damage[0].where);
  ASSERT_TRUE(named.has_value()) << check.damage[0].where;
  StoreReport salvage;
  std::set<MessageId> saved = Salvaged(&salvage);
  EXPECT_EQ(saved.size(), 59u);
  EXPECT_FALSE(saved.contains(*named));
}

TEST_F(ToolsTest, ADamagedTableFileCostsTheRowsOfItsDamage) {
  MakeStore(200, true);
  for (const auto& table : FilesOf(".sst")) {
    if (std::filesystem::file_size(table) < 20'000) continue;
    Damage(table, 9000);  // in the data blocks of the envelopes
  }
  StoreReport check;
  Status checked = CheckStore(Options(), &check, {});
  ASSERT_TRUE(checked.ok()) << checked;
  EXPECT_GT(check.whole, 150u);
  EXPECT_LT(check.whole, 200u);
  EXPECT_GT(check.damage_total, 0u);
  StoreReport salvage;
  EXPECT_EQ(Salvaged(&salvage).size(), check.whole);
}

TEST_F(ToolsTest, TheQueueIsExportedWithTracesAndBodies) {
  MakeStore(5, false);
  struct Sink : ExportSink {
    std::map<MessageId, std::string> mails;
    std::vector<std::string> lines;
    MessageId current;
    Status Begin(const MessageId& id, const StoredEnvelope& envelope,
                 const std::vector<RecipientState>& recipients) override {
      current = id;
      lines.push_back(ExportLine(id, envelope, recipients));
      return OkStatus();
    }
    Status Body(std::string_view part) override {
      mails[current] += part;
      return OkStatus();
    }
    Status End(const Status& whole) override { return whole; }
  } sink;
  StoreReport report;
  ASSERT_TRUE(ExportQueue(Options(), &sink, &report, {}).ok());
  ASSERT_EQ(sink.mails.size(), 5u);
  for (const auto& [id, mail] : sink.mails) EXPECT_EQ(mail, EnvelopeOf().trace + bodies_[id]);
  EXPECT_EQ(
      sink.lines[0],
      "{\"id\":\"" + bodies_.begin()->first.ToString() +
          "\",\"received\":\"2026-09-21T14:13:20.123Z\",\"deadline\":\"2026-09-26T14:13:20.123Z\","
          "\"from\":\"sender@example.com\",\"size\":5000,\"recipients\":[{\"to\":"
          "\"user0@example.net\",\"status\":\"deferred\",\"attempts\":3}]}");
}

}  // namespace
}  // namespace ringpost::storage
