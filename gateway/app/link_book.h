// LinkBook: links that verify single addresses as senders: made, mailed, looked at, confirmed.
//
// A link is good once, for limits::kLinkSeconds, and only until a newer one is made for its
// address. It is bound to the address and the account that it was made for. Its token is known to
// nobody but who gets the mail: the store has the SHA-256 of it. A link that is not known costs one
// hash and one read, whatever it looks like.
//
// Looking changes nothing; only Confirm does. What it changes (the sender's state, the link's, the
// audit log) is one write.
//
// In the store: link/by/SHA-256 (address, account, end) and link/of/ADDRESS (its newest link, when
// links were sent to it: they are bounded, whoever's sender it is by then). Both go when nobody
// needs to be told any more why the link is not good: kLinkKeptSeconds behind its end.
//
// Threads: one, the IdentityBook's; every call may wait for the disk, and Send for a shard.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/app/identity_book.h"
#include "gateway/app/link_request.h"
#include "gateway/base/random.h"
#include "gateway/http/sender_link.h"
#include "gateway/session/dispatcher.h"
#include "storage/control_store.h"

namespace ringpost::app {

struct LinkOptions {
  std::string hostname;
  // What stands in front of /confirm/: "https://gw.example.com:8443"; empty: nothing serves it.
  std::function<std::string()> base;
  // Queues it in the account's region (empty: the first) and waits until it is durable.
  // DEADLINE_EXCEEDED: that is not known, and it may be.
  std::function<Status(std::string_view region, session::OwnMail mail)> queue;
};

class LinkBook {
 public:
  using Json = identity::Json;

  // Both outlive it.
  LinkBook(storage::ControlStore* store, IdentityBook* identity)
      : store_(store), identity_(identity), random_(Random::FromSystem()) {}
  void SetOptions(LinkOptions options) { options_ = std::move(options); }

  // Adds the sender where that is asked, and mails it a link. `uid`: who asks, for the audit log.
  Json Answer(const LinkRequest& request, uint32_t uid, WallTime now);
  http::LinkFacts Look(std::string_view token, WallTime now);
  // `client`: who pressed the button, for the audit log.
  http::LinkFacts Confirm(std::string_view token, std::string_view client, WallTime now);

 private:
  // link/by/...
  struct Link {
    std::string address, account;  // as the sender's record has them
    WallTime expires;
  };
  // link/of/...
  struct Sent {
    std::string to;    // as it was written: the local part's case is the owner's matter
    std::string hash;  // of the newest link; the only one that is good
    std::vector<int64_t> times_ms;  // at which links were sent, the last ones
    bool used = false;
  };
  struct Found {
    http::LinkFacts facts;
    Sent sent;
  };

  StatusOr<std::optional<Link>> FindLink(const std::string& hash);
  StatusOr<std::optional<Sent>> FindSent(const std::string& address);
  static std::string Written(const Link& link);
  static std::string Written(const Sent& sent);
  StatusOr<Found> Find(const std::string& hash, WallTime now);

  // Nothing: a link may be sent to `address`.
  std::optional<ControlError> WhyNotNow(const std::string& address, const Sent& sent,
                                        WallTime now) const;
  std::optional<ControlError> WhyNoSender(const LinkRequest& request, const std::string& address,
                                          identity::SenderRecord* sender);
  Json Mail(const identity::SenderRecord& sender, std::optional<Sent> before,
            const LinkRequest& request, uint32_t uid, WallTime now);
  std::optional<ControlError> Queue(const identity::SenderRecord& sender, const std::string& to,
                                    const std::string& token, const MessageId& id, WallTime now);
  void Sweep(WallTime now);

  storage::ControlStore* store_;
  IdentityBook* identity_;
  LinkOptions options_;
  Random random_;
  WallTime swept_;
};

}  // namespace ringpost::app
