#include "gateway/app/link_book.h"

#include <algorithm>
#include <array>

#include "gateway/app/control_json.h"
#include "gateway/app/identity_book_parts.h"
#include "gateway/base/text.h"
#include "gateway/base/wipe.h"
#include "gateway/identity/address_list.h"
#include "gateway/mail/link_mail.h"
#include "gateway/smtp/address.h"
#include "gateway/tls/aead.h"

namespace ringpost::app {
namespace {

using http::LinkFacts;
using identity::SenderRecord;
using identity::SenderState;
using storage::ControlStore;

constexpr std::string_view kByPrefix = "link/by/";
constexpr std::string_view kOfPrefix = "link/of/";
constexpr Seconds kDay{86'400};

std::string ByKey(const std::string& hash) { return std::string(kByPrefix) + hash; }
std::string OfKey(const std::string& address) { return std::string(kOfPrefix) + address; }

std::string NewToken() {
  std::array<uint8_t, limits::kLinkTokenBytes> bytes;
  tls::RandomBytes(bytes);
  std::string token;
  token.reserve(bytes.size());
  for (uint8_t byte : bytes) token += http::kLinkAlphabet[byte % http::kLinkAlphabet.size()];
  return token;
}

std::string HashOf(std::string_view token) {
  constexpr char kDigits[] = "0123456789abcdef";
  tls::Sha256 hash;
  hash.Update(token);
  std::string text;
  for (uint8_t byte : hash.Finish()) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

// As it was written, but for the domain, which every reader takes for the same.
std::string AddressToMail(std::string_view name, const identity::ListedAddress& listed) {
  auto mailbox = smtp::ParseMailbox(name, {.strict = false, .allow_utf8 = true});
  return std::string(mailbox ? mailbox->local_part : listed.local_part) + "@" + listed.domain;
}

Status Damaged(const std::string& key) {
  return MakeStatus(StatusCode::kDataLoss, "the record " + key + " is not one of a link");
}

std::string WaitWords(Seconds wait) {
  if (wait < Seconds(120)) return std::to_string(std::max<int64_t>(1, wait.count())) + " seconds";
  if (wait < Seconds(2 * 3600)) return std::to_string(wait.count() / 60) + " minutes";
  return std::to_string(wait.count() / 3600) + " hours";
}

std::string_view StateWord(SenderState state) {
  constexpr std::string_view kWords[] = {"pending", "verified", "broken"};
  return kWords[static_cast<size_t>(state)];
}

}  // namespace

// --- Records

std::string LinkBook::Written(const Link& link) {
  Json json = {
      {"address", link.address}, {"account", link.account}, {"expires", ToMillis(link.expires)}};
  return json.dump();
}

std::string LinkBook::Written(const Sent& sent) {
  Json json = {{"to", sent.to}, {"hash", sent.hash}, {"sent", sent.times_ms}};
  if (sent.used) json["used"] = true;
  return json.dump();
}

StatusOr<std::optional<LinkBook::Link>> LinkBook::FindLink(const std::string& hash) {
  auto value = store_->Get(ByKey(hash));
  if (!value.ok()) return value.status();
  if (!*value) return std::optional<Link>();
  Json json = Json::parse(**value, nullptr, false);
  if (!json.is_object() || !json["address"].is_string() || !json["account"].is_string() ||
      !json["expires"].is_number_integer()) {
    return Damaged(ByKey(hash));
  }
  return std::optional<Link>({json["address"].get<std::string>(),
                              json["account"].get<std::string>(),
                              WallFromMillis(json["expires"].get<int64_t>())});
}

StatusOr<std::optional<LinkBook::Sent>> LinkBook::FindSent(const std::string& address) {
  auto value = store_->Get(OfKey(address));
  if (!value.ok()) return value.status();
  if (!*value) return std::optional<Sent>();
  Json json = Json::parse(**value, nullptr, false);
  if (!json.is_object() || !json["to"].is_string() || !json["hash"].is_string() ||
      !json["sent"].is_array()) {
    return Damaged(OfKey(address));
  }
  Sent sent;
  sent.to = json["to"].get<std::string>();
  sent.hash = json["hash"].get<std::string>();
  sent.used = json.value("used", false);
  for (const Json& time : json["sent"]) {
    if (!time.is_number_integer()) return Damaged(OfKey(address));
    sent.times_ms.push_back(time.get<int64_t>());
  }
  return std::optional<Sent>(std::move(sent));
}

// --- Sending

std::optional<ControlError> LinkBook::WhyNotNow(const std::string& address, const Sent& sent,
                                                WallTime now) const {
  WallTime next;
  if (!sent.times_ms.empty()) {
    next = WallFromMillis(sent.times_ms.back()) + Seconds(limits::kLinkPauseSeconds);
  }
  if (sent.times_ms.size() >= limits::kLinksOfAddressPerDay) {
    size_t first = sent.times_ms.size() - limits::kLinksOfAddressPerDay;
    next = std::max(next, WallFromMillis(sent.times_ms[first]) + kDay);
  }
  // A clock that was set back makes nobody wait longer than a day.
  if (next <= now || next > now + kDay) return std::nullopt;
  return ControlError{"busy",
                      "a link was sent to " + address + " not long ago: at most one in " +
                          std::to_string(limits::kLinkPauseSeconds / 60) + " minutes, and " +
                          std::to_string(limits::kLinksOfAddressPerDay) + " a day",
                      "try again in " + WaitWords(std::chrono::ceil<Seconds>(next - now)) +
                          ", or verify it by hand: ringpost sender set " + address +
                          " --state verified"};
}

std::optional<ControlError> LinkBook::WhyNoSender(const LinkRequest& request,
                                                  const std::string& address,
                                                  SenderRecord* sender) {
  auto found = identity_->FindSender(address);
  if (!found.ok()) return StoreError(found.status());
  if (*found) *sender = **found;
  if (request.add && *found) {
    bool pending = sender->state == SenderState::kPending;
    return ControlError{
        "exists", "the sender \"" + address + "\" is there already",
        pending ? "ringpost sender link " + address + " mails it another link"
                : "it is " + std::string(StateWord(sender->state)) + ": change that with \"set\""};
  }
  if (!request.add && !*found) {
    return ControlError{"not_found", "there is no sender \"" + address + "\"",
                        "add it first: ringpost sender add " + address + " --account NAME"};
  }
  if (!request.add && sender->state != SenderState::kPending) {
    return ControlError{"exists",
                        address + " is " + std::string(StateWord(sender->state)) +
                            ": links are for addresses that are pending",
                        "ringpost sender set " + address + " --state pending makes it so"};
  }
  return std::nullopt;
}

LinkBook::Json LinkBook::Answer(const LinkRequest& request, uint32_t uid, WallTime now) {
  auto listed = identity::ListedAddress::From(request.name);
  std::string address = identity::Directory::VerifiedKeyOf(request.name);
  if (!listed.known || address.empty() || identity::Directory::VerifiedKeyOf(address) != address ||
      SenderKey(address).size() > limits::kControlKeyBytesMax) {
    return ErrorAnswer(
        {"bad_request",
         "a link is mailed to an address such as \"user@example.com\", without quotes",
         "domains are verified by DNS: ringpost domain add"});
  }
  if (options_.base().empty()) {
    return ErrorAnswer(
        {"unsupported", "no link can be mailed: no listener serves HTTP, so nobody could open it",
         "give a [[listener]] protocol = \"http\" or \"auto\", at best with tls = \"implicit\" on "
         "port 443, and reload; or verify it by hand, with --state verified"});
  }
  SenderRecord sender;
  if (auto error = WhyNoSender(request, address, &sender)) return ErrorAnswer(*error);
  auto before = FindSent(address);
  if (!before.ok()) return ErrorAnswer(StoreError(before.status()));
  if (*before) {
    if (auto error = WhyNotNow(address, **before, now)) return ErrorAnswer(*error);
  }
  if (request.add) {
    IdentityPut put;
    put.mode = IdentityPut::Mode::kCreate;
    put.records =
        Json::array({{{"type", "sender"}, {"name", address}, {"account", request.account}}});
    Json added = identity_->Answer(put, uid, now);
    if (!added.value("ok", false)) return added;
    sender.name = address;
    sender.account = request.account;
  }
  Sweep(now);
  return Mail(sender, std::move(*before), request, uid, now);
}

// The link is in the store before its mail is: what is mailed can be confirmed. Where there is no
// mail after all, the store is as it was.
LinkBook::Json LinkBook::Mail(const SenderRecord& sender, std::optional<Sent> before,
                              const LinkRequest& request, uint32_t uid, WallTime now) {
  std::string token = NewToken();
  WipedAtEnd wiped(&token);
  Link link{sender.name, sender.account, now + Seconds(limits::kLinkSeconds)};
  Sent sent = before.value_or(Sent());
  if (request.add || sent.to.empty()) {
    sent.to = AddressToMail(request.name, identity::ListedAddress::From(request.name));
  }
  sent.hash = HashOf(token);
  sent.used = false;
  sent.times_ms.push_back(ToMillis(now));
  if (sent.times_ms.size() > limits::kLinksOfAddressPerDay) {
    sent.times_ms.erase(sent.times_ms.begin());
  }
  Status status =
      store_->Write({{ByKey(sent.hash), Written(link)}, {OfKey(sender.name), Written(sent)}});
  if (!status.ok()) return ErrorAnswer(StoreError(status));
  MessageId id = MessageId::Make(now, 0, random_);
  if (auto error = Queue(sender, sent.to, token, id, now)) {
    if (error->code == "timeout") return ErrorAnswer(*error);
    std::optional<std::string> as_it_was;
    if (before) as_it_was = Written(*before);
    (void)store_->Write({{ByKey(sent.hash), std::nullopt}, {OfKey(sender.name), as_it_was}});
    return ErrorAnswer(*error);
  }
  Json note = {{"to", sent.to}, {"message", id.ToString()}};
  status = identity_->NoteSender(sender, "sent a link to", note, uid,
                                 {{OfKey(sender.name), Written(sent)}}, now);
  if (!status.ok()) return ErrorAnswer(StoreError(status));
  Json answer = OkAnswer();
  answer["sender"] = {{"name", sender.name}, {"account", sender.account}, {"state", "pending"}};
  answer["link"] = {
      {"to", sent.to}, {"message", id.ToString()}, {"expires", FormatRfc3339(link.expires)}};
  return answer;
}

std::optional<ControlError> LinkBook::Queue(const SenderRecord& sender, const std::string& to,
                                            const std::string& token, const MessageId& id,
                                            WallTime now) {
  auto account = identity_->AccountNamed(sender.account);
  const identity::Account* owner =
      account ? identity_->directory()->FindAccount(*account) : nullptr;
  std::string url = options_.base() + std::string(http::kLinkPath) + token;
  WipedAtEnd wiped(&url);
  mail::LinkMailInput input;
  input.hostname = options_.hostname;
  input.id = id;
  input.address = to;
  input.account = sender.account;
  input.url = url;
  input.now = now;
  input.expires = now + Seconds(limits::kLinkSeconds);
  Status status = options_.queue(owner ? owner->region : "", {id, to, mail::BuildLinkMail(input)});
  if (status.ok()) return std::nullopt;
  bool unknown = status.code() == StatusCode::kDeadlineExceeded;
  return ControlError{
      unknown ? "timeout" : "unavailable",
      sender.name + " is pending, but " +
          (unknown ? "it is not known whether its link is sent: " : "no link was sent to it: ") +
          std::string(MessageOf(status)),
      "ringpost sender link " + sender.name + " mails it one; ringpost sender set " + sender.name +
          " --state verified does without"};
}

// --- Links that come back

StatusOr<LinkBook::Found> LinkBook::Find(const std::string& hash, WallTime now) {
  using State = LinkFacts::State;
  Found found;
  found.facts.gateway = options_.hostname;
  found.facts.state = State::kUnknown;
  auto link = FindLink(hash);
  if (!link.ok()) return link.status();
  if (!*link) return found;
  auto sender = identity_->FindSender((*link)->address);
  if (!sender.ok()) return sender.status();
  auto sent = FindSent((*link)->address);
  if (!sent.ok()) return sent.status();
  if (!*sender || !*sent || !EqualsIgnoreCase((*sender)->account, (*link)->account) ||
      (*sender)->state == SenderState::kBroken) {
    return found;
  }
  found.sent = std::move(**sent);
  found.facts.address = found.sent.to;
  found.facts.account = (*sender)->account;
  if ((*sender)->state == SenderState::kVerified) {
    found.facts.state = State::kUsed;
  } else if (found.sent.hash != hash) {
    found.facts.state = State::kReplaced;
  } else if (!found.sent.used) {  // else it was made pending again, by hand
    found.facts.state = now < (*link)->expires ? State::kOpen : State::kExpired;
  }
  return found;
}

LinkFacts LinkBook::Look(std::string_view token, WallTime now) {
  auto found = Find(HashOf(token), now);
  return found.ok() ? std::move(found->facts) : LinkFacts();
}

LinkFacts LinkBook::Confirm(std::string_view token, std::string_view client, WallTime now) {
  auto found = Find(HashOf(token), now);
  if (!found.ok()) return {};
  if (found->facts.state != LinkFacts::State::kOpen) return std::move(found->facts);
  std::string address = identity::Directory::VerifiedKeyOf(found->sent.to);
  found->sent.used = true;
  Status status = identity_->ConfirmSender(address, {{"client", client}},
                                           {{OfKey(address), Written(found->sent)}}, now);
  if (!status.ok()) return {};
  found->facts.state = LinkFacts::State::kConfirmed;
  return std::move(found->facts);
}

// Once a day, before a link is made: what nobody needs to know any more. Where it fails, the next
// day's does it.
void LinkBook::Sweep(WallTime now) {
  if (now < swept_ + kDay && swept_ <= now) return;
  swept_ = now;
  constexpr Seconds kKept{limits::kLinkKeptSeconds};
  constexpr Seconds kGood{limits::kLinkSeconds};
  std::vector<ControlStore::Change> gone;
  auto collect = [&](std::string_view prefix, auto last_time) {
    (void)store_->ForEach(prefix, [&](std::string_view key, const std::string& value) {
      Json json = Json::parse(value, nullptr, false);
      if (!json.is_object() || last_time(json) + kKept < now)
        gone.push_back({std::string(key), {}});
    });
  };
  collect(kByPrefix, [](const Json& json) {
    return WallFromMillis(json.value("expires", static_cast<int64_t>(0)));
  });
  collect(kOfPrefix, [&](const Json& json) {
    auto times = json.find("sent");
    if (times == json.end() || !times->is_array() || times->empty()) return WallTime();
    return WallFromMillis(times->back().get<int64_t>()) + kGood;
  });
  if (!gone.empty()) (void)store_->Write(gone);
}

}  // namespace ringpost::app
