// What each sub-command of `ringpost` does, given its options. Output goes to standard output,
// errors and questions to standard error; each returns the exit code.
#pragma once

#include <string>
#include <vector>

#include "tools/ringpost/connection.h"
#include "tools/ringpost/table.h"

namespace ringpost::cli {

struct Options {
  std::string socket;  // empty: SocketPath finds it
  bool json = false;
  Terminal terminal;

  // Which queue entries.
  std::vector<std::string> ids;
  std::string region, domain, next_hop, sender;
  bool held = false;
  bool all = false;

  bool yes = false;             // delete, bounce, remove: asked already
  bool counters = false;        // status
  uint32_t limit = 0;           // lists; 0: everything
  std::string reason;           // bounce
  std::string duration = "4h";  // suspend
  std::string client;           // trace
  std::string file;  // config check, store, import, bounce: what is looked at; export, dns
                     // zone: where to
  std::string out;   // store salvage, export-queue: where to

  // An account, a credential, a sender.
  std::string name, kind, account;
  Json fields = Json::object();  // what was given of its members; null: back to what is usual
  bool password_stdin = false;
  bool no_password = false;    // add: nobody can log in yet
  bool with_all = false;       // account remove: also what it has
  bool secrets = false;        // export
  bool dry_run = false;        // import
  uint32_t audit_limit = 100;  // 0: everything

  // Suppressions.
  std::vector<std::string> entries;  // add, remove
  bool own = false;                  // those of the operator's own hosts, not of an account
  std::string since, detail;         // add
  bool csv = false;                  // export
  // shaping explain: `domain`, `account` as above.
  std::vector<std::string> hosts;
  std::string source, config;

  bool ed25519 = false;  // domain add
  std::string server;    // dns push: an Endpoint
  std::string tsig_key;  // dns push: a file

  std::string classes;  // bounce classify: a file; empty: the rules that are compiled in
};

int Status(const Options& options);
int QueueSummary(const Options& options);
int QueueList(const Options& options);
int QueueShow(const Options& options);
// `verb`: retry, hold, release, delete, bounce.
int QueueChange(const std::string& verb, const Options& options);
int Suspend(const Options& options);
int Resume(const Options& options);
int Suspensions(const Options& options);
int Reload(const Options& options);
int Drain(const Options& options);
int Trace(const Options& options);
int ConfigCheck(const Options& options);
// By files alone: what a running daemon goes by is what they said when it loaded them.
int ShapingExplain(const Options& options);
int ShapingCheck(const Options& options);
// `type`: account, credential, sender; each by `name`, a credential's kind is "user" where it is
// not given.
int RecordAdd(const std::string& type, const Options& options);
int RecordSet(const std::string& type, const Options& options);
// An address without a --state is sent a link; all else is a record.
int SenderAdd(const Options& options);
int SenderLink(const Options& options);
int RecordList(const std::string& type, const Options& options);
int RecordShow(const std::string& type, const Options& options);
int RecordRemove(const std::string& type, const Options& options);
int CredentialPassword(const Options& options);
int CredentialKey(const Options& options);
int AccountExport(const Options& options);
int AccountImport(const Options& options);
int Audit(const Options& options);
int DomainAdd(const Options& options);
int DomainShow(const Options& options);
int DomainList(const Options& options);
int DomainRemove(const Options& options);
int DomainCheck(const Options& options);
int DomainRotate(const Options& options);
int DnsZone(const Options& options);
int DnsPush(const Options& options);
int TlsPolicies(const Options& options);
// `reason` is one of an entry's; add: "manual" where it is not given.
int SuppressionAdd(const Options& options);
int SuppressionRemove(const Options& options);
int SuppressionList(const Options& options);
int SuppressionShow(const Options& options);
int SuppressionExport(const Options& options);
int SuppressionImport(const Options& options);
// On a store that no daemon has open: `file` is a region's store or its spool.
int BounceClassify(const Options& options);
int StoreCheck(const Options& options);
int StoreSalvage(const Options& options);
int StoreExportQueue(const Options& options);

}  // namespace ringpost::cli
