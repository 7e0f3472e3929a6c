// DomainBook: the sender domains of a gateway: what each publishes, what DNS showed of it, its DKIM
// keys, and the operator's zone that follows from them all.
//
// A domain is a sender of the IdentityBook as well, whose state follows what DNS shows; until DNS
// has shown it right once, a sender that was verified by hand stays so. It asks nobody itself: who
// does (domain_keeper.h) takes what is due, and brings the answers.
//
// In the store: domain/NAME (identity/sender_domain_json.h), dkim/NAME/SELECTOR (PKCS #8), and
// return_path/NUMBER, the keys of return paths, of which the first is made where there is none.
//
// In memory are when each domain is due and what shards go by (mail/sender_domains.h); its keys
// only while it sends (session/signing_keys.h).
//
// Threads: one, the IdentityBook's; every call may wait for the disk, and keys are made (up to a
// second each).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/app/domain_request.h"
#include "gateway/app/due_times.h"
#include "gateway/app/identity_book.h"
#include "gateway/dns/answer.h"
#include "gateway/identity/key_rotation.h"
#include "gateway/identity/sender_domain.h"
#include "gateway/identity/sender_domain_document.h"
#include "gateway/identity/sending_advice.h"
#include "gateway/mail/return_paths.h"
#include "gateway/mail/sender_domains.h"
#include "gateway/session/signing_keys.h"

namespace ringpost::app {

struct DomainOptions {
  std::string zone;  // the operator's; empty: domains cannot be added
  std::vector<std::string> name_servers;
  std::string mailbox;   // of the SOA record
  std::string hostname;  // what the gateway calls itself in EHLO
  // By region; the first is that of accounts that have none.
  std::vector<std::pair<std::string, identity::RegionMail>> regions;
  Seconds queue_life{0};
};

class DomainBook {
 public:
  using Json = identity::Json;

  // `store` and `identity` outlive it.
  static StatusOr<std::unique_ptr<DomainBook>> Open(storage::ControlStore* store,
                                                    IdentityBook* identity, DomainOptions options);

  // All but what asks the DNS first: kDomainCheck is answered with what is known, and kDomainRotate
  // is refused (see Rotate).
  Json Answer(const DomainRequest& request, uint32_t uid, WallTime now);

  // What is to be asked, and of which domain.
  struct Check {
    std::string name;
    std::vector<dns::Question> questions;
    identity::AdviceSubject subject;
    // Of who asks, beside the answers; nothing: what was said before stays.
    std::optional<std::vector<std::string>> advice;
  };
  std::vector<Check> TakeDue(WallTime now, size_t most);
  std::optional<WallTime> NextDue() const;
  // Nothing: there is no such domain.
  std::optional<Check> CheckOf(const std::string& name);
  // `answers`: to the check's questions, in their order. Nothing happens where they are no longer
  // the domain's; it goes where it is no longer its account's sender.
  void Judge(const Check& check, const std::vector<dns::Answer>& answers, WallTime now) {
    Judge(check, answers, now, nullptr);
  }
  // The same; and the standby keys take over at once where they were seen, by the hand of `uid`.
  // The answer of kDomainRotate.
  Json Rotate(const Check& check, const std::vector<dns::Answer>& answers, uint32_t uid,
              WallTime now);

  // Others after each change.
  const std::shared_ptr<const mail::SenderDomains>& domains() const { return domains_; }
  const std::shared_ptr<const mail::ReturnPaths>& return_paths() const { return return_paths_; }
  // One for life.
  const std::shared_ptr<session::SigningKeys>& keys() const { return keys_; }

 private:
  using Domain = identity::SenderDomain;

  struct Imports;
  static constexpr std::string_view kDomainPrefix = "domain/";

  // A turn of the keys that somebody wants now.
  struct WantedTurn {
    uint32_t uid = 0;
    bool taken = false;  // another key signs than before, and that is in the store
  };

  DomainBook(storage::ControlStore* store, IdentityBook* identity, DomainOptions options)
      : store_(store),
        identity_(identity),
        options_(std::move(options)),
        keys_(std::make_shared<session::SigningKeys>(
            [store](const std::string& name) { return LoadSigningKeys(store, name); })) {}
  // Any thread.
  static StatusOr<session::SigningKeys::Selectors> LoadSigningKeys(storage::ControlStore* store,
                                                                   const std::string& name);
  Status Load();
  Status LoadReturnPathKeys();
  void Judge(const Check& check, const std::vector<dns::Answer>& answers, WallTime now,
             WantedTurn* turn);
  static std::string DomainKey(const std::string& name);
  static std::string SlotKey(const std::string& name, const identity::DkimSlot& slot);
  StatusOr<std::optional<Domain>> Find(const std::string& name);
  Status Write(const Domain& domain, std::vector<storage::ControlStore::Change> more);
  StatusOr<std::vector<std::string>> KeyTexts(const Domain& domain);
  std::vector<storage::ControlStore::Change> MakeKeys(Domain* domain,
                                                      const std::vector<size_t>& wanted,
                                                      WallTime now);
  // What shards go by of it. `other_keys`: than it had.
  mail::SenderDomains::Domain ServedOf(const Domain& domain, bool other_keys);
  // It has changed: what is served, and when it is due.
  void Take(const Domain& domain, bool other_keys);
  void Serve(mail::SenderDomains::Builder builder);
  size_t RegionOf(uint32_t account) const;  // in options_.regions
  identity::AdviceSubject SubjectOf(const Domain& domain) const;
  Status Drop(const Domain& domain);
  // What the state of its sender is to be; `there`: the one it has, if any.
  static identity::SenderState SenderStateOf(const Domain& domain,
                                             const std::optional<identity::SenderRecord>& there);
  static Json SenderJson(const Domain& domain, const std::string& account,
                         identity::SenderState state);
  Json SetSender(const Domain& domain, identity::SenderState state, uint32_t uid, WallTime now);

  static Json NoZone();
  Json Add(const DomainRequest& request, uint32_t uid, WallTime now);
  Json Show(const std::string& name);
  Json Remove(const std::string& name, uint32_t uid, WallTime now);
  Json List(const DomainRequest& request);
  StatusOr<std::vector<dns::Record>> AllRecords();
  Json Zone(WallTime now);
  Json Records();
  Json Described(const Domain& domain) const;

  // domain_book_documents.cc
  Json Export(const DomainRequest& request);
  Status KeysOf(const Domain& domain, identity::SlotKeys* keys);
  Json Import(const DomainRequest& request, uint32_t uid, WallTime now);
  std::optional<ControlError> StageImport(const DomainRequest& request, const Json& record,
                                          WallTime now, Imports* imports);
  std::optional<ControlError> CheckTokens(const Imports& imports, size_t* record);
  StatusOr<Json> PutSenders(const DomainRequest& request, const Imports& imports, uint32_t uid,
                            WallTime now);
  Status WriteImports(const Imports& imports, uint32_t uid, WallTime now);

  storage::ControlStore* store_;
  IdentityBook* identity_;
  DomainOptions options_;
  std::shared_ptr<const mail::SenderDomains> domains_ = mail::SenderDomains::Builder().Build();
  DueTimes due_;  // by places in domains_
  uint32_t key_changes_ = 0;
  std::shared_ptr<session::SigningKeys> keys_;
  std::map<uint8_t, tls::Key> return_path_keys_;
  std::shared_ptr<const mail::ReturnPaths> return_paths_;  // null: there is no zone to have any in
};

}  // namespace ringpost::app
