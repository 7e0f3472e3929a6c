// InboundSender: whose a transaction is, from MAIL to the end of data, and what follows from it as
// replies: nothing where it may go on.
//
//   MAIL         who is it (a login, where the client is, the sender it names), may it send as its
//                reverse-path, and not too many messages by now?
//   RCPT         may it send to this one, is that not suppressed, and is there something left of
//                its quotas?
//   end of data  may it send as every address of the From field?
//
// Decided in identity/decision.h; here are the words. Clients in a [[trust]] network that have not
// logged in are the operator's own: nothing of this is asked of them but the listener's rate, and
// whether somebody has put the recipient on the suppression list of the account 0.
//
// Threads: functions over values; the shard's own.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "gateway/identity/decision.h"
#include "gateway/mail/header_scan.h"
#include "gateway/session/inbound_host.h"
#include "gateway/session/inbound_login.h"
#include "gateway/smtp/envelope.h"
#include "gateway/smtp/reply.h"

namespace ringpost::session {

struct InboundSender {
  std::shared_ptr<const identity::Directory> directory;  // what `credential` points into
  identity::Credential credential;
  // For the recipients so far; the message takes it at the end of data.
  identity::QuotaHolds quota;
};

// Fills `*sender` where the client is a credential's, and leaves it null where it is the
// operator's own. `login`: null: it has not logged in.
std::optional<smtp::Reply> IdentifySender(const InboundHost& host, const ListenerPolicy& policy,
                                          const IpAddress& client, const Login* login,
                                          smtp::Envelope* envelope,
                                          std::unique_ptr<InboundSender>* sender);
// Takes the message from the rates of the listener, of the credential and of its account.
// `sender`: null: the operator's own.
std::optional<smtp::Reply> RefuseForRate(const InboundHost& host, const ListenerPolicy& policy,
                                         const InboundSender* sender);
// Holds one recipient of the quotas of the credential and of its account.
std::optional<smtp::Reply> RefuseForQuota(const InboundHost& host, InboundSender* sender);
std::optional<smtp::Reply> RefuseRecipientOf(const InboundSender& sender, std::string_view address);
// By the region's suppression list. `sender`: null: the operator's own.
std::optional<smtp::Reply> RefuseSuppressed(const InboundHost& host, const InboundSender* sender,
                                            std::string_view address);
std::optional<smtp::Reply> RefuseFromOf(const InboundSender& sender,
                                        const mail::HeaderSummary& headers);

}  // namespace ringpost::session
