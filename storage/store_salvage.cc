// `ringpost store salvage`: what is whole goes into a new store.
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "gateway/base/limits.h"
#include "storage/batch_builder.h"
#include "storage/damaged_store.h"
#include "storage/message_reader.h"
#include "storage/message_walk.h"
#include "storage/rocks_status.h"
#include "storage/rows.h"
#include "storage/store_lock.h"
#include "storage/store_tools.h"

namespace ringpost::storage {
namespace {

// Copies messages; writes a batch when enough is gathered, synced at the end.
class Copier {
 public:
  Copier(DamagedStore* from, Database* to, KeyRing* to_keys)
      : to_(*to), to_keys_(*to_keys), reader_(&from->database(), &from->keys()) {}

  // Reads a message and opens all of it once. An error: it is not whole.
  Status Read(const MessageId& id, std::string_view row);
  // Adds what was read last. An error: the new store's.
  Status Add(const MessageId& id, StoreReport* report);
  Status Write(bool sync);

 private:
  Database& to_;
  KeyRing& to_keys_;
  MessageReader reader_;
  BatchBuilder batch_;
  // The message that was read last.
  StoredEnvelope envelope_;
  std::string record_;
  std::vector<RecipientState> recipients_;
  tls::Key key_;
  std::vector<std::string> sealed_;
};

Status Copier::Read(const MessageId& id, std::string_view row) {
  StatusOr<EnvelopeRow> decoded = DecodeEnvelopeRow(row);
  if (!decoded.ok()) return decoded.status();
  record_ = decoded->record;
  Status status = reader_.ReadEnvelope(id, &envelope_, &recipients_);
  if (status.ok()) status = reader_.ReadKey(id, &key_);
  if (!status.ok()) return status;
  sealed_.clear();
  return reader_.ReadWholeBody(id, envelope_, [this](std::string_view sealed, std::string_view) {
    sealed_.emplace_back(sealed);
    return OkStatus();
  });
}

Status Copier::Add(const MessageId& id, StoreReport* report) {
  char* place =
      batch_.PutSpace(to_.id(Family::kEnvelope), id.key(), kEnvelopeRowHeadBytes + record_.size());
  ByteWriter out(place);
  // Incarnation 0 is before every opening: the first scan finds it.
  WriteEnvelopeRowHead(0, to_keys_.Wrap(id, key_), out);
  out.Raw(record_);
  for (uint32_t i = 0; i < sealed_.size(); ++i) {
    batch_.Put(to_.id(Family::kBody), View(IndexedKey(id, i)), sealed_[i]);
  }
  for (uint32_t i = 0; i < recipients_.size(); ++i) {
    if (recipients_[i] == RecipientState()) continue;
    batch_.Put(to_.id(Family::kRcpt), View(IndexedKey(id, i)),
               EncodeRecipientState(recipients_[i]));
  }
  ++report->whole;
  report->body_bytes += envelope_.body_bytes;
  return batch_.bytes() < limits::kCommitGroupBytesMax ? OkStatus() : Write(false);
}

Status Copier::Write(bool sync) {
  rocksdb::WriteOptions options;
  options.sync = sync;
  rocksdb::Status status =
      batch_.WriteWith([&](rocksdb::WriteBatch* batch) { return to_.db().Write(options, batch); });
  batch_.Clear();
  return FromRocks(status, "writing the new store");
}

}  // namespace

Status SalvageStore(const SpoolOptions& options, const std::string& out_path, StoreReport* report,
                    const ToolProgress& progress) {
  StatusOr<StoreLock> lock = StoreLock::Take(Engine(options).database_path());
  if (!lock.ok()) return lock.status();
  if (mkdir(out_path.c_str(), 0700) != 0) {
    return MakeStatus(StatusCode::kFailedPrecondition,
                      "the new store " + out_path + " cannot be made: " + std::strerror(errno));
  }
  DamagedStore from(options);
  Status opened = from.Open(out_path + ".work", report);
  if (!opened.ok()) return opened;
  SpoolOptions new_options = options;
  new_options.path = out_path;
  new_options.key_file = from.engine().options.key_file;
  Engine engine(new_options);
  StatusOr<std::unique_ptr<Database>> to = Database::Open(engine, Database::Mode::kServe);
  if (!to.ok()) return to.status();
  StatusOr<std::unique_ptr<KeyRing>> keys = KeyRing::Open(engine, KeyRing::Mode::kServe);
  if (!keys.ok()) return keys.status();

  Copier copier(&from, to->get(), keys->get());
  Status walked =
      WalkMessages(from.database(), report, [&](const MessageId& id, std::string_view row) {
        if (++report->messages % 1000 == 0 && progress) progress(report->messages);
        Status read = copier.Read(id, row);
        if (read.ok()) return copier.Add(id, report);
        AddDamage(report, id.ToString(), MessageOf(read));
        return OkStatus();
      });
  return walked.ok() ? copier.Write(true) : walked;
}

}  // namespace ringpost::storage
