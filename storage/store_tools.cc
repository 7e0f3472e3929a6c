#include "storage/store_tools.h"

#include <unistd.h>

#include "gateway/base/text.h"
#include "storage/damaged_store.h"
#include "storage/message_reader.h"
#include "storage/message_walk.h"
#include "storage/rocks_status.h"
#include "storage/rows.h"
#include "storage/store_lock.h"

namespace ringpost::storage {
namespace {

constexpr uint64_t kProgressEvery = 1000;

std::string WorkDirFor(const std::string& path) {
  return path + ".work-" + std::to_string(getpid());
}

Status ReadWhole(DamagedStore& store, const MessageId& id, StoredEnvelope* envelope) {
  MessageReader reader(&store.database(), &store.keys());
  std::vector<RecipientState> recipients;
  Status status = reader.ReadEnvelope(id, envelope, &recipients);
  if (!status.ok()) return status;
  return reader.ReadWholeBody(id, *envelope,
                              [](std::string_view, std::string_view) { return OkStatus(); });
}

Status CountOrphans(Database& database, StoreReport* report) {
  std::unique_ptr<rocksdb::Iterator> rows(
      database.db().NewIterator(rocksdb::ReadOptions(), database.handle(Family::kMeta)));
  for (rows->Seek(rocksdb::Slice(&kMetaStreamPrefix, 1)); rows->Valid(); rows->Next()) {
    std::string_view key = FromRocks(rows->key());
    if (!key.starts_with(kMetaStreamPrefix) || key.size() != 1 + kMessageKeyBytes) break;
    ++report->orphan_streams;
  }
  return FromRocks(rows->status(), "reading meta");
}

}  // namespace

Status CheckStore(const SpoolOptions& options, StoreReport* report, const ToolProgress& progress) {
  StatusOr<StoreLock> lock = StoreLock::Take(Engine(options).database_path());
  if (!lock.ok()) return lock.status();
  DamagedStore store(options);
  Status opened = store.Open(WorkDirFor(options.path), report);
  if (!opened.ok()) return opened;
  Status walked =
      WalkMessages(store.database(), report, [&](const MessageId& id, std::string_view) {
        if (++report->messages % kProgressEvery == 0 && progress) progress(report->messages);
        StoredEnvelope envelope;
        Status whole = ReadWhole(store, id, &envelope);
        if (whole.ok()) {
          ++report->whole;
          report->body_bytes += envelope.body_bytes;
        } else {
          AddDamage(report, id.ToString(), MessageOf(whole));
        }
        return OkStatus();
      });
  return walked.ok() ? CountOrphans(store.database(), report) : walked;
}

Status ExportQueue(const SpoolOptions& options, ExportSink* sink, StoreReport* report,
                   const ToolProgress& progress) {
  StatusOr<StoreLock> lock = StoreLock::Take(Engine(options).database_path());
  if (!lock.ok()) return lock.status();
  DamagedStore store(options);
  Status opened = store.Open(WorkDirFor(options.path), report);
  if (!opened.ok()) return opened;
  MessageReader reader(&store.database(), &store.keys());
  return WalkMessages(store.database(), report, [&](const MessageId& id, std::string_view) {
    if (++report->messages % kProgressEvery == 0 && progress) progress(report->messages);
    StoredEnvelope envelope;
    std::vector<RecipientState> recipients;
    Status whole = reader.ReadEnvelope(id, &envelope, &recipients);
    if (!whole.ok()) {
      AddDamage(report, id.ToString(), MessageOf(whole));
      return OkStatus();
    }
    Status sunk = sink->Begin(id, envelope, recipients);
    if (sunk.ok()) sunk = sink->Body(envelope.trace);
    // What the sink refuses ends the export; what the store cannot read is told to the sink.
    if (sunk.ok()) {
      whole = reader.ReadWholeBody(id, envelope, [&](std::string_view, std::string_view plain) {
        return sunk = sink->Body(plain);
      });
    }
    if (!sunk.ok()) return sunk;
    if (whole.ok()) {
      ++report->whole;
      report->body_bytes += envelope.body_bytes;
    } else {
      AddDamage(report, id.ToString(), MessageOf(whole));
    }
    return sink->End(whole);
  });
}

std::string ExportLine(const MessageId& id, const StoredEnvelope& envelope,
                       const std::vector<RecipientState>& recipients) {
  static constexpr std::string_view kStatus[] = {"queued", "deferred", "held", "delivered",
                                                 "bounced"};
  std::string line = "{\"id\":\"" + id.ToString() + "\"";
  line += ",\"received\":\"" + FormatRfc3339(envelope.received) + "\"";
  line += ",\"deadline\":\"" + FormatRfc3339(envelope.deadline) + "\"";
  line += ",\"from\":\"";
  AppendJsonEscaped(&line, envelope.reverse_path);
  line += "\",\"size\":" + std::to_string(envelope.body_bytes) + ",\"recipients\":[";
  for (size_t i = 0; i < envelope.recipients.size(); ++i) {
    const RecipientState& state = i < recipients.size() ? recipients[i] : RecipientState();
    line += i == 0 ? "{\"to\":\"" : ",{\"to\":\"";
    AppendJsonEscaped(&line, envelope.recipients[i].address);
    line += "\",\"status\":\"";
    line += kStatus[static_cast<size_t>(state.status)];
    line += "\",\"attempts\":" + std::to_string(state.attempts) + "}";
  }
  return line + "]}";
}

}  // namespace ringpost::storage
