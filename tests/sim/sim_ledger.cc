#include "tests/sim/sim_ledger.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::sim {
namespace {

// What one power cut may find under way: the transactions of every shard's connections.
constexpr size_t kInHandAtPowerCutMax = 200;

// The text between `before` and the end of that line; empty where `before` is not there.
std::string_view LineAfter(std::string_view text, std::string_view before) {
  size_t at = text.find(before);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + before.size());
  return text.substr(0, text.find('\r'));
}

int NumberIn(std::string_view digits) {
  auto number = ParseDecimal(digits);
  return number ? static_cast<int>(*number) : -1;
}

}  // namespace

// "r2.1007@d1.example.net", "s.1007@example.com": 1007.
int SimLedger::NumberOf(std::string_view address) {
  size_t dot = address.find('.');
  size_t at = address.find('@');
  if (dot == std::string_view::npos || at == std::string_view::npos || at < dot) return -1;
  return NumberIn(address.substr(dot + 1, at - dot - 1));
}

std::string SimLedger::DomainOf(std::string_view address) {
  return std::string(address.substr(address.find('@') + 1));
}

void SimLedger::Wrong(std::string what) {
  if (first_wrong_.empty()) first_wrong_ = std::move(what);
}

void SimLedger::Note(std::string_view what) {
  for (char c : what) {
    digest_ = (digest_ ^ static_cast<unsigned char>(c)) * 0x100000001B3u;  // FNV-1a
  }
}

SimLedger::Message* SimLedger::Find(int number) {
  auto found = messages_.find(number);
  return found == messages_.end() ? nullptr : &found->second;
}

SimLedger::Recipient* SimLedger::FindRecipient(const std::string& address) {
  Message* message = Find(NumberOf(address));
  if (!message) return nullptr;
  auto found = message->recipients.find(address);
  return found == message->recipients.end() ? nullptr : &found->second;
}

void SimLedger::Sent(int number, SentMessage sent) {
  Message& message = messages_[number];
  message.recipients.clear();
  for (const auto& [address, never] : sent.recipients) message.recipients[address].never = never;
  message.sent = std::move(sent);
  message.told = Told::kUnfinished;
}

void SimLedger::Heard(int number, Told told) {
  Message* message = Find(number);
  if (!message)
    return Wrong("somebody heard of message " + std::to_string(number) + ", never sent");
  Note(std::to_string(number) + "=" + std::to_string(static_cast<int>(told)));
  message->told = told;
  if (told == Told::kAcknowledged && message->sent.must_be_refused) {
    Wrong("message " + std::to_string(number) + " had to be refused and was acknowledged");
  }
}

void SimLedger::Arrived(std::string_view content, const std::string& reverse_path,
                        const std::set<std::string>& recipients, WallTime now) {
  Note(content);
  if (content.find("multipart/report") != std::string_view::npos) {
    if (!reverse_path.empty()) Wrong("a report has the reverse-path " + reverse_path);
    return ReportArrived(content, recipients, now);
  }
  int number = NumberIn(LineAfter(content, "X-Sim: "));
  std::string name = "message " + std::to_string(number);
  Message* message = Find(number);
  if (!message) return Wrong("what arrived was never sent: " + std::string(content.substr(0, 200)));
  if (!content.ends_with(message->sent.body)) Wrong(name + " arrived changed");
  std::string signature = WhatIsWrongWithSignatures(content, signing_);
  if (!signature.empty()) Wrong(name + " arrived with DKIM wrong: " + signature);
  if (reverse_path != message->sent.sender) Wrong(name + " arrived from " + reverse_path);
  for (const std::string& address : recipients) {
    auto found = message->recipients.find(address);
    if (found == message->recipients.end()) {
      Wrong(name + " arrived for a stranger, " + address);
      continue;
    }
    if (found->second.deleted) Wrong(name + " was deleted and arrived for " + address);
    if (++found->second.copies > 1) ++duplicates_;
  }
}

void SimLedger::ReportArrived(std::string_view content, const std::set<std::string>& recipients,
                              WallTime now) {
  ++reports_;
  std::string id(LineAfter(content, "\r\nMessage-ID: "));
  size_t reported = 0;
  constexpr std::string_view kField = "\r\nFinal-Recipient: rfc822; ";
  for (size_t at = content.find(kField); at != std::string_view::npos;
       at = content.find(kField, at + 1)) {
    std::string_view block = content.substr(at);
    std::string address(LineAfter(block, kField));
    Reported(address, std::string(LineAfter(block, "\r\nAction: ")), id, recipients, now);
    ++reported;
  }
  if (reported == 0) Wrong("a report names nobody: " + std::string(content.substr(0, 400)));
}

void SimLedger::Reported(const std::string& address, const std::string& action,
                         const std::string& report_id, const std::set<std::string>& to,
                         WallTime now) {
  Message* message = Find(NumberOf(address));
  Recipient* recipient = FindRecipient(address);
  if (!recipient) return Wrong("a report on " + address + ", to whom nothing was sent");
  if (to != std::set<std::string>{message->sent.sender}) {
    Wrong("a report on " + address + " went to somebody else, " + (to.empty() ? "" : *to.begin()));
  }
  if (recipient->never) Wrong("a report on " + address + ", which asked for none");
  if (action != "failed") return;
  if (!MayFail(*message, *recipient, now))
    Wrong("a report of failure without a cause on " + address);
  recipient->failed_by.insert(report_id);
  if (recipient->failed_by.size() > 1) Wrong("two different reports of failure on " + address);
}

