// ringpost account|credential|sender add, set, remove and their shorthands; credential password,
// key.
#include <cstdio>

#include "gateway/base/wipe.h"
#include "tools/ringpost/commands.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/password_input.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"
#include "tools/ringpost/view_identity.h"

namespace ringpost::cli {
namespace {

// What names the record that a command is about.
Json RecordJson(const std::string& type, const Options& options) {
  Json record = {{"type", type}};
  if (type == "credential") record["kind"] = options.kind.empty() ? "user" : options.kind;
  record["name"] = options.name;
  return record;
}

void PrintSecret(const Json& change) {
  for (const char* what : {"password", "key"}) {
    const std::string secret = TextOf(change, what);
    if (secret.empty()) continue;
    Print("Its " + std::string(what) + " is shown only now; it is kept nowhere in this form:\n\n" +
          SafeText(secret) + "\n\n");
  }
}

// One record goes out; `done` is said of it where the daemon has changed something.
int PutOne(const char* mode, Json record, const Options& options, const std::string& done) {
  const std::string type = TextOf(record, "type"), title = RecordTitle(record);
  Json request = {{"command", "identity put"}, {"mode", mode}};
  request["records"] = Json::array({std::move(record)});
  Session session(options);
  auto answer = session.Ask(request);
  if (!answer) return session.code();
  if (options.json) PrintJson(*answer);
  const int code = session.CodeOf(*answer);
  if (code != kDone) SayKindHint(*answer, type, options);
  if (code != kDone || options.json) return code;
  const Json& changes = ListOf(*answer, "changes");
  const Json change = changes.is_array() && !changes.empty() ? changes[0] : Json::object();
  if (TextOf(change, "what") == "unchanged") {
    Print("Nothing to change: " + title + " is so already.\n");
  } else {
    Print(done + " " + title + ".\n");
  }
  PrintSecret(change);
  return code;
}

// The user's password: one that is given, or one that the daemon makes. Not kDone: has been said.
int AddPassword(const Options& options, Json* record) {
  if (!options.password_stdin) {
    (*record)["password"] = true;
    return kDone;
  }
  auto password = ReadPassword();
  if (!password) return kUsage;
  (*record)["password"] = *password;
  WipeString(&*password);
  return kDone;
}

bool HasPassword(const Json& record) { return TextOf(record, "kind") == "user"; }

int RefusePassword(const Json& record) {
  const std::string kind = TextOf(record, "kind");
  Complain(kind == "api_key" ? "an API key has no password: ringpost credential key makes its key"
                             : "a " + kind + " has no password: clients are known by it alone");
  return kUsage;
}

// An account that has something is refused, unless that is to go too.
void SayWithAllHint(const Json& answer, const std::string& type, const Options& options) {
  if (type != "account" || options.with_all || !answer.contains("error") ||
      TextOf(answer["error"], "code") == "not_found") {
    return;
  }
  std::fputs("  --with-all removes what it has, too\n", stderr);
}

// "account acme with 12 credentials and 3 senders": what a removal would take with it. Empty: it
// cannot be removed, which has been said.
std::string WhatGoes(Session* session, Json request, const std::string& title,
                     const Options& options) {
  request["dry_run"] = true;
  auto answer = session->Ask(request);
  if (!answer) return "";
  const std::string of = TextOf(request, "type");
  if (session->CodeOf(*answer) != kDone) {
    SayKindHint(*answer, of, options);
    SayWithAllHint(*answer, of, options);
    return "";
  }
  uint64_t credentials = 0, senders = 0;
  for (const Json& change : ListOf(*answer, "changes")) {
    if (!change.is_object()) continue;
    const std::string type = TextOf(change, "type");
    if (type == "credential") ++credentials;
    if (type == "sender") ++senders;
  }
  if (of != "account") return title;
  auto count = [](uint64_t n, const char* one) {
    return FormatCount(n) + " " + one + (n == 1 ? "" : "s");
  };
  return title + " with " + count(credentials, "credential") + " and " + count(senders, "sender");
}

}  // namespace

int RecordAdd(const std::string& type, const Options& options) {
  Json record = RecordJson(type, options);
  if (!options.account.empty()) record["account"] = options.account;
  record.update(options.fields);
  if (type == "sender" && !record.contains("state")) record["state"] = "verified";
  if (type == "credential") {
    if (options.password_stdin && !HasPassword(record)) return RefusePassword(record);
    const std::string kind = TextOf(record, "kind");
    if (kind == "api_key" && !options.no_password) record["key"] = true;
    const bool makes = kind == "user" && !options.no_password;
    if (makes || options.password_stdin) {
      if (int code = AddPassword(options, &record); code != kDone) return code;
    }
  }
  return PutOne("create", std::move(record), options, "Added");
}

int RecordSet(const std::string& type, const Options& options) {
  if (options.fields.empty() && options.account.empty()) {
    Complain("what is to be changed? ringpost " + type + " set --help says what can be");
    return kUsage;
  }
  Json record = RecordJson(type, options);
  if (!options.account.empty()) record["account"] = options.account;
  record.update(options.fields);
  return PutOne("update", std::move(record), options, "Changed");
}

int CredentialPassword(const Options& options) {
  Json record = RecordJson("credential", options);
  if (!HasPassword(record)) return RefusePassword(record);
  if (int code = AddPassword(options, &record); code != kDone) return code;
  return PutOne("update", std::move(record), options, "Changed the password of");
}

int CredentialKey(const Options& options) {
  Json record = {{"type", "credential"}, {"kind", "api_key"}, {"name", options.name}};
  record["key"] = true;
  return PutOne("update", std::move(record), options, "Changed the key of");
}

int RecordRemove(const std::string& type, const Options& options) {
  if (!options.yes && !CanAsk(options)) {
    Complain("this removes for ever: repeat with --yes");
    return kUsage;
  }
  const Json record = RecordJson(type, options);
  Json request = {{"command", "identity remove"}};
  request.update(record);
  if (options.with_all) request["with"] = true;
  Session session(options);
  if (!options.yes) {
    const std::string what = WhatGoes(&session, request, RecordTitle(record), options);
    if (what.empty()) return session.code() != kDone ? session.code() : kRefused;
    if (!AskWhether("remove " + what)) return kUsage;
  }
  auto answer = session.Ask(request);
  if (!answer) return session.code();
  if (options.json) PrintJson(*answer);
  const int code = session.CodeOf(*answer);
  if (code != kDone) {
    SayKindHint(*answer, type, options);
    SayWithAllHint(*answer, type, options);
  }
  if (code != kDone || options.json) return code;
  const size_t others = ListOf(*answer, "changes").size();
  Print("Removed " + RecordTitle(record) +
        (others > 1 ? ", and what it had: " + FormatCount(others - 1) : "") + ".\n");
  return code;
}

}  // namespace ringpost::cli
