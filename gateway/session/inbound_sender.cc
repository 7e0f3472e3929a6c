#include "gateway/session/inbound_sender.h"

#include <absl/container/inlined_vector.h>

#include <string>

#include "gateway/base/counters.h"
#include "gateway/identity/rewriting.h"
#include "gateway/identity/suppression_rules.h"
#include "gateway/identity/suppression_table.h"
#include "gateway/mail/from_field.h"
#include "gateway/session/shard_identity.h"

namespace ringpost::session {
namespace {

using identity::Refusal;
using smtp::Reply;

Reply NotAllowed(std::string words) { return {550, {5, 7, 1}, std::move(words)}; }

std::string DomainOf(std::string_view address) {
  return std::string(address.substr(address.rfind('@') + 1));
}

// Nobody that may send.
Reply RefuseClient(Refusal refusal, const ListenerPolicy& policy, const IpAddress& client) {
  switch (refusal) {
    case Refusal::kLoginNeeded:
      return {530,
              {5, 7, 0},
              policy.smtp.auth == smtp::Auth::kAlsoInClear
                  ? "Authentication required: log in with AUTH first"
                  : "Authentication required: log in with AUTH first, under TLS"};
    case Refusal::kBlocked:
      return NotAllowed(
          "This credential is blocked, or its account suspended. Ask the operator of this gateway");
    case Refusal::kWrongNetwork:
      return NotAllowed("This credential may not be used from " + client.ToString() +
                        ". Send from a host on its list, or ask the operator to add this one");
    default:
      return NotAllowed(
          client.ToString() +
          " may not send mail through this gateway: its address is in none of the networks the "
          "operator trusts. Send from a listed host, or ask the operator to add this one");
  }
}

// An address that may not be this client's sender. `where`: "the reverse-path", "the From field".
Reply RefuseAddress(Refusal refusal, std::string_view address, std::string_view where) {
  std::string named = "<" + std::string(address) + "> in " + std::string(where) + " ";
  switch (refusal) {
    case Refusal::kNotAnAddress:
      return {550,
              {5, 1, 7},
              named + "is no sender: it has no domain that can be verified. Send as user@domain"};
    case Refusal::kSenderByCredential:
      return NotAllowed(named +
                        "is not allowed by this credential's list of senders. Send as another, or "
                        "ask for it to be listed");
    case Refusal::kSenderByAccount:
      return NotAllowed(named +
                        "is not allowed by the account's list of senders. Send as another, or ask "
                        "for it to be listed");
    case Refusal::kSenderNotListed:
      return NotAllowed(named +
                        "is not among the addresses that may send here without a password. Log in, "
                        "or ask for it to be added");
    default:
      return NotAllowed(named + "is no verified sender of this account: " + DomainOf(address) +
                        " has to be verified first, by the DNS records that the operator of this "
                        "gateway names, or the address alone by a link that the operator has "
                        "mailed to it");
  }
}

Reply RefuseTo(Refusal refusal, std::string_view address) {
  bool by_account = refusal == Refusal::kRecipientByAccount;
  return NotAllowed("<" + std::string(address) + "> is not allowed by " +
                    (by_account ? "the account's" : "this credential's") +
                    " list of recipients. Check the address, or ask for it to be listed");
}

// "2026-12-01 at 00:00 UTC".
std::string DateWords(WallTime midnight) {
  return FormatRfc3339(midnight).substr(0, 10) + " at 00:00 UTC";
}

Reply OverQuota(std::string words, uint32_t figure, const char* more, WallTime anew) {
  Count(Counter::kOverQuota);
  words += std::to_string(figure) + more + DateWords(anew);
  return {450, {4, 7, 1}, words + ". Try again then, or ask the operator for more"};
}

// The directory knows it by the number that logged in: the same name may be another's by now.
std::optional<identity::Credential> LoggedIn(const identity::Directory& directory,
                                             const Login& login) {
  auto found = directory.FindUser(login.name);
  return found && found->id == login.credential ? found : std::nullopt;
}

}  // namespace

std::optional<Reply> IdentifySender(const InboundHost& host, const ListenerPolicy& policy,
                                    const IpAddress& client, const Login* login,
                                    smtp::Envelope* envelope,
                                    std::unique_ptr<InboundSender>* sender) {
  if (!login && policy.trusted && policy.trusted->Contains(client)) {
    // Its own hosts are told as others are: an unqualified sender would be nobody.
    if (envelope->reverse_path.empty() || envelope->reverse_path.find('@') != std::string::npos)
      return std::nullopt;
    return RefuseAddress(Refusal::kNotAnAddress, envelope->reverse_path, "the reverse-path");
  }
  if (!host.identity) return RefuseClient(Refusal::kUnknownClient, policy, client);
  std::shared_ptr<const identity::Directory> directory = host.identity->directory;
  std::optional<identity::Credential> logged_in;
  if (login) {
    logged_in = LoggedIn(*directory, *login);
    if (!logged_in) return RefuseClient(Refusal::kBlocked, policy, client);
  }
  identity::Identity found = identity::Identify(*directory, policy.authentication, logged_in,
                                                client, envelope->reverse_path);
  if (found.refusal != Refusal::kNone) return RefuseClient(found.refusal, policy, client);
  const identity::Credential& credential = *found.credential;
  identity::RewriteReversePath(*credential.settings, &envelope->reverse_path);
  if (!envelope->reverse_path.empty()) {
    auto address = identity::ListedAddress::From(envelope->reverse_path);
    Refusal refusal = identity::MaySendAs(*directory, credential, address);
    if (refusal != Refusal::kNone) {
      return RefuseAddress(refusal, envelope->reverse_path, "the reverse-path");
    }
  }
  *sender = std::make_unique<InboundSender>(InboundSender{std::move(directory), credential, {}});
  return std::nullopt;
}

std::optional<Reply> RefuseForRate(const InboundHost& host, const ListenerPolicy& policy,
                                   const InboundSender* sender) {
  using Kind = identity::RateTable::Kind;
  struct Limit {
    const char* whose;
    Kind kind;
    uint32_t id;
    identity::RateLimit limit;
  };
  absl::InlinedVector<Limit, 3> all = {
      {"by this listener", Kind::kListener, policy.rate_id, policy.rate}};
  if (sender) {
    const identity::Credential& credential = sender->credential;
    all.push_back(
        {"of this credential", Kind::kCredential, credential.id, credential.settings->rate});
    all.push_back(
        {"of the account", Kind::kAccount, credential.account->id, credential.account->rate});
  }
  identity::RateTable& rates = host.shared->rates;
  for (size_t i = 0; i < all.size(); ++i) {
    Millis wait = rates.Take(all[i].kind, all[i].id, all[i].limit, host.io().wall_now());
    if (wait == Millis(0)) continue;
    for (size_t j = 0; j < i; ++j) rates.GiveBack(all[j].kind, all[j].id, all[j].limit);
    Count(Counter::kRateLimited);
    int64_t seconds = std::chrono::ceil<Seconds>(wait).count();
    return Reply{450,
                 {4, 7, 1},
                 "Too many messages " + std::string(all[i].whose) +
                     " for its rate limit. Try again in " + std::to_string(seconds) +
                     (seconds == 1 ? " second" : " seconds")};
  }
  return std::nullopt;
}

std::optional<Reply> RefuseForQuota(const InboundHost& host, InboundSender* sender) {
  using Kind = identity::QuotaTable::Kind;
  using Over = identity::QuotaTable::Over;
  const identity::Credential& credential = sender->credential;
  identity::QuotaTable* quotas = &host.shared->quotas;
  WallTime now = host.io().wall_now();
  identity::Quota quota{credential.settings->daily_quota, credential.settings->monthly_quota};
  Over over = sender->quota.credential.Take(quotas, Kind::kCredential, credential.id, quota, now);
  if (over == Over::kDaily) {
    return OverQuota("The daily quota of this credential, ", quota.daily,
                     " recipients, is used up. It begins anew on ", identity::NextUtcDay(now));
  }
  if (over == Over::kMonthly) {
    return OverQuota("The monthly quota of this credential, ", quota.monthly,
                     " recipients, is used up. It begins anew on ", identity::NextUtcMonth(now));
  }
  uint32_t ramp = identity::RampLimit(credential.account->ramp, now);
  over = sender->quota.account.Take(quotas, Kind::kAccount, credential.account->id, {ramp, 0}, now);
  if (over == Over::kNone) return std::nullopt;
  sender->quota.credential.GiveBackOne();
  return OverQuota("This account is new: its limit of today, ", ramp,
                   " recipients, is used up, and grows from day to day. The next begins on ",
                   identity::NextUtcDay(now));
}

std::optional<Reply> RefuseRecipientOf(const InboundSender& sender, std::string_view address) {
  Refusal refusal = identity::MaySendTo(sender.credential, identity::ListedAddress::From(address));
  if (refusal == Refusal::kNone) return std::nullopt;
  return RefuseTo(refusal, address);
}

std::optional<Reply> RefuseSuppressed(const InboundHost& host, const InboundSender* sender,
                                      std::string_view address) {
  if (!host.region->suppressed) return std::nullopt;
  uint32_t account = sender ? sender->credential.account->id : 0;
  auto found = host.region->suppressed->Find(account, identity::ListedAddress::From(address));
  if (!found) return std::nullopt;
  Count(Counter::kRecipientsSuppressed);
  return identity::SuppressedReply(address, *found);
}

std::optional<Reply> RefuseFromOf(const InboundSender& sender, const mail::HeaderSummary& headers) {
  // Behind what is looked at could be another From field.
  if (headers.truncated) {
    return NotAllowed("The message's header section is longer than " +
                      std::to_string(limits::kHeaderSectionBytesMax) +
                      " bytes: who it is from cannot be told without doubt. Send it with fewer or "
                      "shorter header fields");
  }
  mail::FromAddresses from = mail::ReadFrom(headers);
  if (from.problem != mail::FromProblem::kNone) {
    return NotAllowed("Who the message is from cannot be told without doubt: it " +
                      std::string(mail::FromProblemWords(from.problem)) +
                      ". Send it with one From field that holds a plain address");
  }
  for (const std::string& address : from.addresses) {
    Refusal refusal = identity::MaySendAs(*sender.directory, sender.credential,
                                          identity::ListedAddress::From(address));
    if (refusal != Refusal::kNone) return RefuseAddress(refusal, address, "the From field");
  }
  return std::nullopt;
}

}  // namespace ringpost::session
