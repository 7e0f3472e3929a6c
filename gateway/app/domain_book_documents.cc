// DomainBook: domains in exports, and domains that are imported.
#include <set>
#include <unordered_map>

#include "gateway/app/control_json.h"
#include "gateway/app/domain_book.h"
#include "gateway/app/identity_book_parts.h"
#include "gateway/base/text.h"
#include "gateway/base/wipe.h"
#include "gateway/identity/sender_domain_document.h"
#include "gateway/identity/sender_domain_json.h"

namespace ringpost::app {
namespace {

using identity::DomainImport;
using identity::Json;
using storage::ControlStore;

std::vector<std::string> TokensOf(const identity::SenderDomain& domain) {
  std::vector<std::string> tokens = {domain.return_path_token};
  for (const identity::DkimSlot& slot : domain.slots) tokens.push_back(slot.token);
  return tokens;
}

const char* WhatWord(DomainImport::What what) {
  if (what == DomainImport::What::kAdded) return "added";
  return what == DomainImport::What::kChanged ? "changed" : "unchanged";
}

struct WipedKeys {
  identity::SlotKeys* keys;
  ~WipedKeys() {
    for (std::string& key : *keys) WipeString(&key);
  }
};

Json Refused(const ControlError& error, size_t record) {
  Json answer = ErrorAnswer(error);
  answer["record"] = record;
  return answer;
}

}  // namespace

// One request's work, until it is written.
struct DomainBook::Imports {
  struct One {
    std::string account;
    DomainImport import;
    std::optional<Domain> stale;  // there of an account that has the sender no more
  };
  std::vector<One> all;  // in the order of the request's
  std::set<std::string> names;

