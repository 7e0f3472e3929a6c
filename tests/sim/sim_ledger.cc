#include "tests/sim/sim_ledger.h"

#include <cstdlib>
#include <utility>

#include "gateway/base/text.h"

namespace ringpost::sim {
namespace {

// The number behind the first "X-Sim: ", or -1.
int NumberIn(std::string_view content) {
  size_t at = content.find("X-Sim: ");
  if (at == std::string_view::npos) return -1;
  std::string_view digits = content.substr(at + 7);
  auto number = ParseDecimal(digits.substr(0, digits.find('\r')));
  return number ? static_cast<int>(*number) : -1;
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

void SimLedger::Sent(int number, std::string body, std::set<std::string> recipients) {
  Message& message = messages_[number];
  message.body = std::move(body);
  message.recipients = std::move(recipients);
}

void SimLedger::Heard(int number, Told told) { messages_[number].told = told; }

void SimLedger::Arrived(std::string_view content, const std::set<std::string>& recipients) {
  if (Contains(content, "multipart/report")) {
    ArrivedReport(content);
    return;
  }
  auto found = messages_.find(NumberIn(content));
  if (found == messages_.end()) {
    first_error_ = "something arrived that nobody sent: " + std::string(content.substr(0, 200));
    return;
  }
  Message& message = found->second;
  if (!content.ends_with(message.body))
    first_error_ = "message " + std::to_string(found->first) + " arrived changed";
  for (const std::string& recipient : recipients) {
    if (!message.recipients.contains(recipient))
      first_error_ = "message " + std::to_string(found->first) + " arrived for a stranger";
    if (++message.copies[recipient] > 1) ++duplicates_;
  }
}

void SimLedger::ArrivedReport(std::string_view content) {
  ++reports_;
  auto found = messages_.find(NumberIn(content));
  if (found == messages_.end()) {
    first_error_ = "a report on nothing that was sent";
    return;
  }
  for (const std::string& recipient : found->second.recipients) {
    if (Contains(content, "Final-Recipient: rfc822; " + recipient) ||
        Contains(content, "Final-Recipient: rfc822;" + recipient))
      found->second.reported.insert(recipient);
  }
}

uint64_t SimLedger::temp_failed_but_out() const {
  uint64_t count = 0;
  for (const auto& [number, message] : messages_) {
    count += message.told == Told::kTempFailed && !message.copies.empty();
  }
  return count;
}

uint64_t SimLedger::Count(Told told) const {
  uint64_t count = 0;
  for (const auto& [number, message] : messages_) count += message.told == told;
  return count;
}

bool SimLedger::Settled() const {
  for (const auto& [number, message] : messages_) {
    if (message.told != Told::kAcknowledged) continue;
    for (const std::string& recipient : message.recipients) {
      if (!message.copies.contains(recipient) && !message.reported.contains(recipient))
        return false;
    }
  }
  return true;
}

std::string SimLedger::Verdict() const {
  if (!first_error_.empty()) return first_error_;
  for (const auto& [number, message] : messages_) {
    std::string name = "message " + std::to_string(number);
    bool came_out = !message.copies.empty();
    if (message.told == Told::kRefused && came_out) return name + " was refused and came out";
    if (message.told == Told::kUnfinished && came_out)
      return name + " was never finished and came out";
    if (message.told != Told::kAcknowledged) continue;
    for (const std::string& recipient : message.recipients) {
      if (!message.copies.contains(recipient) && !message.reported.contains(recipient))
        return name + " was acknowledged and is lost for " + recipient;
    }
  }
  // A break can repeat one transaction, of at most a few recipients; a crash those in flight.
  uint64_t allowed = breaks_ * 8 + crashes_ * 64;
  if (duplicates_ > allowed)
    return std::to_string(duplicates_) + " duplicates with room for " + std::to_string(allowed);
  return "";
}

}  // namespace ringpost::sim
