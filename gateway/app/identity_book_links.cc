// IdentityBook: senders that links are sent to, and that links confirm.
#include "gateway/app/identity_book_parts.h"

namespace ringpost::app {

using identity::Json;
using identity::SenderRecord;
using storage::ControlStore;

Status IdentityBook::NoteSender(const SenderRecord& sender, const char* what, const Json& note,
                                uint32_t uid, std::vector<ControlStore::Change> more,
                                WallTime now) {
  Staged staged;
  staged.writes = std::move(more);
  staged.note = note;
  Staged::Change& change = staged.changes.emplace_back();
  change.type = RecordType::kSender;
  change.what = what;
  change.name = sender.name;
  change.account = sender.account;
  auto error = Commit(&staged, uid, now);
  return error ? MakeStatus(StatusCode::kUnavailable, error->message) : OkStatus();
}

Status IdentityBook::ConfirmSender(const std::string& name, const Json& note,
                                   std::vector<ControlStore::Change> more, WallTime now) {
  IdentityPut put;
  put.mode = IdentityPut::Mode::kUpdate;
  Staged staged;
  staged.by = "link";
  staged.note = note;
  staged.writes = std::move(more);
  auto error = StageSender(put, {{"name", name}, {"state", "verified"}}, &staged);
  if (!error) {
    staged.changes.back().what = "confirmed";
    error = Commit(&staged, 0, now);
  }
  return error ? MakeStatus(StatusCode::kUnavailable, error->message) : OkStatus();
}

}  // namespace ringpost::app