bool SimLedger::MayFail(const Message& message, const Recipient& recipient, WallTime now) {
  return recipient.refused || message.asked_to_bounce || now >= message.sent.deadline;
}

void SimLedger::LeftInDoubt(const std::set<std::string>& recipients) {
  for (const std::string& address : recipients) {
    Recipient* recipient = FindRecipient(address);
    if (recipient) ++recipient->doubts;
    ++in_doubt_;
  }
}

void SimLedger::RefusedForGood(const std::string& address, WallTime now) {
  Recipient* recipient = FindRecipient(address);
  if (!recipient) return;
  recipient->refused = true;
  recipient->refused_at = now;
}

void SimLedger::RefusedSender(const std::string& reverse_path, WallTime now) {
  Message* message = Find(NumberOf(reverse_path));
  if (!message) return;
  for (auto& [address, recipient] : message->recipients) {
    recipient.refused = true;
    recipient.refused_at = now;
  }
}

void SimLedger::AskedToBounce(int number) {
  if (Message* message = Find(number)) message->asked_to_bounce = true;
}

void SimLedger::AskedToDelete(int number) {
  if (Message* message = Find(number)) message->asked_to_delete = true;
}

void SimLedger::Deleted(int number, const std::string& domain) {
  Message* message = Find(number);
  if (!message) return;
  for (auto& [address, recipient] : message->recipients) {
    bool open = recipient.copies == 0 && recipient.failed_by.empty() && DomainOf(address) == domain;
    if (open) recipient.deleted = true;
  }
}

void SimLedger::PowerCut(const std::vector<std::string>& open) {
  size_t in_hand = 0;
  for (const std::string& address : open) {
    Recipient* recipient = FindRecipient(address);
    if (!recipient || recipient->copies == 0) continue;
    recipient->doubts = std::max(recipient->doubts, recipient->copies);
    ++in_hand;
  }
  if (in_hand > kInHandAtPowerCutMax) {
    Wrong(std::to_string(in_hand) + " outcomes were not stored when the power went");
  }
}

bool SimLedger::AtItsEnd(const Message& message, const std::string& address,
                         const Recipient& recipient, const HeldFn& held, WallTime now) {
  if (recipient.copies > 0 || !recipient.failed_by.empty() || held(address)) return true;
  if (message.asked_to_delete) return true;
  bool silent = recipient.never || message.sent.sender.empty();
  if (silent) return MayFail(message, recipient, now);
  WallTime failed = recipient.refused ? recipient.refused_at : message.sent.deadline;
  return now >= failed + Seconds(limits::kMessageLifetimeSecondsDefault);
}

bool SimLedger::Settled(const HeldFn& held, WallTime now) const {
  for (const auto& [number, message] : messages_) {
    if (message.told != Told::kAcknowledged) continue;
    for (const auto& [address, recipient] : message.recipients) {
      if (!AtItsEnd(message, address, recipient, held, now)) return false;
    }
  }
  return true;
}

std::string SimLedger::Verdict(const HeldFn& held, WallTime now) const {
  if (!first_wrong_.empty()) return first_wrong_;
  for (const auto& [number, message] : messages_) {
    std::string name = "message " + std::to_string(number);
    for (const auto& [address, recipient] : message.recipients) {
      bool out = recipient.copies > 0 || !recipient.failed_by.empty();
      if (message.told == Told::kRefused && out) return name + " was refused and came out";
      if (message.told == Told::kUnfinished && out) return name + " was not finished and came out";
      if (message.sent.must_be_refused && out) return name + " had to be refused and came out";
      if (recipient.copies > 1 + recipient.doubts) {
        return name + " came out " + std::to_string(recipient.copies) + " times for " + address +
               " with " + std::to_string(recipient.doubts) + " causes to repeat it";
      }
      bool lost =
          message.told == Told::kAcknowledged && !AtItsEnd(message, address, recipient, held, now);
      if (lost) return name + " was acknowledged and is lost for " + address;
    }
  }
  return "";
}

int SimLedger::SomeOpen(uint64_t choice) const {
  std::vector<int> open;
  for (const auto& [number, message] : messages_) {
    if (message.told != Told::kAcknowledged || message.sent.sender.empty()) continue;
    bool some = std::any_of(message.recipients.begin(), message.recipients.end(), [](auto& entry) {
      return entry.second.copies == 0 && entry.second.failed_by.empty();
    });
    if (some) open.push_back(number);
  }
  return open.empty() ? -1 : open[choice % open.size()];
}

uint64_t SimLedger::Count(Told told) const {
  return static_cast<uint64_t>(
      std::count_if(messages_.begin(), messages_.end(),
                    [told](const auto& entry) { return entry.second.told == told; }));
}

uint64_t SimLedger::temp_failed_but_out() const {
  return static_cast<uint64_t>(
      std::count_if(messages_.begin(), messages_.end(), [](const auto& entry) {
        const Message& message = entry.second;
        return message.told == Told::kTempFailed &&
               std::any_of(message.recipients.begin(), message.recipients.end(),
                           [](const auto& recipient) { return recipient.second.copies > 0; });
      }));
}

uint64_t SimLedger::held(const HeldFn& held) const {
  uint64_t count = 0;
  for (const auto& [number, message] : messages_) {
    for (const auto& [address, recipient] : message.recipients) count += held(address);
  }
  return count;
}

}  // namespace ringpost::sim