  ~Imports() {
    for (One& one : all) {
      for (std::string& key : one.import.keys) WipeString(&key);
    }
  }
};

// --- Export

Json DomainBook::Export(const DomainRequest& request) {
  std::vector<Domain> page;
  std::string last;
  bool more = false;
  size_t bytes = 0;
  Status bad;
  Status status = store_->ForEachUntil(
      kDomainPrefix, request.after, ControlStore::Order::kForwards,
      [&](std::string_view key, const std::string& value) {
        more = page.size() >= request.limit || bytes > limits::kControlAnswerBytesMax / 2;
        if (more) return false;
        auto domain = identity::SenderDomainFromJson(value);
        bad = domain.status();
        if (!domain.ok()) return false;
        last = key;
        bytes += value.size() + (request.secrets ? identity::kDocumentKeysBytes : 0);
        page.push_back(std::move(*domain));
        return true;
      });
  if (status.ok()) status = bad;
  Json documents = Json::array();
  for (size_t i = 0; status.ok() && i < page.size(); ++i) {
    const identity::Account* owner = identity_->directory()->FindAccount(page[i].account);
    if (!owner) continue;  // the next check drops it
    identity::SlotKeys keys;
    if (request.secrets) status = KeysOf(page[i], &keys);
    if (status.ok()) documents.push_back(identity::DomainDocument(page[i], owner->name, keys));
    for (std::string& key : keys) WipeString(&key);
  }
  if (!status.ok()) return ErrorAnswer(StoreError(status));
  Json answer = OkAnswer();
  answer["domains"] = std::move(documents);
  if (more) answer["next"] = last;
  return answer;
}

Status DomainBook::KeysOf(const Domain& domain, identity::SlotKeys* keys) {
  for (const identity::DkimSlot& slot : domain.slots) {
    std::string& key = keys->emplace_back();
    if (slot.state == identity::KeyState::kNone) continue;
    auto der = store_->Get(SlotKey(domain.name, slot));
    if (!der.ok()) return der.status();
    if (*der) key = std::move(**der);
  }
  return OkStatus();
}

// --- Import

std::optional<ControlError> DomainBook::StageImport(const DomainRequest& request,
                                                    const Json& record, WallTime now,
                                                    Imports* imports) {
  auto document = identity::ParseDomainDocument(record);
  if (!document.ok()) {
    return ControlError{"bad_request", std::string(MessageOf(document.status())), ""};
  }
  WipedKeys wiped{&document->keys};
  const std::string name = document->domain.name;
  if (!imports->names.insert(name).second) {
    return ControlError{"bad_request", "the domain " + name + " is in this request twice", ""};
  }
  auto account = identity_->AccountNamed(document->account);
  if (!account && !request.assume_accounts.contains(ToLower(document->account))) {
    return ControlError{"not_found", "there is no account \"" + document->account + "\"",
                        "add it first"};
  }
  auto there = Find(name);
  if (!there.ok()) return StoreError(there.status());
  Imports::One& one = imports->all.emplace_back();
  one.account = document->account;
  if (*there && (*there)->account != account) {
    one.stale = std::move(**there);
    there->reset();
  }
  auto import = identity::ImportDomain(*there, *document, account.value_or(0), now);
  if (!import.ok()) {
    return ControlError{"exists", std::string(MessageOf(import.status())),
                        "where it is to be the document's, ringpost domain remove " + name +
                            " first; its customer then publishes what ringpost domain show says"};
  }
  one.import = std::move(*import);
  return std::nullopt;
}

// Two domains behind one name of the zone would break each other's mail.
std::optional<ControlError> DomainBook::CheckTokens(const Imports& imports, size_t* record) {
  std::unordered_map<std::string, size_t> fresh;  // by token: whose
  std::set<std::string_view> replaced;
  for (size_t i = 0; i < imports.all.size(); ++i) {
    if (imports.all[i].import.what == DomainImport::What::kUnchanged) continue;
    replaced.insert(imports.all[i].import.domain.name);
    for (std::string& token : TokensOf(imports.all[i].import.domain)) {
      *record = i;
      if (fresh.emplace(std::move(token), i).second) continue;
      return ControlError{"bad_request", "two domains of this request have the same token", ""};
    }
  }
  if (fresh.empty()) return std::nullopt;
  std::optional<ControlError> error;
  Status status = store_->ForEachUntil(
      kDomainPrefix, "", ControlStore::Order::kForwards,
      [&](std::string_view, const std::string& value) {
        auto domain = identity::SenderDomainFromJson(value);
        if (!domain.ok() || replaced.contains(domain->name)) return true;
        for (const std::string& token : TokensOf(*domain)) {
          auto same = fresh.find(token);
          if (same == fresh.end()) continue;
          *record = same->second;
          error = {"exists", "a token of it is " + domain->name + "'s already", ""};
          return false;
        }
        return true;
      });
  return status.ok() ? error : StoreError(status);
}

// What can be refused, is so here: a domain may be another account's sender. The senders' states
// follow what the documents say.
StatusOr<Json> DomainBook::PutSenders(const DomainRequest& request, const Imports& imports,
                                      uint32_t uid, WallTime now) {
  IdentityPut put;
  put.dry_run = request.dry_run;
  put.assume_accounts = request.assume_accounts;
  put.records = Json::array();
  for (const Imports::One& one : imports.all) {
    const Domain& domain = one.import.domain;
    auto sender = identity_->FindSender(domain.name);
    if (!sender.ok()) return sender.status();
    put.records.push_back(SenderJson(domain, one.account, SenderStateOf(domain, *sender)));
  }
  return identity_->Answer(put, uid, now);
}

Status DomainBook::WriteImports(const Imports& imports, uint32_t uid, WallTime now) {
  std::vector<ControlStore::Change> writes;
  mail::SenderDomains::Builder builder(*domains_);
  for (const Imports::One& one : imports.all) {
    if (one.import.what == DomainImport::What::kUnchanged) continue;
    const Domain& domain = one.import.domain;
    if (one.stale) {
      for (const auto& slot : one.stale->slots) writes.push_back({SlotKey(domain.name, slot), {}});
    }
    writes.push_back({DomainKey(domain.name), identity::SenderDomainToJson(domain)});
    for (size_t i = 0; i < one.import.keys.size(); ++i) {
      if (one.import.keys[i].empty()) continue;
      writes.push_back({SlotKey(domain.name, domain.slots[i]), one.import.keys[i]});
    }
    writes.push_back(identity_->AuditEntry(
        {WhatWord(one.import.what), "domain", domain.name, one.account}, uid, now));
    builder.Put(domain.name, ServedOf(domain, true));
  }
  Status status = store_->Write(writes);
  for (ControlStore::Change& change : writes) {
    if (change.value) WipeString(&*change.value);
  }
  if (!status.ok()) return status;
  Serve(std::move(builder));
  for (const Imports::One& one : imports.all) {
    if (one.import.what == DomainImport::What::kUnchanged) continue;
    due_.Set(*domains_->PlaceOf(one.import.domain.name), one.import.domain.next_check);
  }
  return status;
}

Json DomainBook::Import(const DomainRequest& request, uint32_t uid, WallTime now) {
  if (options_.zone.empty()) return NoZone();
  Imports imports;
  for (size_t i = 0; i < request.domains.size(); ++i) {
    auto error = StageImport(request, request.domains[i], now, &imports);
    if (error) return Refused(*error, i);
  }
  size_t record = 0;
  if (auto error = CheckTokens(imports, &record)) return Refused(*error, record);
  auto senders = PutSenders(request, imports, uid, now);
  if (!senders.ok()) return ErrorAnswer(StoreError(senders.status()));
  if (!(*senders)["ok"].get<bool>()) return *senders;
  if (!request.dry_run) {
    Status status = WriteImports(imports, uid, now);
    if (!status.ok()) return ErrorAnswer(StoreError(status));
  }
  Json answer = OkAnswer(), changes = Json::array();
  for (const Imports::One& one : imports.all) {
    changes.push_back({{"type", "domain"},
                       {"name", one.import.domain.name},
                       {"what", WhatWord(one.import.what)}});
  }
  answer["changes"] = std::move(changes);
  return answer;
}

}  // namespace ringpost::app
