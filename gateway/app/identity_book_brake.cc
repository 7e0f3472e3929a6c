// IdentityBook: a credential that the brake blocks.
#include "gateway/app/identity_book_parts.h"

namespace ringpost::app {

using identity::CredentialRecord;
using identity::CredentialStatus;
using identity::Json;

StatusOr<std::optional<BrakedCredential>> IdentityBook::Brake(uint32_t credential,
                                                              const std::string& why,
                                                              WallTime now) {
  std::optional<BrakedCredential> none;
  auto held = Read(CredentialKey(credential));
  if (!held.ok()) return held.status();
  if (!*held) return none;
  auto record = CredentialRecord::Parse(**held);
  if (!record.ok()) return record.status();
  if (record->status != CredentialStatus::kAllowed) return none;
  auto account = AccountNamed(record->account);
  const identity::Account* owner = account ? directory_->FindAccount(*account) : nullptr;
  if (!owner || owner->exempt) return none;
  IdentityPut put;
  put.mode = IdentityPut::Mode::kUpdate;
  Json given = {{"kind", identity::KindName(record->kind)},
                {"name", record->name},
                {"status", "blocked"},
                {"blocked_because", why}};
  Staged staged;
  staged.by = "brake";
  staged.next_account = next_account_;
  staged.next_credential = next_credential_;
  auto error = StageCredential(put, std::move(given), &staged);
  if (!error) error = Commit(&staged, 0, now);
  if (error) return MakeStatus(StatusCode::kUnavailable, error->message);
  return std::optional<BrakedCredential>({owner->name, record->name});
}

}  // namespace ringpost::app
