// What the control socket's "identity ..." commands ask for, as plain data, and their bounds. The
// records themselves are identity/records.h's. Sans-IO.
//
//   {"command":"identity put","mode":"create","records":[{"type":"account","name":"acme"}]}
//   {"command":"identity remove","type":"credential","kind":"user","name":"printer-7"}
//   {"command":"identity list","type":"credential","account":"acme","limit":100,"after":"..."}
//   {"command":"identity audit","limit":100}
//
//   put      mode: create (each is new), update (each is there: members that are given replace
//            theirs, null makes them their default), put (new, or replaced as a whole). All of the
//            records or none. A credential may have "password" (text, or true: one is made and is
//            in the answer) or "password_record" (as an export with secrets has it); an API key
//            "key" (true: one is made and is in the answer) or "key_record", likewise.
//            assume_accounts (dry runs alone): names that count as there
//   remove   with: an account's credentials and senders too
//   list     with a name: that one, and "use": recipients of the day and month where they have a
//            quota, what became of them in the last 24 hours
//            after: what the page before said as "next". secrets: what passwords and keys are
//   checked against too audit    newest first dry_run  says what would be done
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>

#include "gateway/app/control_request.h"
#include "gateway/base/limits.h"
#include "gateway/identity/records.h"

namespace ringpost::app {

enum class RecordType : uint8_t { kAccount, kSender, kCredential };
std::string_view RecordTypeName(RecordType type);

struct IdentityPut {
  enum class Mode : uint8_t { kPut, kCreate, kUpdate };
  Mode mode = Mode::kPut;
  bool dry_run = false;
  std::set<std::string, std::less<>> assume_accounts;  // lower case
  identity::Json records;                              // an array
};

struct IdentityRemove {
  RecordType type = RecordType::kAccount;
  identity::CredentialKind kind = identity::CredentialKind::kUser;
  std::string name;
  bool with = false;
  bool dry_run = false;
};

struct IdentityList {
  std::optional<RecordType> type;
  std::optional<identity::CredentialKind> kind;
  std::string name, account, after;  // empty: any
  uint32_t limit = limits::kControlListEntriesDefault;
  bool secrets = false;
};

struct IdentityAudit {
  std::string account, after;
  uint32_t limit = limits::kControlListEntriesDefault;
};

using IdentityRequest = std::variant<IdentityPut, IdentityRemove, IdentityList, IdentityAudit>;

// `command` is one of the four, `members` the whole request object.
std::variant<IdentityRequest, ControlError> ParseIdentityRequest(ControlCommand command,
                                                                 identity::Json members);

}  // namespace ringpost::app
